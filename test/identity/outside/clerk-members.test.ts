import { afterEach, expect, test, vi } from "vitest";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { newPerson } from "#test/outside.ts";
import { rowsOf } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import {
  addCustomer,
  afterRefusal,
  fresh,
  issuer,
  listOrders,
  membersOf,
  newPlace,
  type Place,
  ping,
  tell,
  tokenOf,
} from "./kit.ts";

afterEach(() => void vi.useRealTimers());

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
