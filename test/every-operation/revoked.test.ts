import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { isCapability, maskOf } from "#gate/capabilities.ts";
import { secondMs } from "#lib/time.ts";
import { type Call, clientOf } from "#test/client.ts";
import { counted } from "#test/counted.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { changeMember, gateOf, revoke, withoutNotices } from "#test/gate/kit.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { expectSuccess, keyOf, memberOf, type Principal } from "./trial.ts";

const { call } = clientOf();
const { env, counts, reset } = counted();

let tenant: TestTenant;

beforeAll(async () => {
  // Time stands still but where a test moves it: rights are also read again by age, which is not what is shown here.
  vi.useFakeTimers({ toFake: ["Date"] });
  tenant = await newTenant();
});

afterAll(() => void vi.useRealTimers());

const withData = tenantOperations.filter(({ operation }) => operation.store !== "none");

test("what touches no data is ping alone", () => {
  const others = tenantOperations.filter((each) => !withData.includes(each));
  expect(others.map(({ name }) => name)).toEqual(["tenants.ping"]);
});

for (const { name } of withData) {
  test(`${name} is refused to a key that was revoked while its gate was warm and never told`, async () => {
    const key = await keyOf(tenant, maskOf(roleTable.owner.filter(isCapability)));
    await expectEnded(name, key, () => revoke(tenant, key.id, withoutNotices()));
  });

  test(`${name} is refused to a member who was suspended while their gate was warm and never told`, async () => {
    const owner = tenant.memberIds.owner;
    await expectEnded(name, await memberOf(tenant, "owner"), () =>
      changeMember(tenant, owner, { state: "suspended" }),
    );
    await changeMember(tenant, owner, { state: "active" });
    await gateOf(owner).forget();
    // Who was just refused is refused again for a second, whatever their gate would say.
    vi.setSystemTime(Date.now() + secondMs);
  });
}

/** What could be done until then is neither done nor answered, though the gate still lets the principal in. */
async function expectEnded(name: string, { as }: Principal, end: () => Promise<void>): Promise<void> {
  const input = await exampleOf(name).make(tenant);
  const ask = (operation: string, given: Call = {}) =>
    call(operation, { tenant: tenant.slug, as, env, ...given });
  expectSuccess("tenants.get", await ask("tenants.get"));
  await end();
  expectSuccess("tenants.ping", await ask("tenants.ping"));
  const before = await written();
  reset();
  const answer = await ask(name, input);
  expect([answer.status, answer.json.type], answer.text).toEqual([401, "/problems/unauthorized"]);
  expect(grown(before, await written())).toEqual({});
  expect(counts.files).toEqual([]);
}
