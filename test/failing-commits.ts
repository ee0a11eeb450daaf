import { proxied } from "./world.ts";

/** What a run over all statements has seen: how many commits were tried, and how many statements the last one had. */
export interface SeenCommits {
  commits: number;
  most: number;
}

/** The database, in which a commit fails right before its statement of this number. */
export function failingAt(database: D1Database, at: number, seen: SeenCommits): D1Database {
  return proxied(database, {
    withSession(bookmark: string) {
      const session = database.withSession(bookmark);
      const texts = new WeakMap<D1PreparedStatement, string>();
      return proxied(session, {
        prepare: (text: string) =>
          proxied(session.prepare(text), {
            bind(...values: unknown[]) {
              const bound = session.prepare(text).bind(...values);
              texts.set(bound, text);
              return bound;
            },
          }),
        batch(statements: D1PreparedStatement[]) {
          const isCommit = statements.some((each) => texts.get(each)?.startsWith('insert into "commits"'));
          if (!isCommit) return session.batch(statements);
          seen.commits += 1;
          seen.most = statements.length;
          const fault = session.prepare("insert into commit_guard (code) values ('planted-fault')");
          return session.batch(statements.toSpliced(at, 0, fault));
        },
      });
    },
  });
}
