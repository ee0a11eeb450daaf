import { keptTables } from "#db/protection.ts";
import { many } from "#db/queries.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { columnOf, metaOf, tenantTables } from "#db/tenant-table.ts";
// Whose tables the registry holds.
import "#resources/index.ts";

/**
 * What the personal, sensitive and secret columns of the registry hold, opened, by where each value lies. A column that
 * none of these rows fills would be searched for in vain.
 * @throws Error that names each such column
 */
export async function sealedValues(
  sessions: Readonly<Record<"cell" | "directory", TenantSession>>,
): Promise<Map<string, string | Buffer>> {
  const values = new Map<string, string | Buffer>();
  const empty: string[] = [];
  for (const { name, database } of keptTables()) {
    const table = tenantTables().get(name);
    if (!table || database === "log") continue;
    const sealed = [...metaOf(table).classification].filter(([, classification]) =>
      ["personal", "sensitive", "secret"].includes(classification),
    );
    if (sealed.length === 0) continue;
    const { rows } = await sessions[database].read({ rows: many(table, { limit: 100 }) });
    for (const [key, classification] of sealed) {
      const column = `${name}.${columnOf(table, key).name}`;
      const held = rows.filter((row) => row[key] !== null && row[key] !== undefined);
      if (held.length === 0) empty.push(column);
      for (const row of held) {
        const [where, text] = [`${column} of ${row.id}`, String(row[key])];
        values.set(where, text);
        const bytes = Buffer.from(text.replace(/^whsec_/, ""), "base64url");
        if (classification === "secret" && bytes.length >= 16) values.set(`${where}, its bytes`, bytes);
      }
    }
  }
  if (empty.length > 0)
    throw new Error(`Nothing was written to ${empty.join(", ")}: let a request write it.`);
  return values;
}
