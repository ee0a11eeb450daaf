import type { Statement } from "./statement.ts";

/** What one statement of a batch gave back. */
export type ResultRows = readonly Readonly<Record<string, unknown>>[];

/**
 * One D1 database for the length of one request: a D1 session, so that reads see this request's own writes and, from a
 * bookmark, those of the requests before it.
 */
export class Store {
  readonly #open: () => D1DatabaseSession;
  #session: D1DatabaseSession | null = null;

  constructor(database: D1Database, bookmark: string) {
    this.#open = () => database.withSession(bookmark);
  }

  /** Runs the statements as one transaction and one round trip. */
  async batch(statements: readonly Statement[]): Promise<ResultRows[]> {
    this.#session ??= this.#open();
    const session = this.#session;
    const prepared = statements.map(({ text, params }) => session.prepare(text).bind(...params));
    const results = await session.batch<Record<string, unknown>>(prepared);
    return results.map((result) => result.results);
  }

  /** Where the database stood after the last statement, for a later request's read; null before the first one. */
  bookmark(): string | null {
    return this.#session?.getBookmark() ?? null;
  }
}
