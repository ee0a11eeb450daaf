import { expect } from "vitest";
import { rotateTenantKey } from "#db/tenant-keys.ts";
import { scheduledRun } from "#jobs/rewrap-tenant-keys.ts";
import { moveToNewestKey } from "#jobs/rotate-tenant-keys.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { keyed } from "#test/http/kit.ts";
import { as, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

export function rotate({ cell, tenantId }: TestTenant) {
  return rotateTenantKey(testEnv(), cell.database, tenantId, scheduledRun(Date.now()));
}

export function move({ cell, tenantId }: TestTenant, pages: number) {
  return moveToNewestKey(testEnv(), cell.database, tenantId, scheduledRun(Date.now()), pages);
}

export async function newEndpoint(tenant: TestTenant): Promise<{ id: string; url: string }> {
  const url = `https://hooks.example.com/${newId("x")}`;
  const made = await call("webhook-endpoints.create", {
    ...as(tenant),
    body: { url, eventTypes: ["order.created"] },
    headers: keyed(undefined),
  });
  expect(made.status, made.text).toBe(201);
  return { id: made.json.id, url };
}

export async function keyIds({ cell, tenantId }: TestTenant): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    cell.database,
    "select id from tenant_keys where tenant_id = ? order by id",
    tenantId,
  );
  return rows.map(({ id }) => id);
}

/** What lies under this key: subjects' keys, and the tenant's own secrets. */
export async function left({ cell, tenantId }: TestTenant, keyId: string) {
  const count = async (from: string, column: string) => {
    const text = `select count(*) as count from ${from} where tenant_id = ? and ${column} like ?`;
    const [row] = await rowsOf<{ count: number }>(cell.database, text, tenantId, `v1.${keyId}.%`);
    return row?.count ?? 0;
  };
  const secrets = await Promise.all(
    ["url", "secret", "previous_secret"].map((column) => count("webhook_endpoints", column)),
  );
  return {
    wraps: await count("subject_keys", "wrapped"),
    secrets: secrets.reduce((sum, each) => sum + each, 0),
  };
}

/** Which pepper an API key was made with. */
export function pepperVersionOf(key: string): number {
  return Number(key.slice(key.lastIndexOf("_") + 1, -13));
}
