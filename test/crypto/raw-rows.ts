import { DatabaseSync } from "node:sqlite";
import type { RawRow } from "./second-implementation.ts";

/** The rows of a D1 database's file, of each table that has owners. */
export function tablesIn(path: string): Map<string, RawRow[]> {
  const database = new DatabaseSync(path);
  const names = database
    .prepare(
      "select m.name from sqlite_schema as m join pragma_table_info(m.name) as c on c.name = 'tenant_id' where m.type = 'table'",
    )
    .all();
  const tables = names.map(({ name }): [string, RawRow[]] => [
    String(name),
    database.prepare(`select * from "${name}"`).all(),
  ]);
  database.close();
  return new Map(tables);
}
