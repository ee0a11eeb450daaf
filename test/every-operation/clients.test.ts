import { beforeAll, expect, test } from "vitest";
import { isCapability } from "#gate/capabilities.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { join, newUser } from "#test/identity/kit.ts";
import {
  clientToken,
  newClient,
  refresh,
  strongPassword,
  type TestClient,
  tokensFor,
} from "#test/identity/oauth/kit.ts";
import { memberToken, newTenant, type Role, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { asksForMore } from "./asks-for-more.ts";
import { asksForProof } from "./asks-for-proof.ts";
import { expectForbidden, expectSuccess, inPerson, type Principal, tryOut } from "./trial.ts";

const { call } = clientOf();

/** By hand: what is a person's own, and done by no client, whatever it was let do and whoever let it. */
const personsOwn = [
  "account.close",
  "email-changes.ask",
  "factors.list",
  "identities.begin",
  "identities.connect",
  "identities.list",
  "identities.remove",
  "me.acceptInvitation",
  "me.changePassword",
  "me.get",
  "me.leave",
  "me.lookAtInvitation",
  "me.tenants",
  "oauth.authorize",
  "oauth.clients",
  "oauth.disconnect",
  "passkeys.add",
  "passkeys.begin",
  "passkeys.remove",
  "recovery-codes.renew",
  "sessions.end",
  "sessions.endOthers",
  "sessions.list",
  "sessions.signOut",
  "sms.begin",
  "sms.confirm",
  "sms.remove",
  "step-up.prove",
  "step-up.proveSms",
  "step-up.sendSms",
  "support.begin",
  "support.end",
  "support.list",
  "support.token",
  "totp.begin",
  "totp.confirm",
  "totp.remove",
];

const everything = roleTable.owner.filter(isCapability);
const identity = ["openid", "profile", "email", "offline_access"];

let tenant: TestTenant;
/** May be let do whatever can be done at its tenant. */
let client: TestClient;
/** An owner who let it do all that it asked for, and what it goes on by. */
let owner: { readonly id: string; refreshToken: string };

beforeAll(async () => {
  await ensureDirectoryKeys(testEnv(), Date.now());
  tenant = await newTenant("signs", { plan: "enterprise" });
  client = await newClient(tenant, { scopes: everything });
  const user = await newUser(strongPassword);
  const id = await join(user, tenant, "owner");
  const tokens = await tokensFor(user, client, { scope: [...identity, ...everything].join(" ") });
  owner = { id, refreshToken: tokens.refresh_token };
});

/** The client itself; with all that it may do unless told. */
async function itself(scopes: readonly string[] = everything): Promise<Principal> {
  return { id: client.id, as: await clientToken(client, scopes.join(" ")) };
}

/** The client for the owner; with all that it was let do unless told. */
async function onBehalf(scopes?: readonly string[]): Promise<Principal> {
  const changes = scopes ? { scope: scopes.join(" ") } : {};
  const { status, text, json } = await refresh(client, owner.refreshToken, changes);
  if (status !== 200) throw new Error(`No token was given: ${text}`);
  owner.refreshToken = json.refresh_token;
  return { id: owner.id, as: json.access_token };
}

/** The same for whomever, with claims as they come about in the course of time. */
async function onBehalfOf(role: Role, changes: { readonly auth_time?: number } = {}): Promise<Principal> {
  const by = { client_id: client.clientId, grant: `ogr_${client.id.slice(4)}`, scope: everything.join(" ") };
  return { id: tenant.memberIds[role], as: await memberToken(tenant, role, { ...by, ...changes }) };
}

function allBut(needs: string): string[] {
  return everything.filter((each) => each !== needs);
}

test("which operations are a person's own, and of all others but a tenant's nobody asks for credentials", () => {
  const mine = operations.filter(({ operation }) => operation.mount === "me").map(({ name }) => name);
  expect(mine.toSorted()).toEqual(personsOwn);
  const others = operations.filter(({ operation }) => !["me", "tenant"].includes(operation.mount));
  for (const { name } of others) expect(exampleOf(name).needs, name).toBe("nobody");
});

for (const name of personsOwn)
  test(`${name} is done by no client, neither for itself nor for who let it do everything`, async () => {
    const { as: _, ...input } = await exampleOf(name).make(tenant);
    const bearers = [await itself(), await onBehalf()];
    const before = await written();
    for (const { as } of bearers) {
      const answer = await call(name, { ...input, as });
      expect([answer.status, answer.json.type]).toEqual([401, "/problems/unauthorized"]);
    }
    expect(grown(before, await written())).toEqual({});
  });

for (const { name } of tenantOperations) {
  const { needs } = exampleOf(name);
  const age = asksForProof[name];

  if (isCapability(needs)) {
    const more = asksForMore[name];
    const enough = more ? [...roleTable[more.of]] : [needs];

    if (inPerson.includes(name)) {
      test(`${name} is done by no client, for itself or for an owner, as that asks for a person`, async () => {
        await expectForbidden(tenant, name, await itself(enough));
        await expectForbidden(tenant, name, await onBehalf(enough));
      });
      continue;
    }

    test(`${name} is done by a client that may do ${needs}, and by none that may not`, async () => {
      expectSuccess(name, await tryOut(tenant, name, await itself(enough)));
      await expectForbidden(tenant, name, await itself(allBut(needs)));
    });

    test(`${name} is done by a client for an owner who let it, and no further than they let it and may themselves`, async () => {
      expectSuccess(name, await tryOut(tenant, name, await onBehalf(enough)));
      await expectForbidden(tenant, name, await onBehalf([...identity, ...allBut(needs)]));
      // Who was an owner when they let it may be a viewer by now.
      if (!roleTable.viewer.includes(needs)) await expectForbidden(tenant, name, await onBehalfOf("viewer"));
    });
  }

  if (age === undefined) continue;

  test(`${name} is not done for an owner who proved who they are too long ago, though their client is let do everything`, async () => {
    // As a refreshed token has it (test/identity/oauth/grants.test.ts): from before they let it, and not of today.
    const { as } = await onBehalfOf("owner", { auth_time: Math.floor(Date.now() / 1000) - age - 30 });
    const input = await exampleOf(name).make(tenant);
    const before = await written();
    const answer = await call(name, { tenant: tenant.slug, as, ...input });
    expect([answer.status, answer.json.type]).toEqual([401, "/problems/step-up-required"]);
    expect(grown(before, await written())).toEqual({});
  });
}
