import { systemSession } from "#db/open-tenant.ts";
import { sandboxOf } from "#gate/sandbox.ts";
import { members } from "#gate/tables.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import type { TestTenant } from "#test/world.ts";

/** Opens the sandbox of a tenant for its owner, as the operation does. */
export async function openSandbox({ cell, tenantId, slug, memberIds }: TestTenant) {
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const userId = (await session.get(members, memberIds.owner))?.userId ?? "";
  const run = { job: "test.sandbox", requestId: newId("run"), now: Date.now() };
  return await sandboxOf(testEnv(), cell, tenantId, run).open({ userId, slug });
}
