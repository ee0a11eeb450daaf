import { expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { expireAccounts } from "#jobs/expire-accounts.ts";
import { dayMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { beginSms, newNumber, newTexted, newUser } from "#test/identity/kit.ts";
import { rowsOf } from "#test/world.ts";

const { call } = clientOf();
const { DIRECTORY } = testEnv();
const tables = ["sign_ups", "one_time_links", "sessions", "session_refreshes", "stranger_months"] as const;

test("what nobody can use any more goes, each in its time, once however many runners there are", async () => {
  const now = Date.now();
  await ensureDirectoryKeys(testEnv(), now);
  const user = await newUser();
  await call("password-resets.ask", { body: { email: user.email } });
  await expireAccounts(testEnv(), now + dayMs);
  expect(await counts()).toEqual({ ...ones(), stranger_months: await months() });
  // A sign-up has a day for its link, and a day more.
  await expireAccounts(testEnv(), now + 2.1 * dayMs);
  expect(await counts()).toMatchObject({ sign_ups: 0, one_time_links: 1, sessions: 1 });
  await expireAccounts(testEnv(), now + 30.1 * dayMs);
  expect(await counts()).toMatchObject({ one_time_links: 0, sessions: 1, session_refreshes: 1 });
  await Promise.all([1, 2, 3].map(() => expireAccounts(testEnv(), now + 60.1 * dayMs)));
  expect(await counts()).toMatchObject({
    sessions: 0,
    session_refreshes: 0,
    stranger_months: await months(),
  });
  const told = "select entity, action from audit_log where operation = 'accounts.expire' order by seq";
  expect(await rowsOf(DIRECTORY, told)).toEqual([
    { entity: "sign-up", action: "deleted" },
    { entity: "one-time-link", action: "deleted" },
    { entity: "session", action: "deleted" },
  ]);
  expect(
    (await call("sign-in.password", { body: { email: user.email, password: user.password } })).status,
  ).toBe(201);
});

test("numbers that nobody confirmed, and codes, go after a day; a number in use stays", async () => {
  const now = Date.now();
  const user = await newTexted();
  await beginSms(user, newNumber());
  const left = async () =>
    await rowsOf(
      DIRECTORY,
      "select 'number' as is_a, state from sms_factors union all select 'code', purpose from sms_codes",
    );
  expect(await left()).toHaveLength(3);
  await expireAccounts(testEnv(), now + 0.9 * dayMs);
  expect(await left()).toHaveLength(3);
  await expireAccounts(testEnv(), now + 1.1 * dayMs);
  expect(await left()).toEqual([{ is_a: "number", state: "active" }]);
});

test("a month's strangers are forgotten a year after it, audit and all", async () => {
  const now = Date.now();
  const keys = () => rowsOf(DIRECTORY, "select subject_id from subject_keys where subject_id like 'str_%'");
  const before = (await keys()).length;
  expect(before).toBeGreaterThan(0);
  await expireAccounts(testEnv(), now + 390 * dayMs);
  expect(await keys()).toHaveLength(before);
  await Promise.all([1, 2, 3].map(() => expireAccounts(testEnv(), now + 500 * dayMs)));
  expect(await keys()).toEqual([]);
  expect(await counts()).toMatchObject({ stranger_months: 0 });
  const tombstones = "select subject_id from subject_tombstones where subject_id like 'str_%'";
  expect(await rowsOf(DIRECTORY, tombstones)).toHaveLength(before);
});

async function counts(): Promise<Record<string, number>> {
  const found = await Promise.all(
    tables.map(async (table) => [table, (await rowsOf(DIRECTORY, `select * from ${table}`)).length] as const),
  );
  return Object.fromEntries(found);
}

function ones(): Record<string, number> {
  return { sign_ups: 1, one_time_links: 1, sessions: 1, session_refreshes: 1 };
}

/** One, or two at the end of a month. */
async function months(): Promise<number> {
  return (await rowsOf(DIRECTORY, "select distinct month from stranger_months")).length;
}
