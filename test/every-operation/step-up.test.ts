import { beforeAll, expect, test } from "vitest";
import { namedOperations, proofAgeOf } from "#http/registry.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { expectSuccess, inPerson, ownKeyOf, type Principal, tryOut } from "#test/every-operation/trial.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { memberToken, newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { asksForProof, minute } from "./asks-for-proof.ts";

const { call } = clientOf();
let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

/** The owner, in a session that was proved so many seconds ago. */
async function owner(secondsAgo: number): Promise<Principal> {
  const provedAt = Math.floor(Date.now() / 1000) - secondsAgo;
  return { id: tenant.memberIds.owner, as: await memberToken(tenant, "owner", { auth_time: provedAt }) };
}

test("which operations ask for a recent proof, and for how recent a one", () => {
  const found = namedOperations(registry).flatMap(({ name, operation }) => {
    const age = proofAgeOf(operation);
    return age === null ? [] : [[name, age]];
  });
  expect(Object.fromEntries(found)).toEqual(asksForProof);
});

for (const { name } of tenantOperations) {
  const age = asksForProof[name];

  test(`${name} ${age === undefined ? "asks for no recent proof" : "is refused where the proof is too old"}`, async () => {
    if (age === undefined) {
      expectSuccess(name, await tryOut(tenant, name, await owner(365 * 24 * 60 * minute)));
      return;
    }
    const input = await exampleOf(name).make(tenant);
    const { as } = await owner(age + 30);
    const before = await written();
    const refused = await call(name, { tenant: tenant.slug, as, ...input });
    expect(refused).toMatchObject({
      status: 401,
      json: { type: "/problems/step-up-required", maxAgeSeconds: age },
    });
    expect(refused.headers.get("www-authenticate")).toContain(`max_age=${age}`);
    expect(grown(before, await written())).toEqual({});
    expectSuccess(name, await tryOut(tenant, name, await owner(age - 30)));
  });
}

test("a key is a program's, and is asked for no proof of a person", async () => {
  const names = tenantOperations
    .map(({ name }) => name)
    .filter((name) => asksForProof[name] !== undefined && !inPerson.includes(name));
  for (const name of names) expectSuccess(name, await tryOut(tenant, name, ownKeyOf(tenant)));
  expect(names.length).toBeGreaterThan(5);
});
