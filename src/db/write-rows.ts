import { eq, sql } from "drizzle-orm";
import { nameTokens } from "#crypto/blind-index.ts";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Insert, isAssigned, type Remove, type Update } from "./changes.ts";
import { counterValue } from "./commit-statements.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";
import { columnOf, metaOf } from "./tenant-table.ts";

type Stored = Readonly<Record<string, unknown>>;

/** A key for each subject that these rows bring into being; from here on the session can seal for them. */
export async function newSubjects(session: TenantSession, change: Insert, now: number): Promise<Statement[]> {
  const { tenantId, keys } = session;
  if (metaOf(change.table).subject !== "id") return [];
  const statements: Statement[] = [];
  for (const { id } of change.rows) {
    const subjectId = String(id);
    const { row, key } = await keys.ring.createSubjectKey(subjectId, newId("sky"));
    keys.subjects.set(subjectId, key);
    statements.push(
      statementOf(
        sql`insert into "subject_keys" ("tenant_id", "subject_id", "id", "wrapped", "created_at") values (${tenantId}, ${subjectId}, ${row.id}, ${row.wrapped}, ${timestamp(now)})`,
      ),
    );
  }
  return statements;
}

export function insertRows(session: TenantSession, change: Insert, rows: readonly Stored[]): Statement[] {
  const first = rows[0];
  if (!first) return [];
  const keys = Object.keys(first).filter((key) => key !== "tenantId");
  const columns = sql.join(
    [sql.identifier("tenant_id"), ...keys.map((key) => sql.identifier(columnOf(change.table, key).name))],
    sql`, `,
  );
  const into = sql`insert into ${change.table} (${columns})`;
  if (rows.length === 1) {
    const values = keys.map((key) => storedValue(session, first[key]));
    return [statementOf(sql`${into} values (${session.tenantId}, ${sql.join(values, sql`, `)})`)];
  }
  const places = keys.map((_, index) => sql.raw(`json_each.value ->> ${index}`));
  const data = JSON.stringify(rows.map((row) => keys.map((key) => row[key] ?? null)));
  return [
    statementOf(
      sql`${into} select ${session.tenantId}, ${sql.join(places, sql`, `)} from json_each(${data})`,
    ),
  ];
}

// That a row is within reach, as it was read, is the guard's at the head of the batch (versionGuard): by here another change
// of it may have taken from the row what brought it within reach.

export function updateRow(session: TenantSession, change: Update, patch: Stored): Statement[] {
  const sets = Object.entries(patch).map(
    ([key, value]) =>
      sql`${sql.identifier(columnOf(change.table, key).name)} = ${storedValue(session, value)}`,
  );
  return [
    statementOf(
      sql`update ${change.table} set ${sql.join(sets, sql`, `)} where ${eq(change.table.tenantId, session.tenantId)} and ${change.table.id} = ${change.before.id}`,
    ),
  ];
}

export function removeRow(session: TenantSession, change: Remove): Statement[] {
  const { table, before } = change;
  return [
    statementOf(
      sql`delete from ${table} where ${eq(table.tenantId, session.tenantId)} and ${table.id} = ${before.id}`,
    ),
  ];
}

/** The entity's row of the blind index, when this change touches what is searched. */
export async function searchRows(session: TenantSession, change: Insert | Update): Promise<Statement[]> {
  const { search, entity } = metaOf(change.table);
  if (search === null) return [];
  const statements: Statement[] = [];
  const rows = change.kind === "insert" ? change.rows : [change.patch];
  for (const row of rows) {
    const text = row[search];
    if (typeof text !== "string") continue;
    const id = String(change.kind === "insert" ? row.id : change.before.id);
    const tokens = (await nameTokens(session.keys.ring.indexKey(), text)).join(" ");
    if (change.kind === "insert") {
      statements.push(
        statementOf(
          sql`insert into "search_rows" ("tenant_id", "entity", "entity_id") values (${session.tenantId}, ${entity}, ${id})`,
        ),
      );
    }
    statements.push(
      statementOf(
        sql`insert or replace into "search_index" ("rowid", "tokens") select "search_rows"."number", ${tokens} from "search_rows" where "search_rows"."tenant_id" = ${session.tenantId} and "search_rows"."entity" = ${entity} and "search_rows"."entity_id" = ${id}`,
      ),
    );
  }
  return statements;
}

function storedValue(session: TenantSession, value: unknown) {
  return isAssigned(value) ? counterValue(session, value.$assigned) : sql`${value ?? null}`;
}
