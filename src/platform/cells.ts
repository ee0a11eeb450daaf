import type { Env } from "./env.ts";

export type Files = R2Bucket;

/** A shard of tenants with its own databases, buckets and queues. */
export interface Cell {
  readonly id: string;
  readonly jurisdiction: "eu" | null;
  readonly database: D1Database;
  readonly files: Files;
  readonly queue: Queue;
  /** The call log's: a database, a bucket and a queue that the cell's own work never waits for. */
  readonly log: D1Database;
  readonly callArchive: R2Bucket;
  readonly calls: Queue;
  /** The transparency log's files, put once and never changed. */
  readonly auditLog: R2Bucket;
  /** Endpoints that have deliveries to try; apart from the outbox, as a try may take ten seconds. */
  readonly webhooks: Queue;
  /** Copies of the audit's log to make in other stores, however slow those are. */
  readonly sinks: Queue;
}

const entryGrammar = /^([a-z]{2,8}[0-9]{1,3})(?::(eu))?$/;

const known = new WeakMap<Env, readonly Cell[]>();

/** The cells of this deployment. @throws Error where CELLS is malformed, and at the use of a binding that is missing */
export function cellsOf(env: Env): readonly Cell[] {
  const cells = known.get(env) ?? env.CELLS.split(",").map((entry) => cellFrom(env, entry));
  known.set(env, cells);
  return cells;
}

// Bound when used, so that what one cell lacks is no other's trouble.
function cellFrom(env: Env, entry: string): Cell {
  const [, id, jurisdiction] = entryGrammar.exec(entry.trim()) ?? [];
  if (!id) throw new Error(`CELLS has a malformed entry: ${entry}`);
  const suffix = id.toUpperCase();
  const database = once(() => binding<D1Database>(env, `CELL_${suffix}`, "withSession"));
  const files = once(() => binding<R2Bucket>(env, `FILES_${suffix}`, "put"));
  const queue = once(() => binding<Queue>(env, `AUDIT_EVENTS_${suffix}`, "sendBatch"));
  const webhooks = once(() => binding<Queue>(env, `WEBHOOKS_${suffix}`, "sendBatch"));
  const sinks = once(() => binding<Queue>(env, `SINKS_${suffix}`, "sendBatch"));
  const log = once(() => binding<D1Database>(env, `LOG_${suffix}`, "withSession"));
  const callArchive = once(() => binding<R2Bucket>(env, `CALL_ARCHIVE_${suffix}`, "put"));
  const auditLog = once(() => binding<R2Bucket>(env, `AUDIT_LOG_${suffix}`, "put"));
  const calls = once(() => binding<Queue>(env, `CALLS_${suffix}`, "sendBatch"));
  return {
    id,
    jurisdiction: jurisdiction === "eu" ? "eu" : null,
    get database() {
      return database();
    },
    get files() {
      return files();
    },
    get queue() {
      return queue();
    },
    get webhooks() {
      return webhooks();
    },
    get sinks() {
      return sinks();
    },
    get log() {
      return log();
    },
    get callArchive() {
      return callArchive();
    },
    get calls() {
      return calls();
    },
    get auditLog() {
      return auditLog();
    },
  };
}

function once<T>(find: () => T): () => T {
  let found: T | undefined;
  return () => {
    found ??= find();
    return found;
  };
}

/** The cell of this name, or null where the deployment has none. */
export function cellOf(env: Env, id: string): Cell | null {
  return cellsOf(env).find((cell) => cell.id === id) ?? null;
}

// wrangler.toml says which kind of resource stands behind a name: one of its methods tells it from the others.
function binding<T>(env: Env, name: string, method: keyof T & string): T {
  const bound = env[name];
  const found = bound as T | null | undefined;
  if (typeof found?.[method] !== "function")
    throw new Error(`The binding ${name} is missing, or is of another kind.`);
  return found;
}
