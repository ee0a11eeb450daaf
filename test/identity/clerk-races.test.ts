import { beforeAll, expect, test } from "vitest";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { membershipEvent, newIssuer, newOrganization, type TestIssuer } from "#test/outside.ts";
import { newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { send } = clientOf();

let issuer: TestIssuer;
let tenant: TestTenant;
let organization: string;

beforeAll(async () => {
  issuer = await newIssuer();
});

test("nobody joins an organization whose link was ended in the cell, though the directory has it still", async () => {
  await newPlace();
  await endLink();
  const subject = aSubject();
  expect(await joins(subject)).toBe(204);
  expect(await membersOf()).toEqual([]);
});

test("nobody joins an organization whose link is ended between the read and the commit", async () => {
  await newPlace();
  const { CELL_US1 } = testEnv();
  let isEnded = false;
  const database = tapped(CELL_US1 as D1Database, async (texts, commit) => {
    if (!isEnded && texts.some((text) => text.startsWith('insert into "outside_members"'))) {
      isEnded = true;
      await endLink();
    }
    return await commit();
  });
  expect(await joins(aSubject(), issuer.env({ CELL_US1: database }))).toBe(204);
  expect([isEnded, await membersOf()]).toEqual([true, []]);
});

test("nobody joins who is deleted between the read and the commit", async () => {
  await newPlace();
  const subject = aSubject();
  expect(await joins(subject)).toBe(204);
  await newPlace();
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
  expect(await joins(subject, issuer.env({ DIRECTORY: database }))).toBe(204);
  expect([isEnded, await membersOf()]).toEqual([true, []]);
});

test("a member's row that the tenant changes between the read and the commit is read again", async () => {
  await newPlace();
  const subject = aSubject();
  await joins(subject, issuer.env(), { role: "org:admin" });
  let isChanged = false;
  const database = tapped(testEnv().CELL_US1 as D1Database, async (texts, commit) => {
    if (!isChanged && texts.some((text) => text.startsWith('update "outside_members"'))) {
      isChanged = true;
      await rowsOf(
        tenant.cell.database,
        "update members set state = 'suspended', version = version + 1 where tenant_id = ? and id in (select member_id from outside_members where tenant_id = ? and follows_issuer = 1)",
        tenant.tenantId,
        tenant.tenantId,
      );
    }
    return await commit();
  });
  const env = issuer.env({ CELL_US1: database });
  expect(await joins(subject, env, { role: "org:guest", at: 1_790_000_000_001 }, "updated")).toBe(204);
  expect([isChanged, await membersOf()]).toEqual([true, [{ role: "viewer", state: "suspended" }]]);
});

async function newPlace(): Promise<void> {
  tenant = await newTenant();
  organization = await newOrganization(issuer, tenant);
}

function aSubject(): string {
  return `user_${newId("x").slice(2)}`;
}

async function endLink(): Promise<void> {
  await rowsOf(
    tenant.cell.database,
    "update outside_organizations set state = 'ended', version = version + 1 where tenant_id = ? and organization = ?",
    tenant.tenantId,
    organization,
  );
}

async function joins(
  subject: string,
  env: TestEnv = issuer.env(),
  changes: object = {},
  verb: "created" | "updated" = "created",
): Promise<number> {
  const event = membershipEvent(verb, { organization, subject, ...changes });
  const { body, headers } = await issuer.message(event);
  const url = `https://api.keyline.example/issuers/${issuer.name}/webhooks`;
  return (await send(new Request(url, { method: "POST", headers, body }), env)).status;
}

function membersOf() {
  return rowsOf(
    tenant.cell.database,
    "select role, state from members where tenant_id = ? and id in (select member_id from outside_members where tenant_id = ? and follows_issuer = 1)",
    tenant.tenantId,
    tenant.tenantId,
  );
}
