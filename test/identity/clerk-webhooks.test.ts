import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { insertAll } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { outsideMembers } from "#gate/outside-tables.ts";
import { members } from "#gate/tables.ts";
import { linkOrganization } from "#identity/outside-organizations.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { found } from "#test/canaries.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import {
  deletionEvent,
  type Membership,
  membershipEvent,
  newIssuer,
  newOrganization,
  newPerson,
  type TestIssuer,
} from "#test/outside.ts";
import { webhookHeaders } from "#test/svix.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, tablesOf, written } from "#test/written.ts";

const { call, send } = clientOf();

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await newIssuer();
});

afterEach(() => void vi.useRealTimers());

interface Place {
  readonly tenant: TestTenant;
  readonly organization: string;
  readonly subject: string;
}

async function newPlace(kind?: "cafe" | "signs"): Promise<Place> {
  const tenant = await newTenant(kind);
  const organization = await newOrganization(issuer, tenant);
  return { tenant, organization, subject: `user_${newId("x").slice(2)}` };
}

test("who joins is a member from the answer on, audited as the integration's act", async () => {
  const place = await newPlace();
  const as = await tokenOf(place, "org:member");
  expect((await ping(place, as)).status).toBe(401);
  const before = await epochOf(place);
  expect((await tell("created", place)).status).toBe(204);
  // The look-up that found nobody is kept for ten seconds; another isolate has not made it.
  expect((await listOrders(place, as, fresh())).status).toBe(200);
  const [member] = await membersOf(place);
  expect(member).toMatchObject({ role: "staff", all_locations: 1, state: "active", role_id: null });
  expect(await epochOf(place)).toBeGreaterThan(before);
  const audit = await rowsOf(
    place.tenant.cell.database,
    "select action, entity, actor_kind, actor_id from audit_log where tenant_id = ? and operation = 'outside-issuers.receive' order by seq",
    place.tenant.tenantId,
  );
  expect(audit).toEqual([
    { action: "created", entity: "member", actor_kind: "system", actor_id: issuer.name },
    { action: "created", entity: "outside-member", actor_kind: "system", actor_id: issuer.name },
  ]);
});

test("a gate that was asked too early does not remember that there was nobody", async () => {
  const place = await newPlace();
  await tell("created", place, { role: "org:unheard-of" });
  const [index] = await rowsOf<{ member_id: string }>(
    testEnv().DIRECTORY,
    "select member_id from outside_member_index order by id desc limit 1",
  );
  const as = await tokenOf(place, "org:guest");
  expect((await listOrders(place, as, fresh())).status, "the directory knows, the cell does not").toBe(401);
  await tell("updated", place, { role: "org:guest", at: 1_790_000_000_001 });
  afterRefusal();
  expect((await membersOf(place)).map(({ id }) => id)).toEqual([index?.member_id]);
  expect((await ping(place, as, fresh())).status).toBe(200);
});

for (const kind of ["signs", "cafe"] as const) {
  test(`who leaves is out from the answer on, of a ${kind} too`, async () => {
    const place = await newPlace(kind);
    await tell("created", place, { role: "org:admin" });
    const as = await tokenOf(place, "org:admin");
    expect((await addCustomer(place, as)).status).toBe(201);
    expect((await tell("deleted", place, { role: "org:admin" })).status).toBe(204);
    for (const ask of [ping, listOrders, addCustomer]) expect((await ask(place, as)).status).toBe(401);
    expect(await membersOf(place)).toMatchObject([{ state: "suspended" }]);
  });
}

for (const [how, event] of [
  ["is removed", (place: Place) => membershipEvent("deleted", place)],
  ["is deleted", (place: Place) => deletionEvent("user", place.subject)],
  [
    "has an organization that is deleted",
    (place: Place) => deletionEvent("organization", place.organization),
  ],
] as const) {
  test(`no request that began after it was answered that somebody ${how} reads or writes`, async () => {
    const place = await newPlace();
    await tell("created", place, { role: "org:admin" });
    const as = await tokenOf(place, "org:admin");
    let isAnswered = false;
    const busy = Promise.withResolvers<void>();
    const seen: { began: "before" | "after"; status: number }[] = [];
    const clients = Array.from({ length: 8 }, async (_, client) => {
      const ask = [listOrders, addCustomer, ping, readTenant][client % 4] ?? ping;
      for (let late = 0; late < 4; ) {
        const began = isAnswered ? "after" : "before";
        const { status } = await ask(place, as);
        seen.push({ began, status });
        if (seen.length === 60) busy.resolve();
        if (began === "after") late += 1;
      }
    });
    await busy.promise;
    expect((await deliver(event(place))).status).toBe(204);
    isAnswered = true;
    await Promise.all(clients);
    const after = seen.filter(({ began }) => began === "after");
    expect(after).toHaveLength(32);
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]));
    expect(seen.filter(({ began, status }) => began === "before" && status < 300).length).toBeGreaterThan(0);
  });
}

test("a role that changes there changes here, and tokens of before have the lesser one at once", async () => {
  const place = await newPlace();
  await tell("created", place, { role: "org:admin" });
  const as = await tokenOf(place, "org:admin");
  expect((await addCustomer(place, as)).status).toBe(201);
  await tell("updated", place, { role: "org:guest", at: 1_790_000_000_001 });
  expect([(await addCustomer(place, as)).status, (await listOrders(place, as)).status]).toEqual([403, 200]);
  expect(await membersOf(place)).toMatchObject([{ role: "viewer" }]);
});

test("nobody is made an owner, nor anything else, that the configuration does not name", async () => {
  const place = await newPlace();
  for (const role of ["owner", "org:owner", "org:superuser", "admin owner", "__proto__"]) {
    const subject = `user_${newId("x").slice(2)}`;
    expect((await tell("created", { ...place, subject }, { role })).status).toBe(204);
  }
  expect(await membersOf(place)).toEqual([]);
  await tell("created", place, { role: "org:boss" });
  expect(await membersOf(place), "as configured").toMatchObject([{ role: "owner" }]);
});

test("news that come late change nothing and write nothing", async () => {
  const place = await newPlace();
  await tell("created", place, { role: "org:guest" });
  await tell("updated", place, { role: "org:sales", at: 1_790_000_000_005 });
  const before = await written();
  await tell("updated", place, { role: "org:admin", at: 1_790_000_000_004 });
  await tell("created", place, { role: "org:guest" });
  expect(grown(before, await written())).toEqual({});
  expect(await membersOf(place)).toMatchObject([{ role: "sales" }]);
});

test("who was removed before their joining was told stays out; who joins again is in", async () => {
  const place = await newPlace();
  await tell("deleted", place, { role: "org:admin" });
  expect(await membersOf(place)).toEqual([]);
  await tell("created", place, { role: "org:admin" });
  await tell("updated", place, { role: "org:admin", at: 1_790_000_000_009 });
  expect(await membersOf(place)).toEqual([]);
  const as = await tokenOf(place, "org:admin");
  expect((await listOrders(place, as)).status).toBe(401);
  const again = { role: "org:guest", membership: "orgmem_again", joinedAt: 1_790_000_000_010 };
  await tell("created", place, again);
  afterRefusal();
  expect((await listOrders(place, as, fresh())).status).toBe(200);
  await tell("deleted", place, { role: "org:admin" });
  expect((await listOrders(place, as)).status, "the earlier membership's removal").toBe(200);
});

test("whom the tenant suspended stays so, whatever the issuer tells; whom leaving suspended comes back", async () => {
  const [place, other] = [await newPlace(), await newPlace()];
  for (const each of [place, other]) await tell("created", each, { role: "org:sales" });
  await change(place, "state = 'suspended'");
  const rejoins = { membership: "orgmem_again", joinedAt: 1_790_000_000_010, role: "org:sales" };
  for (const each of [place, other]) {
    await tell("deleted", each);
    await tell("created", each, rejoins);
  }
  expect(await membersOf(place)).toMatchObject([{ state: "suspended" }]);
  expect(await membersOf(other)).toMatchObject([{ state: "active", role: "sales" }]);
});

test("what the tenant changed stays while the issuer's role stays", async () => {
  const place = await newPlace();
  await tell("created", place, { role: "org:admin" });
  await change(place, "role = 'viewer'");
  await tell("updated", place, { role: "org:admin", at: 1_790_000_000_001 });
  expect(await membersOf(place)).toMatchObject([{ role: "viewer" }]);
});

test("a member whom an operator linked is not the issuer's to change, but to let in or out", async () => {
  const place = await newPlace();
  const subject = await newPerson(issuer, place.organization, place.tenant, "owner");
  const linked = { ...place, subject };
  const as = await tokenOf(linked, "org:boss");
  await tell("created", linked, { role: "org:guest" });
  const role = async () =>
    (
      await rowsOf(
        place.tenant.cell.database,
        "select role, state from members where tenant_id = ? and id = ?",
        place.tenant.tenantId,
        place.tenant.memberIds.owner,
      )
    )[0];
  expect([await role(), (await addCustomer(linked, as)).status]).toEqual([
    { role: "owner", state: "active" },
    201,
  ]);
  await tell("deleted", linked);
  expect(await role()).toEqual({ role: "owner", state: "active" });
  for (const ask of [ping, listOrders]) expect((await ask(linked, as)).status).toBe(401);
});

test("a person deleted there is out everywhere, and nothing later brings them back", async () => {
  const [here, there] = [await newPlace(), await newPlace("cafe")];
  const places = [here, { ...there, subject: here.subject }];
  for (const place of places) await tell("created", place, { role: "org:admin" });
  const tokens = await Promise.all(places.map((place) => tokenOf(place, "org:admin")));
  expect((await deliver(deletionEvent("user", here.subject))).status).toBe(204);
  for (const [index, place] of places.entries()) {
    expect((await listOrders(place, tokens[index] ?? "")).status).toBe(401);
    await tell("created", place, {
      role: "org:admin",
      membership: "orgmem_late",
      joinedAt: 1_790_000_000_010,
    });
    expect(await membersOf(place)).toMatchObject([{ state: "suspended" }]);
  }
  const elsewhere = { ...(await newPlace()), subject: here.subject };
  await tell("created", elsewhere, { role: "org:admin" });
  expect(await membersOf(elsewhere)).toEqual([]);
});

test("an organization deleted there lets go of all its members, a hundred to a try", async () => {
  const place = await newPlace();
  await tell("created", place, { role: "org:admin" });
  const as = await tokenOf(place, "org:admin");
  await crowd(place, 120);
  const event = deletionEvent("organization", place.organization);
  const first = await deliver(event, { id: "msg_end" });
  expect([first.status, first.headers.get("retry-after")]).toEqual([503, "5"]);
  for (const ask of [ping, listOrders])
    expect((await ask(place, as)).status, "nobody is in already").toBe(401);
  expect((await deliver(event, { id: "msg_end" })).status).toBe(204);
  const states = await rowsOf(
    place.tenant.cell.database,
    "select members.state, outside_members.state as standing, count(*) as count from outside_members join members on members.tenant_id = outside_members.tenant_id and members.id = member_id where outside_members.tenant_id = ? and outside_members.follows_issuer = 1 group by 1, 2",
    place.tenant.tenantId,
  );
  expect(states).toEqual([{ state: "suspended", standing: "removed", count: 121 }]);
  // The same name linked once more is another link, which the old message does not end.
  const run = { job: "test", requestId: newId("run"), now: Date.now() };
  const link = { issuer: issuer.entry.issuer, organization: place.organization };
  expect(await linkOrganization(testEnv(), link, place.tenant.slug, run)).toBe("linked");
  expect((await deliver(event, { id: "msg_end" })).status).toBe(204);
  await tell("created", place, { role: "org:sales", membership: "orgmem_new", joinedAt: 1_790_000_000_010 });
  expect((await listOrders(place, as, fresh())).status).toBe(200);
  expect((await membersOf(place)).filter(({ state }) => state === "active")).toMatchObject([
    { role: "sales" },
  ]);
});

test("a message is done once, however often it comes", async () => {
  const place = await newPlace();
  const event = membershipEvent("created", { ...place, role: "org:guest" });
  const id = "msg_again";
  const first = await Promise.all(Array.from({ length: 5 }, () => deliver(event, { id })));
  expect(first.map(({ status }) => status)).toEqual(Array(5).fill(204));
  expect(await membersOf(place)).toHaveLength(1);
  const before = await written();
  for (let times = 0; times < 3; times += 1) expect((await deliver(event, { id })).status).toBe(204);
  expect(grown(before, await written())).toEqual({});
  // Remembered by its id: even where the rows were put back, it is not done again.
  await rowsOf(
    place.tenant.cell.database,
    "update outside_members set changed_ms = 1 where tenant_id = ?",
    place.tenant.tenantId,
  );
  const later = membershipEvent("updated", { ...place, role: "org:admin", at: 1_790_000_000_001 });
  expect((await deliver(later, { id })).status).toBe(204);
  expect(await membersOf(place)).toMatchObject([{ role: "viewer" }]);
});

test("a membership's messages at once, in any order, leave nobody in who was removed", async () => {
  for (let round = 0; round < 5; round += 1) {
    const place = await newPlace();
    const events = [
      membershipEvent("created", { ...place, role: "org:admin" }),
      membershipEvent("updated", { ...place, role: "org:sales", at: 1_790_000_000_001 }),
      membershipEvent("updated", { ...place, role: "org:guest", at: 1_790_000_000_002 }),
      membershipEvent("deleted", { ...place, role: "org:guest", at: 1_790_000_000_002 }),
    ];
    const answers = await Promise.all(
      events.toSorted(() => (round % 2 ? -1 : 1)).map((event) => deliver(event)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(4).fill(204));
    expect((await membersOf(place)).filter(({ state }) => state === "active")).toEqual([]);
    expect((await listOrders(place, await tokenOf(place, "org:admin"), fresh())).status).toBe(401);
  }
});

test("of organizations, people and kinds of events that are not ours, nothing is kept", async () => {
  await newPlace();
  const stranger = { organization: "org_stranger", subject: "user_stranger" };
  const before = await written();
  for (const event of [
    membershipEvent("created", stranger),
    membershipEvent("deleted", stranger),
    deletionEvent("user", "user_stranger"),
    deletionEvent("organization", "org_stranger"),
    { type: "user.created", data: { id: "user_1", email_addresses: [] } },
    { type: "session.ended", data: { id: "sess_1" } },
  ])
    expect((await deliver(event)).status).toBe(204);
  expect(grown(before, await written())).toEqual({});
});

test("what is not genuine is refused, and nothing is written", async () => {
  const place = await newPlace();
  const event = membershipEvent("created", { ...place, role: "org:admin" });
  const body = JSON.stringify(event);
  const at = (nowMs: number) => webhookHeaders([issuer.secret], { id: "msg_1", nowMs, body });
  const other = await newIssuer();
  const forged: Record<string, string>[] = [
    {},
    { ...(await at(Date.now())), "svix-signature": "v1,AAAA" },
    { ...(await at(Date.now())), "svix-id": "msg_2" },
    await at(Date.now() - 6 * minuteMs),
    await at(Date.now() + 6 * minuteMs),
    await webhookHeaders([other.secret], { id: "msg_1", nowMs: Date.now(), body }),
    {
      ...(await webhookHeaders([issuer.secret], { id: "msg_1", nowMs: Date.now(), body }, "webhook")),
      "svix-id": "x",
    },
  ];
  const before = await written();
  for (const headers of forged) {
    const answer = await post(issuer.name, body, headers);
    expect([answer.status, answer.json.type]).toEqual([400, "/problems/signature-invalid"]);
  }
  const theirs = await webhookHeaders([other.secret], { id: "msg_1", nowMs: Date.now(), body });
  expect((await post(other.name, body, theirs, issuer.env({}, other))).status, "of its own issuer").toBe(204);
  expect(grown(before, await written())).toEqual({});
  expect(
    (
      await post(
        issuer.name,
        body,
        await webhookHeaders([issuer.secret], { id: "msg_1", nowMs: Date.now(), body }, "webhook"),
      )
    ).status,
  ).toBe(204);
  expect(await membersOf(place)).toHaveLength(1);
});

test("an issuer that is not known, has no secret, or is not Clerk takes no webhooks", async () => {
  const place = await newPlace();
  const { body, headers } = await issuer.message(membershipEvent("created", place));
  const otherForm = await newIssuer({ claims: { organization: "/org", role: "/role" } });
  const envs: [name: string, env: TestEnv][] = [
    ["nobody", issuer.env()],
    [issuer.name, issuer.env({ OUTSIDE_ISSUER_SECRETS: undefined })],
    [issuer.name, issuer.env({ OUTSIDE_ISSUERS: "[]" })],
    [otherForm.name, otherForm.env()],
    ["Clerk", issuer.env()],
    ["%2e%2e", issuer.env()],
  ];
  for (const [name, env] of envs) {
    const answer = await post(name, body, headers, env);
    expect([name, answer.status, answer.json.type]).toEqual([name, 404, "/problems/not-found"]);
  }
});

test("secrets rotate: both of an overlap are taken, then the new one alone", async () => {
  const place = await newPlace();
  const old = issuer.secret;
  const next = `whsec_${btoa("another secret of 27 bytes.")}`;
  const sent = async (secret: string, secrets: string[]) => {
    const body = JSON.stringify(membershipEvent("created", place));
    const headers = await webhookHeaders([secret], { id: newId("msg"), nowMs: Date.now(), body });
    const text = secrets.map((each) => `${issuer.name}:${each}`).join(",");
    return (await post(issuer.name, body, headers, issuer.env({ OUTSIDE_ISSUER_SECRETS: text }))).status;
  };
  expect([await sent(old, [old, next]), await sent(next, [old, next])]).toEqual([204, 204]);
  expect([await sent(old, [next]), await sent(next, [next])]).toEqual([400, 204]);
});

test("what is signed but of no form that we know fails, to be seen by the operator and sent again", async () => {
  for (const event of [[], { type: 1 }, { type: "organizationMembership.created", data: {} }]) {
    const answer = await deliver(event);
    expect([answer.status, answer.json.type]).toEqual([422, "/problems/invalid"]);
  }
  const huge = await deliver({ type: "email.created", data: { body: "x".repeat(256 * 1024) } });
  expect([huge.status, huge.json.type]).toEqual([413, "/problems/too-large"]);
});

test("a tenant that is frozen follows its issuer all the same; one that closes does not", async () => {
  const place = await newPlace();
  const state = (to: string) =>
    rowsOf(
      place.tenant.cell.database,
      "update tenant_state set state = ? where tenant_id = ?",
      to,
      place.tenant.tenantId,
    );
  await tell("created", place);
  await state("frozen");
  await tell("deleted", place);
  expect(await membersOf(place)).toMatchObject([{ state: "suspended" }]);
  await state("closing");
  expect((await tell("created", { ...place, subject: "user_late" })).status).toBe(204);
  expect(await membersOf(place)).toHaveLength(1);
});

test("names, addresses and the issuer's ids of people lie nowhere in the open", async () => {
  const place = await newPlace();
  const printed: string[] = [];
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((...line) => void printed.push(line.map(String).join(" ")));
  await deliver(membershipEvent("created", { ...place, membership: "orgmem_1" }));
  await listOrders(place, await tokenOf(place, "org:member"), fresh());
  vi.restoreAllMocks();
  const rows: unknown[] = [printed];
  for (const [id, database] of [
    ["directory", testEnv().DIRECTORY],
    [place.tenant.cell.id, place.tenant.cell.database],
  ] as const)
    for (const table of await tablesOf(id, database))
      rows.push(await rowsOf(database, `select * from "${table}"`));
  const words = [place.subject, "zqclerkperson@canary.example", "Zqclerkname"];
  expect(printed.length).toBeGreaterThan(1);
  expect(found(words, JSON.stringify(rows))).toEqual([]);
  expect(found(words, JSON.stringify([rows, `to ${place.subject}`]))).toEqual([place.subject]);
});

async function deliver(event: object, options: { id?: string } = {}): Promise<Answer> {
  const { body, headers } = await issuer.message(event, options);
  return await post(issuer.name, body, headers);
}

async function tell(
  verb: "created" | "updated" | "deleted",
  { organization, subject }: Place,
  changes: Partial<Membership> = {},
): Promise<Answer> {
  const answer = await deliver(membershipEvent(verb, { organization, subject, ...changes }));
  expect(answer.status, answer.text).toBe(204);
  return answer;
}

function post(
  name: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  env: TestEnv = issuer.env(),
): Promise<Answer> {
  const url = `https://api.keyline.example/issuers/${name}/webhooks`;
  return send(new Request(url, { method: "POST", headers, body }), env);
}

function tokenOf({ organization, subject }: Place, role: string): Promise<string> {
  return issuer.token({ organization, subject, role });
}

/** A second later, when an isolate has forgotten whom it refused. */
function afterRefusal(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + secondMs);
}

/** An isolate that has looked nobody up yet. */
function fresh(): TestEnv {
  const { DIRECTORY } = testEnv();
  return issuer.env({ DIRECTORY: new Proxy(DIRECTORY, { get: (database, name) => bound(database, name) }) });
}

function bound(database: D1Database, name: string | symbol): unknown {
  const value: unknown = Reflect.get(database, name, database);
  return typeof value === "function" ? value.bind(database) : value;
}

function ask(name: string, { tenant }: Place, as: string, env: TestEnv, body?: object): Promise<Answer> {
  return call(name, { tenant: tenant.slug, as, env, ...(body ? { body } : {}) });
}

function ping(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("tenants.ping", place, as, env);
}

function readTenant(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("tenants.get", place, as, env);
}

function listOrders(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("orders.list", place, as, env);
}

function addCustomer(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("customers.create", place, as, env, { name: "One More" });
}

/** The members that the issuer made. */
function membersOf({ tenant }: Place) {
  return rowsOf<{ id: string; role: string; state: string }>(
    tenant.cell.database,
    "select id, role, role_id, state, all_locations from members where tenant_id = ? and id in (select member_id from outside_members where tenant_id = ? and follows_issuer = 1) order by id",
    tenant.tenantId,
    tenant.tenantId,
  );
}

async function epochOf({ tenant }: Place): Promise<number> {
  const [row] = await rowsOf<{ epoch: number }>(
    tenant.cell.database,
    "select epoch from tenant_state where tenant_id = ?",
    tenant.tenantId,
  );
  return row?.epoch ?? 0;
}

/** A change of the tenant's own to its issuer's member, past the API. */
async function change(place: Place, sets: string): Promise<void> {
  const [member] = await membersOf(place);
  await rowsOf(
    place.tenant.cell.database,
    `update members set ${sets}, version = version + 1 where tenant_id = ? and id = ?`,
    place.tenant.tenantId,
    member?.id,
  );
}

/** Many members of the organization at once. */
async function crowd({ tenant, organization }: Place, count: number): Promise<void> {
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const [row] = await rowsOf<{ id: string }>(
    tenant.cell.database,
    "select id from outside_organizations where tenant_id = ? and organization = ?",
    tenant.tenantId,
    organization,
  );
  const people = Array.from({ length: count }, () => ({ memberId: newId("mbr"), identityId: newId("usr") }));
  const now = Date.now();
  const rights = { role: "staff", grants: noCapabilities, denials: noCapabilities, allLocations: 1 };
  const standing = {
    state: "active" as const,
    membership: "x",
    role: "org:member",
    joinedMs: 1,
    changedMs: 1,
  };
  await commitAsSystem(session, { job: "test", requestId: newId("run"), now }, [
    insertAll(
      members,
      people.map(({ memberId, identityId }) => ({
        id: memberId,
        userId: identityId,
        state: "active" as const,
        ...rights,
      })),
      now,
    ),
    insertAll(
      outsideMembers,
      people.map((ids) => ({
        id: newId("omb"),
        organizationId: row?.id ?? "",
        ...ids,
        ...standing,
        followsIssuer: 1,
        suspendsMember: 0,
      })),
      now,
    ),
  ]);
}
