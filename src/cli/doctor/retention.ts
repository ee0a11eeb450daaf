import { CellSystem } from "#db/cell-system.ts";
import { LogSystem } from "#db/log-system.ts";
import { cellKinds, kernelKinds, mostOfAKind } from "#db/retention.ts";
import { Store } from "#db/store.ts";
import { callCountsKeptMs, callsKeptMs, capabilityUsesKeptMs } from "#jobs/call-retention.ts";
import { dayMs, dayOf, hourStart, timestamp } from "#lib/time.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { counted, type Finding, graded } from "./finding.ts";

/** What of each kind is there for a day longer than it is kept, by database. */
export type RetentionFacts = readonly {
  readonly database: string;
  readonly kinds: readonly { readonly kind: string; readonly overdue: number }[];
}[];

const graceMs = dayMs;

export async function retentionFacts(env: Env, now: number): Promise<RetentionFacts> {
  const before = (keptMs: number) => timestamp(hourStart(now - keptMs - graceMs));
  return await Promise.all([
    rowsOf("directory", env.DIRECTORY, kernelKinds),
    ...cellsOf(env).flatMap((cell) => [
      rowsOf(`cell-${cell.id}`, cell.database, cellKinds),
      callsOf(`log-${cell.id}`, cell.log),
    ]),
  ]);

  async function rowsOf(database: string, store: D1Database, kinds: readonly (typeof cellKinds)[number][]) {
    const system = new CellSystem(new Store(store, "first-primary"));
    const expired = [...(await system.expired(now - graceMs, kinds)).values()];
    const overdueOf = (kind: (typeof cellKinds)[number]) =>
      expired.reduce((count, rows) => count + (rows[kind]?.length ?? 0), 0);
    return { database, kinds: kinds.map((kind) => ({ kind, overdue: overdueOf(kind) })) };
  }

  async function callsOf(database: string, store: D1Database) {
    const system = new LogSystem(new Store(store, "first-primary"));
    const [rows, counts, uses] = await Promise.all([
      system.hoursToPurge(before(callsKeptMs)),
      system.hoursToForget(before(callCountsKeptMs)),
      system.tenantsWithOldUses(dayOf(now - capabilityUsesKeptMs - graceMs)),
    ]);
    return {
      database,
      kinds: [
        { kind: "calls", overdue: rows.length },
        { kind: "call counts and archives", overdue: counts.length },
        { kind: "uses of capabilities", overdue: uses.length },
      ],
    };
  }
}

export function judgeRetention(facts: RetentionFacts): Finding[] {
  return facts.map(({ database, kinds }) => {
    const overdue = kinds.filter(({ overdue: count }) => count > 0);
    const told = overdue.map(({ kind, overdue: count }) => `${kind} (${counted(count, mostOfAKind, "row")})`);
    return graded(
      overdue.length === 0,
      `${database}: nothing of ${kinds.length} kinds is kept a day longer than its time.`,
      `${database} keeps what should be gone: ${told.join(", ")}.`,
      "see what cron logs of retention (`npx wrangler tail`); it deletes a bounded number a minute",
    );
  });
}
