import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Insert } from "./changes.ts";
import { type AnyTenantTable, columnOf, metaOf } from "./tenant-table.ts";

/** Which part of a tenant's rows a principal may touch; null means unlimited. */
export interface Reach {
  readonly locations: readonly string[] | null;
  readonly assigneeId: string | null;
}

export const wholeTenant: Reach = { locations: null, assigneeId: null };

/** `tenant_id = ?` and the table's own scope, as conjuncts to stand before any other condition. */
export function scoped(table: AnyTenantTable, tenantId: string, reach: Reach): SQL {
  const tenant = eq(table.tenantId, tenantId);
  const narrower = reachOf(table, tenantId, reach);
  return narrower ? sql`${tenant} and ${narrower}` : tenant;
}

/** May a principal of this reach bring these rows into being: nobody makes what they could not see. */
export function isWithinReach(reach: Reach, { table, rows }: Pick<Insert, "table" | "rows">): boolean {
  const { scope } = metaOf(table);
  if (scope.kind !== "rows") return true;
  const { location, assignee } = scope;
  return rows.every(
    (row) =>
      (!location || reach.locations === null || reach.locations.includes(String(row[location]))) &&
      (!assignee || reach.assigneeId === null || reach.assigneeId === row[assignee]),
  );
}

function reachOf(table: AnyTenantTable, tenantId: string, reach: Reach): SQL | undefined {
  const { scope } = metaOf(table);
  switch (scope.kind) {
    case "none":
      return undefined;
    case "via":
      return reachThrough(table, scope.parent, scope.column, tenantId, reach);
    case "places":
      return and(
        reach.locations ? isPlaced(table, scope.of(), scope.column, tenantId, reach) : undefined,
        reach.assigneeId ? (scope.isWho ? sql`${table.id} = ${reach.assigneeId}` : sql`0`) : undefined,
      );
    case "rows":
      return and(
        scope.location && reach.locations ? isAmong(table, scope.location, reach.locations) : undefined,
        scope.assignee && reach.assigneeId
          ? eq(columnOf(table, scope.assignee), reach.assigneeId)
          : undefined,
      );
  }
}

function reachThrough(
  table: AnyTenantTable,
  parent: AnyTenantTable,
  column: string,
  tenantId: string,
  reach: Reach,
) {
  if (!reachOf(parent, tenantId, reach)) return undefined;
  return sql`exists (select 1 from ${parent} where ${scoped(parent, tenantId, reach)} and ${parent.id} = ${columnOf(table, column)})`;
}

// That table's own scope is its location.
function isPlaced(table: AnyTenantTable, of: AnyTenantTable, column: string, tenantId: string, reach: Reach) {
  return sql`exists (select 1 from ${of} where ${scoped(of, tenantId, { ...reach, assigneeId: null })} and ${columnOf(of, column)} = ${table.id})`;
}

function isAmong(table: AnyTenantTable, column: string, values: readonly string[]): SQL {
  return sql`${columnOf(table, column)} in (select value from json_each(${JSON.stringify(values)}))`;
}
