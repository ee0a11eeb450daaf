import { isTechnicalTable, tenantlessTables } from "#db/technical-tables.ts";
import { isTenantTable } from "#db/tenant-table.ts";
import { cellsOf } from "#platform/cells.ts";
import { testEnv } from "#test/env.ts";
import { limitProblems, masked } from "#test/lint/sql.ts";
import { rowsOf } from "#test/world.ts";
import { tablesOf } from "#test/written.ts";

/**
 * What is wrong with these statements: each tenant table must be searched with `tenant_id=?` first, and no text may be
 * more than D1 takes in production. Each line says which statement and which line of its plan.
 */
export async function planProblems(texts: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  for (const text of texts) {
    problems.push(...limitProblems(text).map(({ message }) => `${message}\n    in ${text}`));
    const database = await databaseOf(text);
    const plan = database === null ? ["no database has all its tables"] : await planOf(database, text);
    problems.push(...plan.filter((step) => !isHarmless(step, plan)).map((step) => `${step}\n    in ${text}`));
  }
  return problems;
}

/** How SQLite would run it, one step a line; an error where it would not. */
export async function planOf(database: D1Database, text: string): Promise<string[]> {
  const values = Array.from({ length: masked(text).split("?").length - 1 }, () => null);
  try {
    const rows = await rowsOf<{ detail: string }>(database, `explain query plan ${text}`, ...values);
    return rows.map(({ detail }) => detail);
  } catch (error) {
    return [String(error)];
  }
}

function isHarmless(step: string, plan: readonly string[]): boolean {
  if (/^(SCAN CONSTANT ROW|SCAN json_each VIRTUAL TABLE INDEX \d+:)$/.test(step)) return true;
  // Made of other steps, which are listed below it.
  if (/^(CORRELATED )?(SCALAR|LIST) SUBQUERY \d+$|^USE TEMP B-TREE FOR |^CREATE BLOOM FILTER$/.test(step))
    return true;
  // Full text under MATCH, or by the rowid that search_rows gave. An empty idxStr would be a scan of all words.
  if (isMatch(step) || /^SCAN search_index VIRTUAL TABLE INDEX \d+:=$/.test(step)) return true;
  // Which rows of the index are whose: by the rowids that MATCH gave, and tokens are one tenant's alone.
  if (step === "SEARCH search_rows USING INTEGER PRIMARY KEY (rowid=?)") return plan.some(isMatch);
  const [, table = "", rest = ""] = /^SEARCH (\w+) (?:EXISTS )?USING .*\(tenant_id=\?(.*)/.exec(step) ?? [];
  // By its tenant alone a log is gone through from its first day; only what is still pending is few.
  if (logs.includes(table) && rest.startsWith(")") && !step.includes("INDEX events_pending ")) return false;
  return isTenantTable(table) || isTechnicalTable(table);
}

function isMatch(step: string): boolean {
  return /^SCAN search_index VIRTUAL TABLE INDEX \d+:=?M\d+$/.test(step);
}

const logs = ["events", "webhook_bodies", "webhook_deliveries", "webhook_attempts"];

// The technical tables are alike in the directory and in every cell; whatever else a text names decides.
async function databaseOf(text: string): Promise<D1Database | null> {
  const named = [...text.matchAll(/"(\w+)"/g)]
    .map(([, name]) => name ?? "")
    .filter((name) => isTenantTable(name) || isTechnicalTable(name) || tenantlessTables.includes(name));
  const [cell] = cellsOf(testEnv());
  const candidates = [
    ...(cell ? [{ id: "cell", database: cell.database }] : []),
    ...(cell ? [{ id: "log", database: cell.log }] : []),
    { id: "directory", database: testEnv().DIRECTORY },
  ];
  for (const { id, database } of candidates) {
    const present = await tablesOf(id, database);
    if (named.every((name) => present.includes(name))) return database;
  }
  return null;
}
