import { globSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type SchemaRow, schemaDigestsOf, schemaQuery } from "#db/schema-definitions.ts";

/** src/db/schema-digests.ts as it has to be: what each kind of database is once it is migrated. */
export async function schemaDigestsModule(): Promise<string> {
  const digests: Record<string, unknown> = {};
  for (const kind of ["directory", "cell", "log"])
    digests[kind] = await schemaDigestsOf(migrated(`migrations/${kind}`));
  return [
    "// Written by `npm run client` from the migrations: what each object of a schema was made by, as the first half of a SHA-256.",
    `export const schemaDigests = ${JSON.stringify(digests)} as const;`,
  ].join("\n");
}

function migrated(folder: string): SchemaRow[] {
  const database = new DatabaseSync(":memory:");
  for (const path of globSync(`${folder}/*.sql`).toSorted()) database.exec(readFileSync(path, "utf8"));
  const rows = database.prepare(schemaQuery).all();
  database.close();
  return rows.map(({ type, name, sql }) => ({ type: String(type), name: String(name), sql: String(sql) }));
}
