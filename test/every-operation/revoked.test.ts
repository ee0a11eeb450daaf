import { beforeAll, expect, test } from "vitest";
import { allCapabilities } from "#gate/capabilities.ts";
import { clientOf } from "#test/client.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { revoke, withoutNotices } from "#test/gate/kit.ts";
import { newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { expectSuccess, keyOf } from "./trial.ts";

const { call } = clientOf();
let tenant: TestTenant;
const withData = tenantOperations.filter(({ operation }) => operation.store !== "none");

beforeAll(async () => {
  tenant = await newTenant();
});

test("what reads or writes no data is ping alone", () => {
  const others = tenantOperations.filter((each) => !withData.includes(each));
  expect(others.map(({ name }) => name)).toEqual(["tenants.ping"]);
});

for (const { name } of withData) {
  test(`${name} is refused from the revocation on, though the gate is warm and was never told`, async () => {
    const { id, as } = await keyOf(tenant, allCapabilities);
    const input = await exampleOf(name).make(tenant);
    const warm = await call("orders.get", {
      tenant: tenant.slug,
      as,
      params: { orderId: tenant.orderId },
    });
    expectSuccess("orders.get", warm);
    await revoke(tenant, id, withoutNotices());
    const before = await written();
    // Nothing else has happened to this gate's rights: it lets the key in, and the data's own epoch does not.
    const answer = await call(name, { tenant: tenant.slug, as, ...input });
    expect([answer.status, answer.json.type]).toEqual([401, "/problems/unauthorized"]);
    expect(grown(before, await written())).toEqual({});
  });
}
