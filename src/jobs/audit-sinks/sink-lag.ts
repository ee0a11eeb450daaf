import { CellSinks } from "#db/cell-sinks.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { behindSeconds, sinkProgress } from "#db/sink-progress.ts";
import { Store } from "#db/store.ts";
import { type AuditSink, auditSinks, type SinkFault } from "#platform/audit-sinks.ts";
import { auditStoresOf } from "#platform/audit-trees.ts";
import type { Env } from "#platform/env.ts";

/** How far a sink is behind, at worst. */
export interface SinkLag {
  readonly sink: string;
  /** The age of the oldest head that it lacks; 0 where it lacks none. */
  readonly behindSeconds: number;
  /** Whose head that is; null where it lacks none. */
  readonly tenantId: string | null;
  readonly fault: SinkFault | null;
}

/** For operators: each sink's lag, of all the logs that it gets. @throws Error where AUDIT_SINKS is malformed */
export async function sinkLag(env: Env, now: number): Promise<SinkLag[]> {
  return await Promise.all(auditSinks(env).map((sink) => lagOf(env, sink, now)));
}

async function lagOf(env: Env, sink: AuditSink, now: number): Promise<SinkLag> {
  const lags = await Promise.all(sink.owners.map((ownerId) => lagIn(env, sink, ownerId, now)));
  return lags.reduce((worst, lag) => (lag.behindSeconds > worst.behindSeconds ? lag : worst));
}

async function lagIn(env: Env, { name, place }: AuditSink, ownerId: string, now: number): Promise<SinkLag> {
  const cell = ownerId === "platform" ? null : ownerId;
  const { database } = auditStoresOf(env, { v: 1, tenantId: platformTenant, cell });
  const system = new CellSinks(new Store(database, "first-primary"));
  const tenantId = await system.furthestBehindAtSink(place);
  if (tenantId === null) return { sink: name, behindSeconds: 0, tenantId, fault: null };
  const { rows } = await keylessSession(database, tenantId).read({ rows: sinkProgress() });
  const progress = rows.find(({ sink }) => sink === place);
  const behind = behindSeconds(progress?.behindSince ?? null, now);
  return { sink: name, behindSeconds: behind, tenantId, fault: progress?.fault ?? null };
}
