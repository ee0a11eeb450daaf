import type { SQL } from "drizzle-orm";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";

/** A statement as it goes to D1: its text and its bound values. */
export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
}

const dialect = new SQLiteSyncDialect();

export function statementOf(query: SQL): Statement {
  const { sql: text, params } = dialect.sqlToQuery(query);
  return { text, params };
}
