import { SealError } from "#crypto/envelope.ts";
import { CellSystem } from "#db/cell-system.ts";
import { emit, update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { noteUnopened } from "#db/unopened.ts";
import { inTurn } from "#lib/in-turn.ts";
import { timestamp } from "#lib/time.ts";
import { type Cell, cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { type EndpointRow, secretSince } from "#resources/webhook-endpoints/present.ts";
import { longestSecretAgeMs } from "#resources/webhook-endpoints/rules.ts";
import { webhookEndpoints } from "#resources/webhook-endpoints/table.ts";

const mostPerRun = 50;

/**
 * Tells tenants which webhook secrets are a year old, each secret once. They are never changed here: a receiver that was
 * not given the new one would refuse everything.
 */
export async function tellOldSecrets(env: Env, cell: Cell, now: number): Promise<void> {
  const run = { job: "jobs.webhooks", requestId: newId("run"), now };
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const due = await system.endpointsToTellOfSecrets(oldBefore(now));
  for (const { tenantId, endpointId } of inTurn(due, (endpoint) => endpoint.tenantId, mostPerRun)) {
    try {
      await tell(await systemSession(env, cell.database, tenantId), endpointId, run);
    } catch (error) {
      if (error instanceof SealError) await noteUnopened(cell.database, error, run);
      log("error", "a tenant could not be told of an old secret yet", {
        endpoint: endpointId,
        ...errorFields(error),
      });
    }
  }
}

/** How many endpoints, of all cells, sign with a secret that is a year old; counted up to 1000 in each. */
export async function oldSecretsOf(env: Env, now: number): Promise<number> {
  const found = await Promise.all(
    cellsOf(env).map(({ database }) =>
      new CellSystem(new Store(database, "first-primary")).endpointsWithOldSecrets(oldBefore(now)),
    ),
  );
  return found.flat().length;
}

// Who loses the row's version has nothing to tell: another runner told it, or the endpoint changed and is found again.
async function tell(session: TenantSession, endpointId: string, run: SystemRun): Promise<void> {
  const row = await session.get(webhookEndpoints, endpointId);
  if (!row || !isToTell(row, run.now)) return;
  const { id, secretVersion } = row;
  const marked = update(webhookEndpoints, row, { secretToldVersion: secretVersion }, run.now);
  const data = { webhookEndpointId: id, secretVersion };
  const told = emit("webhook_endpoint.secret_rotation_due", data, { table: webhookEndpoints, row });
  await commitAsSystem(session, run, [marked, told]);
}

function isToTell(row: EndpointRow, now: number): boolean {
  return row.secretToldVersion < row.secretVersion && secretSince(row) <= oldBefore(now);
}

function oldBefore(now: number): string {
  return timestamp(now - longestSecretAgeMs);
}
