import { expect, test } from "vitest";
import { insertAll } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { outsideMembers } from "#gate/outside-tables.ts";
import { members } from "#gate/tables.ts";
import { linkOrganization } from "#identity/outside/organizations.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { deletionEvent, membershipEvent } from "#test/outside.ts";
import { rowsOf } from "#test/world.ts";
import {
  addCustomer,
  deliver,
  fresh,
  issuer,
  listOrders,
  membersOf,
  newPlace,
  type Place,
  ping,
  readTenant,
  tell,
  tokenOf,
} from "./kit.ts";

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

test("a business's last owner stays one whatever their issuer says, and their token counts no more", async () => {
  const place = await newPlace();
  const { tenant } = place;
  await tell("created", place, { role: "org:boss" });
  const as = await tokenOf(place, "org:boss");
  const [theirs] = await membersOf(place);
  const others = "update members set state = 'suspended' where tenant_id = ? and role = 'owner' and id <> ?";
  await rowsOf(tenant.cell.database, others, tenant.tenantId, theirs?.id);
  expect((await ping(place, as)).status).toBe(200);
  await tell("updated", place, { role: "org:admin" });
  expect(await membersOf(place)).toMatchObject([{ role: "owner", state: "active" }]);
  await tell("deleted", place, { role: "org:admin" });
  expect(await membersOf(place)).toMatchObject([{ role: "owner", state: "active" }]);
  for (const ask of [ping, listOrders, addCustomer]) expect((await ask(place, as)).status).toBe(401);
});

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
