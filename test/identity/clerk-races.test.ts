import { expect, test } from "vitest";
import { testEnv } from "#test/env.ts";
import { membershipEvent } from "#test/outside.ts";
import { rowsOf, tapped } from "#test/world.ts";
import { deliver, fresh, issuer, listOrders, membersOf, newPlace, type Place, tell, tokenOf } from "./kit.ts";

test("nobody joins an organization whose link was ended in the cell, though the directory has it still", async () => {
  const place = await newPlace();
  await endLink(place);
  await tell("created", place);
  expect(await membersOf(place)).toEqual([]);
});

test("nobody joins an organization whose link is ended between the read and the commit", async () => {
  const place = await newPlace();
  const { CELL_US1 } = testEnv();
  let isEnded = false;
  const database = tapped(CELL_US1 as D1Database, async (texts, commit) => {
    if (!isEnded && texts.some((text) => text.startsWith('insert into "outside_members"'))) {
      isEnded = true;
      await endLink(place);
    }
    return await commit();
  });
  await tell("created", place, {}, issuer.env({ CELL_US1: database }));
  expect([isEnded, await membersOf(place)]).toEqual([true, []]);
});

test("nobody joins who is deleted between the read and the commit", async () => {
  const earlier = await newPlace();
  await tell("created", earlier);
  const place = { ...(await newPlace()), subject: earlier.subject };
  let isEnded = false;
  const database = tapped(testEnv().DIRECTORY, async (texts, commit) => {
    if (!isEnded && texts.some((text) => text.startsWith('insert into "outside_member_index"'))) {
      isEnded = true;
      await rowsOf(
        testEnv().DIRECTORY,
        "update outside_identities set state = 'ended', version = version + 1 where issuer = ?",
        issuer.entry.issuer,
      );
    }
    return await commit();
  });
  await tell("created", place, {}, issuer.env({ DIRECTORY: database }));
  expect([isEnded, await membersOf(place)]).toEqual([true, []]);
});

test("a member's row that the tenant changes between the read and the commit is read again", async () => {
  const place = await newPlace();
  const { cell, tenantId } = place.tenant;
  await tell("created", place, { role: "org:admin" });
  let isChanged = false;
  const database = tapped(testEnv().CELL_US1 as D1Database, async (texts, commit) => {
    if (!isChanged && texts.some((text) => text.startsWith('update "outside_members"'))) {
      isChanged = true;
      await rowsOf(
        cell.database,
        "update members set state = 'suspended', version = version + 1 where tenant_id = ? and id in (select member_id from outside_members where tenant_id = ? and follows_issuer = 1)",
        tenantId,
        tenantId,
      );
    }
    return await commit();
  });
  const env = issuer.env({ CELL_US1: database });
  await tell("updated", place, { role: "org:guest", at: 1_790_000_000_001 }, env);
  expect(isChanged).toBe(true);
  expect(await membersOf(place)).toMatchObject([{ role: "viewer", state: "suspended" }]);
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

async function endLink({ tenant, organization }: Place): Promise<void> {
  await rowsOf(
    tenant.cell.database,
    "update outside_organizations set state = 'ended', version = version + 1 where tenant_id = ? and organization = ?",
    tenant.tenantId,
    organization,
  );
}
