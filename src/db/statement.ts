import { Column, getTableName, Name, Param, SQL, StringChunk, sql, Table } from "drizzle-orm";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";

/** A statement as it goes to D1: its text and its bound values. */
export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
}

const dialect = new SQLiteSyncDialect();

/** Drizzle's own renderer walks prototypes for each chunk; this knows the kinds used here and leaves it the others. */
export function statementOf(query: SQL): Statement {
  const made: Draft = { text: "", params: [] };
  if (append(made, query)) return made;
  const { sql: text, params } = dialect.sqlToQuery(query);
  return { text, params };
}

interface Draft {
  text: string;
  readonly params: unknown[];
}

function append(made: Draft, chunk: unknown): boolean {
  if (chunk instanceof StringChunk) made.text += chunk.value.join("");
  else if (chunk instanceof SQL) return chunk.queryChunks.every((inner) => append(made, inner));
  else if (chunk instanceof Column) made.text += `"${getTableName(chunk.table)}"."${chunk.name}"`;
  else if (chunk instanceof Table) made.text += `"${getTableName(chunk)}"`;
  else if (chunk instanceof Name) made.text += `"${chunk.value}"`;
  else if (chunk instanceof Param)
    return bind(made, chunk.value === null ? null : chunk.encoder.mapToDriverValue(chunk.value));
  else if (chunk !== undefined) return bind(made, chunk);
  return true;
}

function bind(made: Draft, value: unknown): boolean {
  if (value !== null && typeof value !== "string" && typeof value !== "number") return false;
  made.text += "?";
  made.params.push(value);
  return true;
}

/** All of these at once. Drizzle's `and` may be undefined, and a guard without its condition would hold nothing. */
export function all(first: SQL, ...rest: readonly SQL[]): SQL {
  return sql`(${sql.join([first, ...rest], sql` and `)})`;
}

/** A piece of SQL that follows from the table alone, rendered once: its many columns cost more than their statement. */
export function oncePerTable<T extends object>(piece: (table: T) => SQL): (table: T) => SQL {
  const rendered = new WeakMap<T, SQL>();
  return (table) => {
    const known = rendered.get(table);
    if (known) return known;
    const { text, params } = statementOf(piece(table));
    if (params.length > 0) throw new Error("A piece that is rendered once has no values.");
    const raw = sql.raw(text);
    rendered.set(table, raw);
    return raw;
  };
}
