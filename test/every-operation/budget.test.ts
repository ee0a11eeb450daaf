import { afterEach, beforeAll, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import { knownTexts } from "#db/firewall.ts";
import { Store } from "#db/store.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { counted, nothing } from "#test/counted.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { newMember } from "#test/member-examples.ts";
import { as, newTenant, type TestTenant } from "#test/world.ts";
import {
  expectSuccess,
  inPerson,
  looksAcross,
  looksBeside,
  memberOf,
  ownKeyOf,
  type Principal,
  tellsDirectory,
  wholeOf,
} from "./trial.ts";

const { call } = clientOf();
const { env, counts, reset } = counted();

/** Whose change tells another gate after the answer. By hand. */
const forgets: Readonly<Record<string, string[]>> = {
  "api-keys.revoke": ["forget"],
  "api-keys.reportLeak": ["forget"],
  "api-keys.rotate": ["forget"],
  "api-keys.setLimit": ["forget"],
  "api-keys.removeLimit": ["forget"],
  "support-sessions.end": ["forget"],
  "members.update": ["forget"],
  "members.suspend": ["forget"],
  "members.reinstate": ["forget"],
  "members.remove": ["forget"],
  "members.transferOwnership": ["forget"],
  "oauth-clients.update": ["forget"],
  "oauth-clients.rotate": ["forget"],
  "oauth-clients.remove": ["forget"],
};
/** Of its tenant's bucket. By hand. */
const touches: Readonly<Record<string, string[]>> = {
  "files.begin": ["createMultipartUpload"],
  "files.complete": ["resumeMultipartUpload"],
  "files.download": ["get"],
  "files.upload": ["put"],
  "files.uploadPart": ["resumeMultipartUpload"],
};

/** Looks up where an address leads, as IPv4 and as IPv6, or a domain's record. By hand. */
const fetches: Readonly<Record<string, number>> = {
  "sso-connections.create": 2,
  "sso-domains.verify": 1,
  "webhook-endpoints.create": 2,
  "webhook-endpoints.update": 2,
};
/**
 * Round trips of those that work on people's accounts, by somebody who is a member nowhere. By hand: a read is one, a write
 * two at most; what ends a session reads its tenants with fresh keys, and forgets its refreshes, which is three more.
 */
const ofAccounts: Readonly<Record<string, number>> = {
  "sign-ups.create": 1,
  "sign-ups.verify": 2,
  "sign-in.password": 2,
  "sign-in.passkey": 2,
  "sign-in.secondFactor": 2,
  "sign-in.secondFactorPasskey": 2,
  "passkey-challenges.create": 0,
  "sign-in.recover": 2,
  "sign-in.providers": 0,
  "sign-in.federated": 0,
  "sign-in.sso": 1,
  "sign-in.federatedComplete": 2,
  "sign-in.federatedEmail": 3,
  "identities.list": 1,
  "identities.begin": 1,
  "identities.connect": 2,
  "identities.remove": 2,
  "sign-in-locks.clear": 2,
  "password-resets.ask": 2,
  "password-resets.complete": 2 + 3,
  "tokens.refresh": 2,
  "me.get": 1,
  "me.tenants": 1,
  // Where they are a member; who they are there, what hangs on them, and its end; the pointer, and whether they are back.
  "me.leave": 1 + 3 + 3,
  // Where and who they are; who answers for it, what they may do by now, and all of it at their epoch.
  "me.lookAtInvitation": 1 + 3,
  "me.acceptInvitation": 1 + 4 + 1,
  "me.changePassword": 2,
  "factors.list": 1,
  "passkeys.begin": 2,
  "passkeys.add": 2,
  "passkeys.remove": 2 + 3,
  "totp.begin": 2,
  "totp.confirm": 2,
  "totp.remove": 2 + 3,
  "recovery-codes.renew": 2,
  "step-up.prove": 2,
  // What sends a code asks where its user is a member, and what SMS is there.
  "sms.begin": 2 + 1,
  "sms.confirm": 2,
  // Of somebody who is a member somewhere: who they are there is asked, and their cell told of the session.
  "sms.remove": 2 + 3 + 2,
  "sign-in.sendSms": 2 + 1,
  "sign-in.secondFactorSms": 2,
  "step-up.sendSms": 2 + 1,
  "step-up.proveSms": 2,
  // Who asks and where; the tenant's keys, what is granted there, and a commit; the visit.
  "support.begin": 1 + 3 + 1,
  "support.token": 1,
  "support.list": 1,
  // The visit and its tenant; the tenant's keys, the session there, and a commit; the visit's end.
  "support.end": 1 + 3 + 1,
  "account.close": 2 + 3,
  "email-changes.ask": 2,
  "email-changes.complete": 2,
  "sessions.list": 1,
  "sessions.end": 2 + 3,
  "sessions.endOthers": 2,
  "sessions.signOut": 2 + 3,
  // The session, who the user is at the client's tenant, the client with what was allowed before, and a commit there.
  "oauth.authorize": 4,
  // The tenants, what is allowed in each cell, and of each tenant that has any its keys and its clients.
  "oauth.clients": 2 + 2,
  "oauth.disconnect": 4,
};
const withoutTenant = operations.filter(({ operation }) => operation.mount !== "tenant");

let tenant: TestTenant;
let fetched: MockInstance<typeof fetch>;

beforeAll(async () => {
  tenant = await newTenant();
  // Somebody to write to.
  await newMember(tenant, { role: "owner" }, null);
});

beforeEach(() => {
  fetched = vi.spyOn(globalThis, "fetch");
});

afterEach(() => void vi.restoreAllMocks());

for (const { name, operation } of tenantOperations) {
  const isRead = operation.form === "read";
  const isEffect = operation.form === "effect";
  const ofClaims = tellsDirectory.includes(name) ? 1 : 0;
  // An effect reads and commits twice: what it intends, and what came of it.
  const commits = (isRead ? 0 : isEffect ? 2 : 1) + ofClaims;
  // The log is another database than the one with the epoch: both are asked at once.
  const across = looksAcross[name];
  const beyond = across ? 1 : 0;
  const beside = looksBeside[name] ?? 0;
  const trips = { none: 0, cell: (isRead ? 1 : 2 * commits) + beyond + beside, log: 2 }[operation.store];
  const mostSubrequests = (isRead ? 4 : 8) + 2 * ofClaims + beside;
  const headersTried: Call["headers"][] = [
    {},
    ...(operation.method === "post" ? [{ "Idempotency-Key": "budget" }] : []),
    ...(operation.path.endsWith("Id}") && !isRead ? [{ "If-Match": "*" }] : []),
  ];

  for (const headers of headersTried) {
    const how = Object.keys(headers ?? {}).map((header) => ` with ${header}`);
    test(`${name}${how} makes one hop to its gate and ${isRead ? trips : `at most ${trips}`} to D1`, async () => {
      const owner = await memberOf(tenant, "owner");
      for (const principal of inPerson.includes(name) ? [owner] : [ownKeyOf(tenant), owner]) {
        const input = await exampleOf(name).make(tenant);
        await warm(principal);
        expectSuccess(name, await ask(name, principal, { ...input, headers: headers ?? {} }));
        expect(counts.hops).toEqual(["enter", ...(forgets[name] ?? [])]);
        expect(counts.objects[0]).toBe(principal.id);
        expect(counts.objects).toHaveLength(counts.hops.length);
        expect(counts.trips.length).toBeLessThanOrEqual(trips);
        if (isRead) expect(counts.trips).toHaveLength(trips);
        expect(counts.trips.filter(isWrite), "so many commits").toHaveLength(commits);
        if (isEffect) expect(counts.sent.length).toBeLessThanOrEqual(1);
        else expect(counts.sent.length).toBe(isRead ? 0 : 1);
        expect(counts.files.map((call) => call.split(" ")[0])).toEqual(touches[name] ?? []);
        const asked = {
          "audit.proof": "inclusion",
          "audit.checkpoint": "head",
          "audit.consistency": "consistency",
          "audit.leaves": "leaves",
        }[name];
        expect(counts.trees).toEqual(asked ? [`${asked} ${tenant.tenantId}`] : []);
        for (const call of counts.files) expect(call.split(" ")[1]).toMatch(`${tenant.tenantId}/`);
        const { tenantId } = tenant;
        const noted = { tenantId, calls: [expect.arrayContaining([principal.id, name])] };
        expect(counts.noted, "one call on its way to the log").toEqual([
          [{ body: expect.objectContaining(noted) }],
        ]);
        expect(counts.woken, "endpoints are woken by consumers alone").toEqual([]);
        expect(fetched).toHaveBeenCalledTimes(fetches[name] ?? 0);
        expect(subrequests(), "of every kind together").toBeLessThanOrEqual(mostSubrequests);
      }
    });
  }

  test(`${name} reaches D1 through the firewall alone, and is recorded there`, async () => {
    const input = await exampleOf(name).make(tenant);
    const whole = await wholeOf(tenant, name);
    await warm(whole);
    await ask(name, whole, input);
    const all = counts.trips.flat();
    const texts = all.filter((text) => !across?.test(text));
    expect(all.length - texts.length, "looked across tenants so many times").toBe(beyond);
    expect(texts.length > 0, "an operation that reads or writes is seen by the plans").toBe(
      operation.store !== "none",
    );
    expect(knownTexts()).toEqual(expect.arrayContaining(texts));
  });

  test(`${name} costs nothing beyond its gate when it is refused`, async () => {
    const input = await exampleOf(name).make(tenant);
    await warm(await memberOf(tenant, "owner"));
    const powerless = await memberOf(tenant, "owner", "unknown:scope");
    expect((await ask(name, ownKeyOf(tenant), { ...input, tenant: "nobody-has-this-slug" })).status).toBe(
      404,
    );
    expect([counts.hops, counts.trips]).toEqual([["enter"], []]);
    if (exampleOf(name).needs === "any principal") return;
    expect((await ask(name, powerless, input)).status).toBe(403);
    expect(counts.hops).toEqual(["enter"]);
    const isRecorded = operation.recordRefusal === true;
    expect(counts.trips.map(isWrite)).toEqual(isRecorded ? [true] : []);
  });
}

for (const { name, operation } of withoutTenant) {
  test(`${name} is recorded by the firewall, or declares that it has no store`, async () => {
    const input = await exampleOf(name).make(tenant);
    reset();
    fetched.mockClear();
    expectSuccess(name, await call(name, { ...input, env }));
    if (operation.store === "none") return;
    const texts = counts.trips.flat().filter((text) => !looksAcross[name]?.test(text));
    if (ofAccounts[name] !== 0)
      expect(texts.length, "what it reads or writes is not seen by the plans").toBeGreaterThan(0);
    expect(knownTexts()).toEqual(expect.arrayContaining(texts));
    if (operation.mount !== "protocol") expect(counts.trips.length).toBe(ofAccounts[name]);
    // One hop for whatever somebody changes of their own, and for each token; none for what they read.
    const isCounted = (operation.mount === "me" && operation.method !== "get") || name === "tokens.refresh";
    expect(counts.lockouts.filter((method) => method === "take")).toEqual(isCounted ? ["take"] : []);
    // Two commits of the directory and the cell, each telling its consumers, and whose gate forgets is waited for; a try by
    // SMS counts at its code as well.
    expect(subrequests()).toBeLessThanOrEqual(name === "me.leave" ? 13 : name.endsWith("Sms") ? 11 : 9);
  });
}

/** By hand: what reads nothing of its own, so that its session is asked for in a trip which the record can share. */
const readsNothing = ["email-changes.ask"];

const taking = withoutTenant.filter(
  ({ operation }) => operation.form === "me-write" && operation.method === "post",
);

for (const { name } of taking) {
  const more = readsNothing.includes(name) ? 0 : 1;
  test(`${name} with an Idempotency-Key looks for its record in ${more} trips more, and a replay costs that trip alone`, async () => {
    const input = await exampleOf(name).make(tenant);
    const keyed = { ...input, headers: { ...input.headers, "Idempotency-Key": "budget" }, env };
    await call("system.jwks", { env });
    reset();
    expectSuccess(name, await call(name, keyed));
    expect(counts.trips.length).toBe((ofAccounts[name] ?? 0) + more);
    reset();
    await call(name, keyed);
    expect([counts.trips.length, counts.lockouts, counts.mails]).toEqual([1, ["take"], []]);
  });
}

test("public operations ask for no gate, and for D1 only where they say how it is", async () => {
  await call("system.jwks", { env });
  const open = withoutTenant.filter(({ operation }) => operation.form === "public");
  for (const { name } of open.filter((each) => each.name !== "system.ready")) {
    reset();
    expectSuccess(name, await call(name, { ...(await exampleOf(name).make(tenant)), env }));
    expect(counts, name).toEqual(nothing());
    expect(subrequests(), name).toBe(0);
  }
  // An answer of before serves for 5 s, in its isolate.
  const fresh = counted();
  expectSuccess("system.ready", await call("system.ready", { env: fresh.env }));
  expect(fresh.counts.trips).toHaveLength(7);
  expect(fresh.counts.files).toEqual(Array.from({ length: 4 }, () => "head readyz"));
  expect({ ...fresh.counts, trips: [], files: [] }).toEqual(nothing());
});

test("a gate's first request reads its rights in one trip more, two for a key, and the next in none", async () => {
  const batches = vi.spyOn(Store.prototype, "batch");
  const own = await newTenant();
  await warm(ownKeyOf(tenant));
  for (const [principal, hydration] of [
    [ownKeyOf(own), 2],
    [await memberOf(own, "owner"), 1],
  ] as const) {
    for (const expected of [hydration + 1, 1]) {
      reset();
      batches.mockClear();
      const answer = await call("orders.list", { tenant: own.slug, as: principal.as, env });
      expectSuccess("orders.list", answer);
      // Consumers of the queues are at work beside it.
      const its = batches.mock.calls.filter(([statements]) =>
        statements.some(({ text }) => /api_keys|"members"|"orders"/.test(text)),
      );
      expect(its).toHaveLength(expected);
      expect([counts.trips.length, counts.hops]).toEqual([1, ["enter"]]);
    }
  }
});

test("an isolate's first request loads peppers and signing keys in two trips, and the next in none", async () => {
  const fresh = counted();
  const ask = () => call("tenants.ping", { tenant: tenant.slug, as: tenant.key, env: fresh.env });
  await warm(ownKeyOf(tenant));
  expectSuccess("tenants.ping", await ask());
  expect(fresh.counts.trips).toHaveLength(2);
  expect(fresh.counts.trips.flat().join()).toMatch(/"key_peppers".*"signing_keys"/s);
  fresh.reset();
  expectSuccess("tenants.ping", await ask());
  expect([fresh.counts.trips, fresh.counts.hops]).toEqual([[], ["enter"]]);
});

test("each venue that shares a person costs its keys, a read and a commit, another read where it told this hour, and is woken with the rest once", async () => {
  const name = "customer-consent.sharedProfiles";
  const input = await exampleOf(name).make(tenant);
  const ours = await call("customers.get", { ...as(tenant), ...input });
  const { name: called, email } = ours.json;
  for (let venues = 1; venues <= 2; venues += 1) {
    const other = await newTenant();
    const theirs = await call("customers.create", { ...as(other), body: { name: called, email } });
    const given = { params: { customerId: theirs.json.id }, body: { fields: ["name"], obtained: "online" } };
    expectSuccess("customer-consent.give", await call("customer-consent.give", { ...as(other), ...given }));
    await warm(ownKeyOf(tenant));
    const answer = await ask(name, ownKeyOf(tenant), input);
    expect(answer.json.data).toHaveLength(venues);
    const toldBefore = venues - 1;
    expect([counts.trips.length, counts.trips.filter(isWrite).length]).toEqual([
      3 + 3 * venues + toldBefore,
      1 + venues,
    ]);
    expect(counts.hops).toEqual(["enter"]);
    const woken = [tenant, other].map(({ tenantId }) => ({ body: { v: 1, tenantId } }));
    expect(counts.sent).toEqual([expect.arrayContaining(woken)]);
    expect(counts.sent.flat()).toHaveLength(woken.length);
  }
});

test("rights that moved cost a read, a hydration and a read again", async () => {
  await warm(ownKeyOf(tenant));
  await exampleOf("api-keys.revoke").make(tenant);
  reset();
  expectSuccess("orders.list", await ask("orders.list", ownKeyOf(tenant), {}));
  expect([counts.trips.length, counts.hops]).toEqual([2, ["enter", "enter"]]);
});

test("what the counts do not see is not taken", () => {
  for (const ways of [() => env.DIRECTORY.prepare("select 1"), () => env.GATES.newUniqueId()])
    expect(ways).toThrow("goes past");
});

/** Leaves the counts at nothing, the caches filled and the gate at the tenant's present epoch. */
async function warm(principal: Principal): Promise<void> {
  expectSuccess("tenants.get", await ask("tenants.get", principal, {}));
  reset();
}

async function ask(name: string, { as }: Principal, input: Call): Promise<Answer> {
  reset();
  fetched.mockClear();
  return await call(name, { tenant: tenant.slug, as, env, ...input });
}

/** Of whatever kind: Cloudflare counts them together. */
function subrequests(): number {
  const { trips, hops, trees, lockouts, budgets, sent, woken, noted, files } = counts;
  const kinds: readonly unknown[][] = [
    [...trips],
    hops,
    trees,
    lockouts,
    budgets,
    sent,
    woken,
    noted,
    files,
    fetched.mock.calls,
  ];
  return kinds.reduce((sum, kind) => sum + kind.length, 0);
}

function isWrite(texts: readonly string[]): boolean {
  return texts.some((text) => /^(insert|update|delete)/.test(text));
}
