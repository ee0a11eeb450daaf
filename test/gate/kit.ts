import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { members } from "#gate/tables.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, proxied, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();

interface Given {
  readonly headers?: Readonly<Record<string, string>>;
  readonly env?: TestEnv;
}

export function listOrders(tenant: TestTenant, as: string, given: Given = {}): Promise<Answer> {
  return call("orders.list", { tenant: tenant.slug, as, ...given });
}

export function addCustomer(tenant: TestTenant, as: string, given: Given = {}): Promise<Answer> {
  return call("customers.create", { tenant: tenant.slug, as, body: { name: "One More" }, ...given });
}

export function ping(tenant: TestTenant, as: string): Promise<Answer> {
  return call("tenants.ping", { tenant: tenant.slug, as });
}

export function rateOf({ headers }: Answer): string | null {
  return headers.get("ratelimit");
}

export function owner({ slug, key }: TestTenant) {
  return { tenant: slug, as: key };
}

export function createKey(tenant: TestTenant, as: string, terms: object): Promise<Answer> {
  return call("api-keys.create", { tenant: tenant.slug, as, body: { name: "Test key", ...terms } });
}

export async function newKey(tenant: TestTenant, scopes: readonly string[], terms: object = {}) {
  const { status, json } = await createKey(tenant, tenant.key, { scopes, ...terms });
  expect(status).toBe(201);
  return { id: String(json.id), text: String(json.key) };
}

export async function revoke(tenant: TestTenant, id: string, env: TestEnv = testEnv()): Promise<void> {
  const answer = await call("api-keys.revoke", { ...owner(tenant), params: { apiKeyId: id }, env });
  expect([answer.status, answer.json.revokedAt === null]).toEqual([200, false]);
}

export async function changeMember(
  tenant: TestTenant,
  id: string,
  patch: Partial<Pick<Row<typeof members>, "role" | "grants" | "denials" | "state">>,
): Promise<void> {
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const member = await session.get(members, id);
  if (!member) throw new Error("There is no such member.");
  const by = { job: "test.change-member", requestId: newId("run"), now: Date.now() };
  const outcome = await commitAsSystem(session, by, [update(members, member, patch, by.now)]);
  expect(outcome.kind).toBe("committed");
}

/** What the audit says that this principal did. */
export function actsOf({ cell, tenantId }: TestTenant, principalId: string) {
  return rowsOf<{ seq: number; operation: string; action: string }>(
    cell.database,
    "select seq, operation, action from audit_log where tenant_id = ? and actor_id = ? order by seq",
    tenantId,
    principalId,
  );
}

export function statement({ cell, tenantId }: TestTenant, text: string): D1PreparedStatement {
  return cell.database.prepare(text).bind(tenantId);
}

export async function run(tenant: TestTenant, text: string): Promise<void> {
  await statement(tenant, text).run();
}

export function gateOf(principalId: string) {
  return testEnv().GATES.getByName(principalId);
}

/** The Worker dies between commit and notice: no gate is told and no message is sent. */
export function withoutNotices(): TestEnv {
  const lost = () => Promise.reject(new Error("The Worker is gone."));
  const { GATES, AUDIT_EVENTS_US1: queue } = testEnv();
  return envWith({
    GATES: proxied(GATES, {
      getByName: (name: string) => ({
        enter: (request: unknown) => GATES.getByName(name).enter(request),
        forget: lost,
      }),
    }),
    AUDIT_EVENTS_US1: proxied(queue as Queue, { sendBatch: lost }),
  });
}

/** The gate has read the principal's rights and is held before it can use them. */
export async function holdHydration(principalId: string) {
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isFirst = true;
  const database = tapped(testEnv().CELL_US1 as D1Database, async (texts, read) => {
    const results = await read();
    if (!isFirst || !texts.some((text) => text.includes('from "api_keys"'))) return results;
    isFirst = false;
    reached.resolve();
    await held.promise;
    return results;
  });
  await runInDurableObject(gateOf(principalId), (gate) => {
    Object.defineProperty(gate, "env", { value: envWith({ CELL_US1: database }) });
  });
  return { reached: reached.promise, release: () => held.resolve() };
}
