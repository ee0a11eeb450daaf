import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { tellNotices } from "#jobs/alerts/tell.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, mailsTo, newUser } from "#test/identity/kit.ts";
import { newMember } from "#test/member-examples.ts";
import { as, rowsOf, type TestTenant } from "#test/world.ts";
import { happens, lettersTo, newWatched, type Watched, wake } from "./kit.ts";

const { call } = clientOf();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

async function done(answer: Promise<{ status: number; text: string }>): Promise<void> {
  const { status, text } = await answer;
  expect(status, text).toBe(200);
}

/** Subject and count of each alert that was mailed to this address, the oldest first. */
async function alertsAt(email: string): Promise<unknown[]> {
  const mails = (await mailsTo(email)).filter(({ kind }) => kind === "alert").toReversed();
  return mails.map(({ data }) => [data.subjectId, data.count]);
}

async function memberWith(tenant: TestTenant, role: string) {
  const { memberId } = await newMember(tenant, { role }, null, "cli.seed");
  const { json } = await call("members.get", { ...as(tenant), params: { memberId } });
  return { memberId, email: String(json.email) };
}

test("an owner who is suspended is told of it, though they are an owner no longer", async () => {
  const tenant = await newWatched();
  const ousted = await memberWith(tenant, "owner");
  const bystander = await memberWith(tenant, "admin");
  await done(call("members.suspend", { ...as(tenant), params: { memberId: ousted.memberId }, body: {} }));
  await wake(tenant);
  expect(await alertsAt(tenant.ownersMail)).toEqual([[ousted.memberId, 1]]);
  expect(await alertsAt(ousted.email)).toEqual([[ousted.memberId, 1]]);
  expect(await alertsAt(bystander.email)).toEqual([]);
});

test("an owner who is removed is told at the address of their account, and each of several in a sum", async () => {
  const tenant = await newWatched();
  const [first, second] = [await newUser(), await newUser()];
  const removed: string[] = [];
  for (const user of [first, second]) {
    const memberId = await join(user, tenant, "owner");
    expect((await call("members.remove", { ...as(tenant), params: { memberId } })).status).toBe(204);
    removed.push(memberId);
  }
  await wake(tenant);
  // Each became an owner, and is one no longer.
  for (const { email } of [first, second]) expect(await alertsAt(email)).toEqual([[removed[1], 4]]);
});

test("nobody else's alert goes to whom it is about", async () => {
  const tenant = await newWatched();
  const { memberId, email } = await memberWith(tenant, "staff");
  await happens(tenant, { entity: "member", entityId: memberId, action: "mfa.removed" });
  await wake(tenant);
  expect([await alertsAt(tenant.ownersMail), await alertsAt(email)]).toEqual([[[memberId, 1]], []]);
});

test("an owner's address that does not open is noted, and keeps no other owner from being told", async () => {
  const tenant = await newWatched();
  const { memberId, email } = await memberWith(tenant, "owner");
  const { database } = tenant.cell;
  const broken =
    "update members set email = substr(email, 1, length(email) - 2) || 'AA' where tenant_id = ? and id = ?";
  await rowsOf(database, broken, tenant.tenantId, memberId);
  const subject = newId("mbr");
  await happens(tenant, { entity: "member", entityId: subject, action: "mfa.removed" });
  expect(await wake(tenant)).toBe("acknowledged");
  expect([await alertsAt(tenant.ownersMail), await alertsAt(email)]).toEqual([[[subject, 1]], []]);
  const noted =
    "select entity_id from audit_log where tenant_id = ? and entity = 'sealed-value' and json_extract(row, '$.table') = 'members'";
  expect(await rowsOf(database, noted, tenant.tenantId)).toEqual([{ entity_id: memberId }]);
});

test("a notice that cannot be mailed is tried again without a row each time, and no other waits for it", async () => {
  const tenant = await newWatched();
  const { database } = tenant.cell;
  const written = async () => {
    const text = "select count(*) as rows from audit_log where tenant_id = ? and entity = 'alert-notice'";
    return (await rowsOf<{ rows: number }>(database, text, tenant.tenantId))[0]?.rows;
  };
  // What no mail can say.
  await happens(tenant, { entity: "member", entityId: "nobody", action: "mfa.removed" });
  await happens(tenant, { entity: "support-session", entityId: newId("sus"), action: "created" });
  expect(await wake(tenant)).toBe("retried");
  expect((await lettersTo(tenant)).map(({ kind }) => kind)).toEqual(["support-session"]);
  const before = await written();
  for (let times = 0; times < 3; times += 1) expect(await wake(tenant)).toBe("retried");
  expect(await written()).toBe(before);
  expect(await lettersTo(tenant)).toHaveLength(1);
});

test("a day's first leaks have a letter each, and the others are told as any alert", async () => {
  const tenant = await newWatched();
  const leak = async () => {
    const { json } = await call("api-keys.create", {
      ...as(tenant),
      body: { name: "Kiosk", scopes: ["orders:read"] },
    });
    await done(call("api-keys.reportLeak", { ...as(tenant), params: { apiKeyId: json.id } }));
  };
  const letters = async () =>
    (await mailsTo(tenant.ownersMail)).filter(({ kind }) => kind === "key-leaked").length;
  for (let times = 0; times < 5; times += 1) await leak();
  await wake(tenant);
  expect([await letters(), await lettersTo(tenant)]).toEqual([5, []]);
  for (let times = 0; times < 3; times += 1) await leak();
  vi.setSystemTime(Date.now() + 16 * minuteMs);
  await wake(tenant);
  expect(await letters()).toBe(5);
  expect((await lettersTo(tenant)).map(({ kind, count }) => [kind, count])).toEqual([["key-leaked", 3]]);
  vi.setSystemTime(Date.now() + 24 * 60 * minuteMs);
  await leak();
  await wake(tenant);
  expect([await letters(), (await lettersTo(tenant)).length]).toEqual([6, 1]);
});

test("a tenant that is being taken down asks for no further turn, however many notices it has", async () => {
  const tenant = await newWatched();
  await pending(tenant, 20);
  const state = (to: string) =>
    rowsOf(
      tenant.cell.database,
      "update tenant_state set state = ? where tenant_id = ?",
      to,
      tenant.tenantId,
    );
  await state("closing");
  const turn = () => tellNotices(testEnv(), tenant.cell, tenant.tenantId, Date.now());
  expect(await turn()).toBe(false);
  await state("active");
  expect([await turn(), await turn()]).toEqual([true, false]);
});

async function pending({ cell, tenantId, oldAlertId }: Watched, most: number): Promise<void> {
  const at = timestamp(Date.now());
  for (let each = 0; each < most; each += 1)
    await rowsOf(
      cell.database,
      "insert into alert_notices (tenant_id, id, alert_id, kind, count, from_at, to_at, version, created_at, updated_at) values (?, ?, ?, 'owner-changed', 1, ?, ?, 1, ?, ?)",
      tenantId,
      newId("ntc"),
      oldAlertId,
      at,
      at,
      at,
      at,
    );
}
