import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { SealError } from "#crypto/envelope.ts";
import { timestamp } from "#lib/time.ts";
import type { Upkeep } from "./changes.ts";
import { platformTenant } from "./directory-tables.ts";
import { rebuiltTokens } from "./index-rebuild.ts";
import { type Moved, moveEach } from "./moved-rows.ts";
import { resealed } from "./sealing.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";
import { type AnyTenantTable, columnOf, metaOf, tenantTables } from "./tenant-table.ts";

export const firstStep = "subjects";
const subjectsPerPage = 200;
const rowsPerPage = 50;

const Rotation = z.object({
  key_id: z.string(),
  step: z.string(),
  position: z.string(),
  moved: z.number(),
  started_at: z.string(),
});
type Rotation = z.infer<typeof Rotation>;

/** The tenant's rotation that has not ended, if there is one. */
export async function pendingRotation(session: TenantSession): Promise<Rotation | null> {
  const [rows] = await session.execute([
    statementOf(
      sql`select "key_id", "step", "position", "moved", "started_at" from "key_rotations" where "key_rotations"."tenant_id" = ${session.tenantId} and "finished_at" is null`,
    ),
  ]);
  return rows?.[0] ? Rotation.parse(rows[0]) : null;
}

/** The condition that the tenant has a rotation that has not ended: there is one at a time. */
export function isUnderWay(tenantId: string): SQL {
  return sql`exists (select 1 from "key_rotations" where "key_rotations"."tenant_id" = ${tenantId} and "finished_at" is null)`;
}

/** What one page of a rotation writes, what it could not open, and whether the rotation ends with it. */
export interface Page {
  readonly upkeep: Upkeep;
  readonly moved: number;
  readonly unopened: readonly SealError[];
  readonly isLast: boolean;
}

/**
 * The next page of what lies under older keys, sealed anew under the newest. Each value is written only where the old
 * one still stands, so that a page may be repeated, and a change that came between stays as it is.
 */
export async function nextPage(session: TenantSession, rotation: Rotation, now: number): Promise<Page> {
  const steps = stepsOf(session.tenantId);
  const at = steps.findIndex(({ name }) => name === rotation.step);
  const step = steps[at];
  // A step that is unknown belongs to newer code, which goes on with it.
  if (!step) throw new Error(`A rotation stands at ${rotation.step}, which this version does not know.`);
  const { statements, position, unopened } = await step.move(session, rotation.position, rotation.started_at);
  const next = position === null ? steps[at + 1]?.name : step.name;
  const isLast = next === undefined;
  const standsHere = sql`"key_rotations"."tenant_id" = ${session.tenantId} and "key_id" = ${rotation.key_id} and "step" = ${rotation.step} and "position" = ${rotation.position}`;
  const unless = sql`not exists (select 1 from "key_rotations" where ${standsHere} and "finished_at" is null)`;
  const advance = statementOf(
    sql`update "key_rotations" set "step" = ${next ?? rotation.step}, "position" = ${position ?? ""}, "moved" = "moved" + ${sql.raw(String(statements.length))}, "finished_at" = ${isLast ? timestamp(now) : null} where ${standsHere}`,
  );
  return {
    upkeep: { kind: "upkeep", unless, statements: [...statements, advance] },
    moved: statements.length,
    unopened,
    isLast,
  };
}

interface Step {
  readonly name: string;
  move(session: TenantSession, after: string, startedAt: string): Promise<Moved>;
}

function stepsOf(tenantId: string): Step[] {
  const tables = tablesOf(tenantId);
  // The directory's tokens stay under its oldest key.
  const indexed = tenantId === platformTenant ? [] : tables.filter(isIndexed);
  return [
    { name: firstStep, move: moveSubjects },
    ...tables
      .filter((table) => secretsOf(table).length > 0)
      .map((table) => ({
        name: `secrets ${metaOf(table).name}`,
        move: (session: TenantSession, after: string) => moveSecrets(session, table, after),
      })),
    ...indexed.map((table) => ({
      name: `index ${metaOf(table).name}`,
      // What was made later bears the newest key's tokens: the epoch moved with the key.
      move: (session: TenantSession, after: string, until: string) =>
        rebuiltTokens(session, table, { after, until, limit: rowsPerPage }),
    })),
  ];
}

export function tablesOf(tenantId: string): AnyTenantTable[] {
  const store = tenantId === platformTenant ? "directory" : "cell";
  return [...tenantTables().values()].filter((table) => metaOf(table).store === store);
}

function isIndexed(table: AnyTenantTable): boolean {
  const { search, exact } = metaOf(table);
  return search !== null || Object.keys(exact).length > 0;
}

export function secretsOf(table: AnyTenantTable): string[] {
  return [...metaOf(table).classification].filter(([, kind]) => kind === "secret").map(([key]) => key);
}

const SubjectKeys = z.array(z.object({ subject_id: z.string(), id: z.string(), wrapped: z.string() }));

async function moveSubjects(session: TenantSession, after: string): Promise<Moved> {
  const { tenantId, keys } = session;
  const [rows] = await session.execute([
    statementOf(
      sql`select "subject_id", "id", "wrapped" from "subject_keys" where "subject_keys"."tenant_id" = ${tenantId} and "subject_id" > ${after} order by "subject_id" limit ${subjectsPerPage}`,
    ),
  ]);
  const found = SubjectKeys.parse(rows);
  return await moveEach(
    found,
    subjectsPerPage,
    (row) => row.subject_id,
    async (row) => {
      const next = await keys.ring.rewrapSubjectKey(row.subject_id, row);
      if (next === null) return [];
      return [
        statementOf(
          sql`update "subject_keys" set "wrapped" = ${next.wrapped} where "subject_keys"."tenant_id" = ${tenantId} and "subject_id" = ${row.subject_id} and "wrapped" = ${row.wrapped}`,
        ),
      ];
    },
  );
}

async function moveSecrets(session: TenantSession, table: AnyTenantTable, after: string): Promise<Moved> {
  const { tenantId, keys } = session;
  const columns = secretsOf(table);
  const selected = columns.map((key) => sql`, ${columnOf(table, key)} as ${sql.identifier(key)}`);
  const [rows = []] = await session.execute([
    statementOf(
      sql`select ${table.id} as "id"${sql.join(selected)} from ${table} where ${table.tenantId} = ${tenantId} and ${table.id} > ${after} order by ${table.id} limit ${rowsPerPage}`,
    ),
  ]);
  return await moveEach(
    rows,
    rowsPerPage,
    (row) => String(row.id),
    async (row) => {
      const id = String(row.id);
      const statements: Statement[] = [];
      for (const key of columns) {
        const value = row[key];
        const next = typeof value === "string" ? await resealed(keys, table, key, id, value) : null;
        if (next === null) continue;
        const column = sql.identifier(columnOf(table, key).name);
        statements.push(
          statementOf(
            sql`update ${table} set ${column} = ${next} where ${table.tenantId} = ${tenantId} and ${table.id} = ${id} and ${columnOf(table, key)} = ${value}`,
          ),
        );
      }
      return statements;
    },
  );
}
