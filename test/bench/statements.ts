import { doorTo } from "#http/door.ts";
import type { Env } from "#platform/env.ts";
import { registry } from "#resources/index.ts";
import type { Call } from "./load.ts";

/** How many statements this call sends to the cell's database, by running it in Node over a database that counts. */
export async function statementsOf(env: Env, call: Call): Promise<number> {
  let statements = 0;
  const database = env.CELL_US1 as D1Database;
  const counting = {
    withSession(bookmark: string) {
      const session = database.withSession(bookmark);
      return {
        prepare: (text: string) => session.prepare(text),
        batch: (batch: D1PreparedStatement[]) => {
          statements += batch.length;
          return session.batch(batch);
        },
        getBookmark: () => session.getBookmark(),
      };
    },
  };
  const request = new Request(new URL(call.path, "http://localhost:8787"), {
    method: call.method,
    headers: { ...call.headers, "Content-Type": "application/json" },
    ...(call.body === undefined ? {} : { body: call.body }),
  });
  const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
  // The line that the door logs for a request is no figure of the bench.
  const { info } = console;
  console.info = () => undefined;
  const answer = await doorTo(registry, { public: nobody, protocol: nobody, accounts: nobody }).fetch(
    request,
    { ...env, CELL_US1: counting },
    context,
  );
  console.info = info;
  if (answer.status !== 201) throw new Error(`Statements cannot be counted: ${await answer.text()}`);
  return statements;
}

// The pages that the whole application serves besides are no text that Node could load, and no figure of the bench.
function nobody(): never {
  throw new Error("A write needs nothing of what anybody may read.");
}
