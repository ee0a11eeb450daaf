import type { Env } from "./env.ts";

export type Files = R2Bucket;

/** A shard of tenants with its own database, bucket and queues. */
export interface Cell {
  readonly id: string;
  readonly jurisdiction: "eu" | null;
  readonly database: D1Database;
  readonly files: Files;
  readonly queue: Queue;
  /** Endpoints that have deliveries to try; apart from the outbox, as a try may take ten seconds. */
  readonly webhooks: Queue;
}

const entryGrammar = /^([a-z]{2,8}[0-9]{1,3})(?::(eu))?$/;

/** The cells of this deployment. @throws Error where CELLS is malformed or a binding is missing */
export function cellsOf(env: Env): readonly Cell[] {
  return env.CELLS.split(",").map((entry) => {
    const [, id, jurisdiction] = entryGrammar.exec(entry.trim()) ?? [];
    if (!id) throw new Error(`CELLS has a malformed entry: ${entry}`);
    return {
      id,
      jurisdiction: jurisdiction === "eu" ? "eu" : null,
      database: binding<D1Database>(env, `CELL_${id.toUpperCase()}`),
      files: binding<R2Bucket>(env, `FILES_${id.toUpperCase()}`),
      queue: binding<Queue>(env, `AUDIT_EVENTS_${id.toUpperCase()}`),
      webhooks: binding<Queue>(env, `WEBHOOKS_${id.toUpperCase()}`),
    };
  });
}

/** The cell of this name, or null where the deployment has none. */
export function cellOf(env: Env, id: string): Cell | null {
  return cellsOf(env).find((cell) => cell.id === id) ?? null;
}

// wrangler.toml says which kind of resource stands behind a name; /readyz exercises each.
function binding<T>(env: Env, name: string): T {
  const bound = env[name];
  if (typeof bound !== "object" || bound === null) throw new Error(`The binding ${name} is missing.`);
  return bound as T;
}
