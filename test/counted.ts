import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { envWith, proxied, tapped } from "#test/world.ts";

/** What one request asked of the world outside its isolate. */
export interface Counts {
  /** The texts of each batch: one round trip. */
  trips: (readonly string[])[];
  /** The names of the objects that were found or made. */
  objects: string[];
  /** The methods called on them. */
  hops: string[];
  /** The methods called on tenants' audit trees, with the tree's name. */
  trees: string[];
  /** The methods called on lockouts. */
  lockouts: string[];
  /** The methods called on budgets of texts. */
  budgets: string[];
  /** What was sent to wake what sends mails. */
  mails: unknown[];
  sent: unknown[];
  /** What was sent to wake webhook endpoints. */
  woken: unknown[];
  /** What was sent to the call log, as it was sent at once. */
  noted: unknown[];
  /** The bucket's methods with the keys they named. */
  files: string[];
}

/** The counts of a request that asked for nothing. */
export function nothing(): Counts {
  return {
    trips: [],
    objects: [],
    hops: [],
    trees: [],
    lockouts: [],
    budgets: [],
    mails: [],
    sent: [],
    woken: [],
    noted: [],
    files: [],
  };
}

/** The bindings, some replaced, counted. Reset the counts between requests; the caches stay those of this env. */
export function counted(changes: Readonly<Record<string, unknown>> = {}): {
  env: Env;
  counts: Counts;
  reset: () => void;
} {
  const env = envWith(changes);
  const counts = nothing();
  const reset = () => Object.assign(counts, nothing());
  const database = (real: D1Database) =>
    proxied(
      tapped(real, (texts, run) => {
        counts.trips.push(texts);
        return run();
      }),
      outside("prepare", "batch", "exec", "dump"),
    );
  const bindings = cellsOf(env).flatMap((cell): [string, unknown][] => {
    const suffix = cell.id.toUpperCase();
    return [
      [`CELL_${suffix}`, database(cell.database)],
      [`FILES_${suffix}`, calls(cell.files, (method, args) => counts.files.push(`${method} ${args[0]}`))],
      [`LOG_${suffix}`, database(cell.log)],
      [
        `CALL_ARCHIVE_${suffix}`,
        calls(cell.callArchive, (method, args) => counts.files.push(`${method} ${args[0]}`)),
      ],
      [`CALLS_${suffix}`, calls(cell.calls, (_method, args) => counts.noted.push(args[0]))],
      [`WEBHOOKS_${suffix}`, calls(cell.webhooks, (_method, args) => counts.woken.push(args[0]))],
      [`AUDIT_EVENTS_${suffix}`, calls(cell.queue, (_method, args) => counts.sent.push(args[0]))],
    ];
  });
  const gates = proxied(env.GATES, {
    ...outside("get", "newUniqueId", "idFromName"),
    getByName(name: string) {
      counts.objects.push(name);
      return calls(env.GATES.getByName(name), (method) => counts.hops.push(method));
    },
  });
  const trees = proxied(env.AUDIT_TREES, {
    ...outside("get", "newUniqueId", "idFromName"),
    getByName: (name: string) =>
      calls(env.AUDIT_TREES.getByName(name), (method) => counts.trees.push(`${method} ${name}`)),
  });
  const lockouts = proxied(env.LOCKOUTS, {
    ...outside("get", "newUniqueId", "idFromName"),
    getByName: (name: string) =>
      calls(env.LOCKOUTS.getByName(name), (method) => counts.lockouts.push(method)),
  });
  const budgets = proxied(env.BUDGETS, {
    ...outside("get", "newUniqueId", "idFromName"),
    getByName: (name: string) => calls(env.BUDGETS.getByName(name), (method) => counts.budgets.push(method)),
  });
  const replaced = {
    ...Object.fromEntries(bindings),
    DIRECTORY: database(env.DIRECTORY),
    GATES: gates,
    AUDIT_TREES: trees,
    LOCKOUTS: lockouts,
    BUDGETS: budgets,
    MAILS: calls(env.MAILS, (_method, args) => counts.mails.push(args[0])),
  };
  return { env: envWith(replaced), counts, reset };
}

function calls<T extends object>(target: T, tell: (method: string, args: unknown[]) => void): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        tell(String(name), args);
        return Reflect.apply(value, object, args);
      };
    },
  });
}

// A way in that these counts do not see must not be taken.
function outside(...methods: string[]): Record<string, () => never> {
  return Object.fromEntries(
    methods.map((method) => [
      method,
      () => {
        throw new Error(`${method} goes past db/store or platform/gates, where round trips are counted.`);
      },
    ]),
  );
}
