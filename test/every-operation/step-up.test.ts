import { beforeAll, expect, test } from "vitest";
import { namedOperations, proofAgeOf } from "#http/registry.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { expectSuccess, ownKeyOf, type Principal, tryOut } from "#test/every-operation/trial.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { memberToken, newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const minute = 60;

/**
 * By hand: what a session may not do whose person was last asked longer ago than this, in seconds. Whatever is not here
 * any session may do, however old its proof.
 */
const asksForProof: Readonly<Record<string, number>> = {
  "account.close": 15 * minute,
  "api-keys.create": 15 * minute,
  "api-keys.revoke": 15 * minute,
  "me.changePassword": 15 * minute,
  "email-changes.ask": 15 * minute,
  "identities.begin": 15 * minute,
  "identities.connect": 15 * minute,
  "identities.remove": 15 * minute,
  "passkeys.add": 15 * minute,
  "passkeys.begin": 15 * minute,
  "passkeys.remove": 15 * minute,
  "oauth-clients.create": 15 * minute,
  "oauth-clients.remove": 15 * minute,
  "oauth-clients.revokeConsent": 15 * minute,
  "oauth-clients.rotate": 15 * minute,
  "oauth-clients.update": 15 * minute,
  "recovery-codes.renew": 15 * minute,
  "security-policy.update": 15 * minute,
  "settings.update": 60 * minute,
  "sms.begin": 15 * minute,
  "sms.confirm": 15 * minute,
  "sms.remove": 15 * minute,
  "sso-connections.create": 15 * minute,
  "sso-connections.remove": 15 * minute,
  "sso-connections.update": 15 * minute,
  "sso-domains.create": 15 * minute,
  "sso-domains.remove": 15 * minute,
  "sso-domains.update": 15 * minute,
  "sso-domains.verify": 15 * minute,
  "totp.begin": 15 * minute,
  "totp.confirm": 15 * minute,
  "totp.remove": 15 * minute,
  "webhook-endpoints.create": 15 * minute,
  "webhook-endpoints.remove": 15 * minute,
  "webhook-endpoints.disable": 15 * minute,
  "webhook-endpoints.enable": 15 * minute,
  "webhook-endpoints.replay": 15 * minute,
  "webhook-endpoints.rotate": 15 * minute,
  "webhook-endpoints.test": 15 * minute,
  "webhook-endpoints.update": 15 * minute,
};

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
  const names = tenantOperations.map(({ name }) => name).filter((name) => asksForProof[name] !== undefined);
  for (const name of names) expectSuccess(name, await tryOut(tenant, name, ownKeyOf(tenant)));
  expect(names.length).toBeGreaterThan(5);
});
