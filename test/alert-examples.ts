import { insert } from "#db/changes.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { operatorSession, tellingOperator } from "#jobs/operator/tell-operator.ts";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { alerts } from "#resources/alerts/table.ts";
import type { Example } from "./examples.ts";
import { envWith, type TestTenant } from "./world.ts";

/** An alert that the owners were told of. */
export async function newAlert({ cell, tenantId }: TestTenant): Promise<string> {
  const [id, now] = [newId("alr"), Date.now()];
  const at = timestamp(now);
  const when = { firstAt: at, lastAt: at, toldAt: at };
  const row = { id, kind: "lockouts", severity: "critical", count: 5, told: 5, ...when } as const;
  const run = { job: "test.alerts", requestId: newId("run"), now };
  await commitAsSystem(keylessSession(cell.database, tenantId), run, [insert(alerts, row, now)]);
  return id;
}

/** What is passed on to the operator of an alert, and waits for the sweeper. */
export async function newOperatorNotice(): Promise<void> {
  const now = Date.now();
  const [fromAt, toAt] = [timestamp(now), timestamp(now)];
  const about = { kind: "lockouts", severity: "critical", ofTenant: null, count: 1, fromAt, toAt } as const;
  const env = envWith({ OPERATOR_EMAIL: "operator@harbour.example" });
  const run = { job: "test.operator", requestId: newId("run"), now };
  const rows = tellingOperator(env, { sourceId: newId("ntc"), ...about }, now);
  await commitAsSystem(operatorSession(env), run, rows);
}

const withAlert = async (tenant: TestTenant) => ({ params: { alertId: await newAlert(tenant) } });

export const alertExamples: Readonly<Record<string, Example>> = {
  "alerts.list": {
    needs: "security:read",
    make: () => ({ query: { limit: "5", kind: "new-country" } }),
  },
  "alerts.get": { needs: "security:read", make: withAlert },
  "alerts.acknowledge": { needs: "security:write", make: withAlert },
};
