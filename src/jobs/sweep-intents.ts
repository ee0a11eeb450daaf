import { CellSystem } from "#db/cell-system.ts";
import { claimIntent, type StoredIntent } from "#db/intent-rows.ts";
import { systemSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { stillVisiting } from "#gate/support-ends.ts";
import { portsOf, settleIntent } from "#http/effect.ts";
import { namedOperations, type Registry } from "#http/registry.ts";
import { inTurn } from "#lib/in-turn.ts";
import { timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { systemContext } from "./system-context.ts";

const mostPerRun = 50;

/** Takes up effects whose request died between intending and settling: performs them anew, or undoes them. */
export async function sweepIntents(env: Env, cell: Cell, registry: Registry, now: number): Promise<void> {
  const stale = await new CellSystem(new Store(cell.database, "first-primary")).staleIntents(timestamp(now));
  for (const { tenantId, intentId } of inTurn(stale, (intent) => intent.tenantId, mostPerRun)) {
    try {
      // Claimed before anything else, so that an intent which cannot be taken up waits behind those that can.
      const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
      const intent = await claimIntent(driver, intentId, now);
      if (intent)
        await resume(env, cell, registry, await systemSession(env, cell.database, tenantId), intent, now);
    } catch (error) {
      log("error", "an intent could not be resumed; it is tried again later", {
        intent: intentId,
        ...errorFields(error),
      });
    }
  }
}

async function resume(
  env: Env,
  cell: Cell,
  registry: Registry,
  session: TenantSession,
  stored: StoredIntent,
  now: number,
): Promise<void> {
  const operation = namedOperations(registry).find(({ name }) => name === stored.operation)?.operation;
  const { agent } = stored;
  const run = { job: stored.operation, requestId: stored.request_id, now, agent };
  const ports = portsOf(env, cell, session.keys, run);
  if (operation?.form !== "effect")
    throw new Error(`An intent names ${stored.operation}, which this deployment does not have.`);
  const intent = operation.intent.parse(stored.intent);
  if (operation.abandon) {
    await operation.abandon(ports, intent, stored.id, null);
    await commitAsSystem(session, run, [], { step: "abandon", id: stored.id });
    return;
  }
  const result = await operation.perform(ports, intent, stored.id);
  await settleIntent(operation, { id: stored.id, intent, key: keyOf(stored) }, result, {
    context: systemContext(cell, session, stored.operation, now),
    ports,
    keys: session.keys,
    commit: (changes, step) => {
      const isUndone = agent === null || step.step === "abandon";
      const guards = isUndone ? [] : stillVisiting(agent.support.sessionId, agent.support.grantId, now);
      return commitAsSystem(session, run, [...guards, ...changes], step);
    },
  });
}

function keyOf({ principal_id: principalId, operation, idempotency_token: token }: StoredIntent) {
  return token === null ? null : { principalId, operation, token };
}
