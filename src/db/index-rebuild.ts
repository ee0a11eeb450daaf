import { sql } from "drizzle-orm";
import { nameTokens } from "#crypto/blind-index.ts";
import { type Moved, moveEach } from "./moved-rows.ts";
import { openWithKey, storedPage } from "./queries.ts";
import { exactTokens } from "./sealing.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";
import { type AnyTenantTable, columnOf, metaOf } from "./tenant-table.ts";

type Stored = Readonly<Record<string, unknown>>;

/**
 * The index tokens of a page of rows, made anew under the newest index key. Until the older key is removed readers look
 * for both, so that a row is found before and after.
 */
export async function rebuiltTokens(
  session: TenantSession,
  table: AnyTenantTable,
  page: { readonly after: string; readonly until: string; readonly limit: number },
): Promise<Moved> {
  const [rows = []] = await session.execute([storedPage(session, table, page)]);
  return await moveEach(
    rows,
    page.limit,
    (row) => String(row.id),
    async (stored) => {
      const opened = await openWithKey(session, table, stored);
      return opened === null
        ? []
        : [
            ...(await exactRows(session, table, stored, opened)),
            ...(await words(session, table, stored, opened)),
          ];
    },
  );
}

async function exactRows(
  { tenantId, keys }: TenantSession,
  table: AnyTenantTable,
  stored: Stored,
  opened: Stored,
): Promise<Statement[]> {
  const tokens = await exactTokens(keys, metaOf(table), opened);
  return Object.entries(tokens).flatMap(([key, token]) => {
    if (token === null || token === stored[key]) return [];
    const column = columnOf(table, key);
    return [
      statementOf(
        sql`update ${table} set ${sql.identifier(column.name)} = ${token} where ${table.tenantId} = ${tenantId} and ${table.id} = ${stored.id} and ${column} = ${stored[key]}`,
      ),
    ];
  });
}

// Only while the text is still the one that was read.
async function words(
  { tenantId, keys }: TenantSession,
  table: AnyTenantTable,
  stored: Stored,
  opened: Stored,
): Promise<Statement[]> {
  const { search, entity } = metaOf(table);
  const text = search === null ? null : opened[search];
  if (search === null || typeof text !== "string") return [];
  const tokens = (await nameTokens(keys.ring.indexKey(), text)).join(" ");
  const stands = sql`exists (select 1 from ${table} where ${table.tenantId} = ${tenantId} and ${table.id} = ${stored.id} and ${columnOf(table, search)} = ${stored[search]})`;
  return [
    statementOf(
      sql`insert or replace into "search_index" ("rowid", "tokens") select "search_rows"."number", ${tokens} from "search_rows" where "search_rows"."tenant_id" = ${tenantId} and "search_rows"."entity" = ${entity} and "search_rows"."entity_id" = ${stored.id} and ${stands}`,
    ),
  ];
}
