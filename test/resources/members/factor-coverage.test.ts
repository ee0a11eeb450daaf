import { expect, test } from "vitest";
import { copyFactors } from "#db/member-factors.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { changeMember } from "#test/gate/kit.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const none = { totp: false, passkeys: 0, sms: false, recoveryCodesLeft: 0, copiedAt: null };

test("the report names each member of the tenant once with their factors, page by page, and sums up who is active", async () => {
  const tenant = await newTenant();
  const { owner, manager, installer } = tenant.memberIds;
  await has(tenant, manager, { totp: 1, passkeys: 0, sms: 0, recoveryCodesLeft: 7 });
  await has(tenant, installer, { totp: 0, passkeys: 0, sms: 0, recoveryCodesLeft: 0 });
  await has(await newTenant(), null, { totp: 1, passkeys: 3, sms: 0, recoveryCodesLeft: 9 });
  const all = await rowsOf<{ id: string; role: string }>(
    tenant.cell.database,
    "select id, role from members where tenant_id = ? order by id desc",
    tenant.tenantId,
  );
  const found: Record<string, unknown>[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = { limit: "2", ...(cursor === "" ? {} : { cursor }) };
    const { json } = await call("members.factorCoverage", { ...as(tenant), query });
    found.push(...json.data);
    expect(json.summary).toEqual({
      members: all.length,
      withFactor: 1,
      withSmsAlone: 0,
      elevatedWithout: 2,
    });
    cursor = json.nextCursor;
  }
  expect(found.map(({ memberId, role }) => ({ id: memberId, role }))).toEqual(all);
  const of = (id: string) => found.find(({ memberId }) => memberId === id);
  const copiedAt = expect.stringMatching(/Z$/);
  expect(of(manager)).toMatchObject({ ...none, totp: true, recoveryCodesLeft: 7, copiedAt, state: "active" });
  expect(of(installer)).toMatchObject({ ...none, copiedAt });
  expect(of(owner)).toMatchObject(none);

  await changeMember(tenant, manager, { state: "suspended" });
  const { json } = await call("members.factorCoverage", as(tenant));
  expect(json.summary).toEqual({
    members: all.length - 1,
    withFactor: 0,
    withSmsAlone: 0,
    elevatedWithout: 2,
  });
  expect(json.data.find(({ memberId }: { memberId: string }) => memberId === manager).state).toBe(
    "suspended",
  );
});

test("codes by SMS are a factor of whoever is neither owner nor admin, and counted by themselves", async () => {
  const tenant = await newTenant();
  const { owner, admin, manager, installer } = tenant.memberIds;
  const sms = { totp: 0, passkeys: 0, sms: 1, recoveryCodesLeft: 10 } as const;
  for (const memberId of [owner, manager]) await has(tenant, memberId, sms);
  await has(tenant, admin, { ...sms, passkeys: 1 });
  await has(tenant, installer, { ...sms, totp: 1 });
  const { json } = await call("members.factorCoverage", as(tenant));
  expect(json.summary).toMatchObject({ withFactor: 3, withSmsAlone: 2, elevatedWithout: 1 });
  const of = (id: string) => json.data.find(({ memberId }: { memberId: string }) => memberId === id);
  expect([of(owner).sms, of(manager).sms]).toEqual([true, true]);
});

async function has(
  { cell, tenantId, memberIds }: TestTenant,
  memberId: string | null,
  state: Parameters<typeof copyFactors>[2],
): Promise<void> {
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const now = Date.now();
  const run = { job: "test.factors", requestId: newId("run"), now };
  await commitAsSystem(session, run, [copyFactors(tenantId, memberId ?? memberIds.owner, state, now)]);
}
