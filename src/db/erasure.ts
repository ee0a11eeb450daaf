import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import type { Destroy } from "./changes.ts";
import { guardStatement } from "./commit-statements.ts";
import { platformTenant } from "./directory-tables.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";
import { type AnyTenantTable, columnOf, metaOf, tenantTables } from "./tenant-table.ts";

/** Destroyed already: the tombstone stands and no key does. Where an older copy brought the key back, it goes again. */
export function destroyedGuard({ tenantId }: TenantSession, code: string, { subjectId }: Destroy): Statement {
  const stands = (table: "subject_keys" | "subject_tombstones") => {
    const name = sql.identifier(table);
    return sql`exists (select 1 from ${name} where ${name}."tenant_id" = ${tenantId} and ${name}."subject_id" = ${subjectId})`;
  };
  return guardStatement(code, sql`${stands("subject_tombstones")} and not ${stands("subject_keys")}`);
}

/** Nothing is sealed for whoever has a tombstone, whatever key was at hand when the request began. */
export function livingGuard(
  { tenantId }: TenantSession,
  code: string,
  subjectIds: readonly string[],
): Statement {
  return guardStatement(
    code,
    sql`exists (select 1 from "subject_tombstones" where "subject_tombstones"."tenant_id" = ${tenantId} and "subject_tombstones"."subject_id" in (select value from json_each(${JSON.stringify(subjectIds)})))`,
  );
}

/** The key goes, and with it all that lies under it; so do the tokens by which the person could be found. */
export function destroySubjectRows(session: TenantSession, change: Destroy, now: number): Statement[] {
  const { tenantId } = session;
  const { subjectId, destroyedAt } = change;
  const isSubject = (table: "subject_keys" | "subject_tombstones") => {
    const name = sql.identifier(table);
    return sql`${name}."tenant_id" = ${tenantId} and ${name}."subject_id" = ${subjectId}`;
  };
  return [
    ...indexedTables(tenantId).flatMap((table) => forgottenRows(tenantId, table, subjectId, now)),
    statementOf(sql`delete from "subject_keys" where ${isSubject("subject_keys")}`),
    statementOf(
      sql`insert into "subject_tombstones" ("tenant_id", "subject_id", "destroyed_at") select ${tenantId}, ${subjectId}, ${timestamp(destroyedAt)} where not exists (select 1 from "subject_tombstones" where ${isSubject("subject_tombstones")})`,
    ),
  ];
}

function indexedTables(tenantId: string): AnyTenantTable[] {
  const store = tenantId === platformTenant ? "directory" : "cell";
  return [...tenantTables().values()].filter((table) => {
    const meta = metaOf(table);
    const isFound = meta.search !== null || meta.identity !== null || Object.keys(meta.exact).length > 0;
    return meta.store === store && meta.subject !== null && isFound;
  });
}

function forgottenRows(tenantId: string, table: AnyTenantTable, subjectId: string, now: number): Statement[] {
  const { subject, search, exact, identity, entity, store } = metaOf(table);
  const theirs = sql`${table.tenantId} = ${tenantId} and ${columnOf(table, subject ?? "id")} = ${subjectId}`;
  const found = sql`"search_rows"."tenant_id" = ${tenantId} and "search_rows"."entity" = ${entity} and "search_rows"."entity_id" in (select ${table.id} from ${table} where ${theirs})`;
  // The directory's tokens are unique and never null; this is none, as a token has no colon.
  const none = store === "directory" ? sql`'erased:' || "id"` : sql`null`;
  const tokens = [...Object.keys(exact), ...(identity === null ? [] : [identity])].map(
    (key) => sql`${sql.identifier(columnOf(table, key).name)} = ${none}, `,
  );
  return [
    ...(search === null
      ? []
      : [
          statementOf(
            sql`delete from "search_index" where "rowid" in (select "search_rows"."number" from "search_rows" where ${found})`,
          ),
          statementOf(sql`delete from "search_rows" where ${found}`),
        ]),
    statementOf(
      sql`update ${table} set ${sql.join(tokens)}"version" = "version" + 1, "updated_at" = ${timestamp(now)} where ${theirs}`,
    ),
  ];
}
