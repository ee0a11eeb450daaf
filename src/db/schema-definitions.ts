import { encodeHex } from "#lib/hex.ts";
import { utf8 } from "#lib/utf8.ts";

/** One row of sqlite_master: how an object of the schema was made. */
export interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** What an object is named by here (`trigger audit_log_refuses_update`), and the digest of how it was made. */
export type SchemaDigests = Readonly<Record<string, string>>;

/** All that a database has which somebody made; SQLite's own indexes have no text. */
export const schemaQuery =
  "select type, name, sql from sqlite_master where sql is not null order by type, name limit 2000";

const digestBytes = 16;

/** The digests of all objects of the schema but those that D1 and SQLite made for themselves. */
export async function schemaDigestsOf(rows: readonly SchemaRow[]): Promise<SchemaDigests> {
  const shadows = shadowTables(rows);
  const own = rows.filter((row) => row.type !== "table" || !(isOfD1(row.name) || shadows.has(row.name)));
  return Object.fromEntries(
    await Promise.all(own.map(async (row) => [`${row.type} ${row.name}`, await digestOf(row.sql)] as const)),
  );
}

// Of tables alone: whatever else bears such a name, somebody made.
function isOfD1(table: string): boolean {
  return table === "d1_migrations" || table.startsWith("_cf_") || table.startsWith("sqlite_");
}

// What FTS5 keeps its index in, by the names that its documentation gives.
function shadowTables(rows: readonly SchemaRow[]): ReadonlySet<string> {
  const virtual = rows.filter(({ sql }) => /^create virtual table/i.test(sql));
  const parts = ["config", "content", "data", "docsize", "idx"];
  return new Set(virtual.flatMap(({ name }) => parts.map((part) => `${name}_${part}`)));
}

async function digestOf(sql: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", utf8(normalised(sql)));
  return encodeHex(new Uint8Array(digest).slice(0, digestBytes));
}

const quotedOrBlank =
  /"([a-z_][a-z0-9_]*)"|('(?:[^']|'')*'|"(?:[^"]|"")*")|(?:\s|--[^\n]*|\/\*[\s\S]*?\*\/)+/gi;

/**
 * Without comments and line breaks, as not everything that applies migrations hands these on, nor the quotes that
 * SQLite gives a table's name when it is renamed, as by whoever repairs it.
 */
function normalised(sql: string): string {
  return sql.replace(quotedOrBlank, (_, name?: string, quoted?: string) => name ?? quoted ?? " ").trim();
}
