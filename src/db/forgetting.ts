import { sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import type { Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";
import { type AnyTenantTable, columnOf, metaOf } from "./tenant-table.ts";

/** Rows of business that are taken away some time after an instant of theirs; their audit keeps what they were. */
export interface Forgettable {
  readonly table: AnyTenantTable;
  /** The property that tells the instant, RFC 3339, and an index of the whole cell that begins with it. */
  readonly since: string;
  readonly index: string;
  /** ms after that instant. */
  readonly keptMs: number;
  /** Of which condition the index is, in its words; of all rows where there is none. */
  readonly only?: string;
  /** Rows that point at these: they go with them, or keep them for as long as there are any. */
  readonly takes?: Pointing;
  readonly heldBy?: Pointing;
}

interface Pointing {
  readonly table: AnyTenantTable;
  readonly by: string;
}

const mostFound = 500;

/** Across tenants: what of these is past its time, by tenant and id; of a tenant that is frozen none goes. */
export function forgettableRows(
  { table, since, index, keptMs, only, heldBy }: Forgettable,
  now: number,
): Statement {
  const name = metaOf(table).name;
  const at = columnOf(table, since).name;
  const held = heldBy && metaOf(heldBy.table).name;
  const conditions = [
    `${at} <= ?`,
    ...(only ? [only] : []),
    ...(heldBy
      ? [
          `not exists (select 1 from ${held} where ${held}.tenant_id = ${name}.tenant_id and ${held}.${columnOf(heldBy.table, heldBy.by).name} = ${name}.id)`,
        ]
      : []),
    `exists (select 1 from tenant_state where tenant_state.tenant_id = ${name}.tenant_id and tenant_state.state = 'active')`,
  ];
  return {
    text: `select tenant_id, id from ${name} indexed by ${index} where ${conditions.join(" and ")} order by ${at} limit ${mostFound}`,
    params: [timestamp(now - keptMs)],
  };
}

const Named = z.object({ id: z.string(), version: z.int() });
type Named = z.output<typeof Named>;

/**
 * One of them, and what goes with it, by id and version alone and without any key, so that those go as well that nobody
 * can open; null where it was renewed meanwhile.
 */
export function pastRow(
  { table, since, keptMs, takes }: Forgettable,
  id: string,
  now: number,
): Query<{ readonly row: Named; readonly taken: readonly Named[] } | null> {
  return {
    async statement({ tenantId }) {
      const taken = takes
        ? sql`(select json_group_array(json_object('id', ${takes.table.id}, 'version', ${takes.table.version})) from ${takes.table} where ${takes.table.tenantId} = ${tenantId} and ${columnOf(takes.table, takes.by)} = ${id})`
        : sql`'[]'`;
      return statementOf(
        sql`select ${table.id} as "id", ${table.version} as "version", ${taken} as "taken" from ${table} where ${table.tenantId} = ${tenantId} and ${table.id} = ${id} and ${columnOf(table, since)} <= ${timestamp(now - keptMs)}`,
      );
    },
    decode: async (_context, [row]) =>
      row ? { row: Named.parse(row), taken: z.array(Named).parse(JSON.parse(String(row.taken))) } : null,
  };
}
