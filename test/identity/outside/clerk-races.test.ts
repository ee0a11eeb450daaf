import { expect, test } from "vitest";
import { testEnv } from "#test/env.ts";
import { membershipEvent } from "#test/outside.ts";
import { overtaken, rowsOf } from "#test/world.ts";
import { deliver, fresh, issuer, listOrders, membersOf, newPlace, type Place, tell, tokenOf } from "./kit.ts";

test("nobody joins an organization whose link was ended in the cell, though the directory has it still", async () => {
  const place = await newPlace();
  await endLink(place);
  await tell("created", place);
  expect(await membersOf(place)).toEqual([]);
});

test("nobody joins an organization whose link is ended between the read and the commit", async () => {
  const place = await newPlace();
  const { database, done } = overtaken(place.tenant.cell.database, 'insert into "outside_members"', () =>
    endLink(place),
  );
  await tell("created", place, {}, issuer.env({ CELL_US1: database }));
  expect([done(), await membersOf(place)]).toEqual([true, []]);
});

test("nobody joins who is deleted between the read and the commit", async () => {
  const earlier = await newPlace();
  await tell("created", earlier);
  const place = { ...(await newPlace()), subject: earlier.subject };
  const { database, done } = overtaken(testEnv().DIRECTORY, 'insert into "outside_member_index"', () =>
    rowsOf(
      testEnv().DIRECTORY,
      "update outside_identities set state = 'ended', version = version + 1 where issuer = ?",
      issuer.entry.issuer,
    ),
  );
  await tell("created", place, {}, issuer.env({ DIRECTORY: database }));
  expect([done(), await membersOf(place)]).toEqual([true, []]);
});

test("a member's row that the tenant changes between the read and the commit is read again", async () => {
  const place = await newPlace();
  const { cell, tenantId } = place.tenant;
  await tell("created", place, { role: "org:admin" });
  const { database, done } = overtaken(cell.database, 'update "outside_members"', () =>
    rowsOf(
      cell.database,
      "update members set state = 'suspended', version = version + 1 where tenant_id = ? and id in (select member_id from outside_members where tenant_id = ? and follows_issuer = 1)",
      tenantId,
      tenantId,
    ),
  );
  const env = issuer.env({ CELL_US1: database });
  await tell("updated", place, { role: "org:guest", at: 1_790_000_000_001 }, env);
  expect(done()).toBe(true);
  expect(await membersOf(place)).toMatchObject([{ role: "viewer", state: "suspended" }]);
});

test("nobody's pointers are made in an organization whose claim is given up between the read and the commit", async () => {
  const place = await newPlace();
  const { database, done } = overtaken(testEnv().DIRECTORY, 'insert into "outside_member_index"', () =>
    rowsOf(
      testEnv().DIRECTORY,
      "update outside_organization_claims set state = 'ended', version = version + 1 where organization = ?",
      place.organization,
    ),
  );
  await tell("created", place, {}, issuer.env({ DIRECTORY: database }));
  expect([done(), await membersOf(place), await pointersOf(place)]).toEqual([true, [], []]);
});

test("whose pointers another message makes meanwhile has those", async () => {
  const earlier = await newPlace();
  await tell("created", earlier);
  const place = { ...(await newPlace()), subject: earlier.subject };
  const { database, done } = overtaken(testEnv().DIRECTORY, 'insert into "outside_member_index"', () =>
    tell("created", place),
  );
  await tell("created", place, {}, issuer.env({ DIRECTORY: database }));
  expect([done(), await membersOf(place)]).toMatchObject([true, [{ state: "active" }]]);
  expect(await pointersOf(place)).toHaveLength(1);
});

test("who is made a member by another way meanwhile is that one member", async () => {
  const place = await newPlace();
  const { cell, tenantId } = place.tenant;
  const { database, done } = overtaken(cell.database, 'insert into "outside_members"', async () => {
    const [pointer] = await pointersOf(place);
    await rowsOf(
      cell.database,
      "insert into members (tenant_id, id, user_id, role, state, all_locations, version, created_at, updated_at) values (?, ?, ?, 'viewer', 'active', 1, 1, '2026-01-01', '2026-01-01')",
      tenantId,
      pointer?.member_id,
      pointer?.identity_id,
    );
  });
  await tell("created", place, {}, issuer.env({ CELL_US1: database }));
  expect([done(), await membersOf(place)]).toMatchObject([true, [{ state: "active" }]]);
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

/** What the directory has of the people of this organization. */
function pointersOf({ organization }: Place) {
  return rowsOf<{ member_id: string; identity_id: string }>(
    testEnv().DIRECTORY,
    "select member_id, identity_id from outside_member_index where organization_id in (select id from outside_organization_claims where organization = ?)",
    organization,
  );
}

async function endLink({ tenant, organization }: Place): Promise<void> {
  await rowsOf(
    tenant.cell.database,
    "update outside_organizations set state = 'ended', version = version + 1 where tenant_id = ? and organization = ?",
    tenant.tenantId,
    organization,
  );
}
