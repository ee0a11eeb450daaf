import { CellSinks } from "#db/cell-sinks.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { forgetSink, noteLack } from "#db/sink-progress.ts";
import type { Statement } from "#db/statement.ts";
import { Store } from "#db/store.ts";
import { executeTogether } from "#db/tenant-driver.ts";
import { hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { type AuditSink, auditSinksFor } from "#platform/audit-sinks.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { copyLog } from "./copy-log.ts";
import { wakeSinks } from "./sink-wake-ups.ts";

// A hundred tenants each.
const mostRounds = 20;

/** Wakes the copying of all that is due to the sinks of this cell. */
export async function sweepSinks(env: Env, cell: Cell, now: number): Promise<void> {
  const sinks = auditSinksFor(env, cell.id);
  const store = new Store(cell.database, "first-primary");
  await keepRows(store, sinks, now);
  if (sinks.length === 0) return;
  const names = new Map(sinks.map(({ place, name }) => [place, name]));
  const due = await new CellSinks(store).sinksDue(timestamp(now));
  await wakeSinks(
    cell,
    due.flatMap(({ tenantId, sink: place }) => {
      const sink = names.get(place);
      return sink === undefined ? [] : [{ tenantId, sink }];
    }),
  );
}

/** The platform's own log, which has no queue: a turn for each sink, none of which waits for another. */
export async function copyPlatformLog(env: Env, now: number): Promise<void> {
  const sinks = auditSinksFor(env, null);
  await keepRows(new Store(env.DIRECTORY, "first-primary"), sinks, now);
  const owner = { v: 1, tenantId: platformTenant, cell: null } as const;
  const outcomes = await Promise.allSettled(sinks.map((sink) => copyLog(env, owner, sink, now, 1)));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/**
 * Once an hour, and at once for a sink that is new: a row for each log that a sink lacks something of, and none for a
 * sink that is configured no more.
 */
async function keepRows(store: Store, sinks: readonly AuditSink[], now: number): Promise<void> {
  const system = new CellSinks(store);
  const known = await system.sinksKnown();
  const configured = sinks.map(({ place }) => place);
  const isHourly = now % hourMs < minuteMs;
  for (const sink of configured.filter((place) => isHourly || !known.includes(place)))
    await inRounds(
      store,
      () => system.tenantsUnknownToSink(sink),
      (tenantId) => noteLack(tenantId, sink, now),
    );
  for (const sink of known.filter((place) => !configured.includes(place)))
    await inRounds(
      store,
      () => system.tenantsOfSink(sink),
      (tenantId) => [forgetSink(tenantId, sink)],
    );
}

async function inRounds(
  store: Store,
  find: () => Promise<string[]>,
  statementsOf: (tenantId: string) => readonly Statement[],
): Promise<void> {
  for (let round = 0; round < mostRounds; round += 1) {
    const tenantIds = await find();
    if (tenantIds.length === 0) return;
    await executeTogether(store, new Map(tenantIds.map((tenantId) => [tenantId, statementsOf(tenantId)])));
  }
}
