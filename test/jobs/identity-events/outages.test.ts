import { beforeAll, beforeEach, expect, test } from "vitest";
import { SealError } from "#crypto/envelope.ts";
import { openCaller } from "#db/callers.ts";
import { openDirectory } from "#db/directory.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { tell } from "#identity/identity-events.ts";
import { copyIdentityEvents } from "#jobs/copy-identity-events.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import { operations } from "#test/http/drawings.ts";
import { goodPassword, join, newUser, signIn } from "#test/identity/kit.ts";
import { envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

import {
  auditOf,
  copy,
  drained,
  headers,
  inTwoTenants,
  platform,
  signInFromAfar,
  toldIn,
  woken,
} from "./kit.ts";

const { call } = clientOf();
const { DIRECTORY } = testEnv();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(drained);

test("who called is sealed anew for each tenant: nothing opens in another's row, and nothing lies in the open", async () => {
  const { user, us, eu, members } = await inTwoTenants();
  await signInFromAfar(user);
  await copy();
  const rows = await Promise.all(
    [us, eu].map(async ({ cell, tenantId }, index) => {
      const text =
        "select caller, request_id as \"requestId\", subject_keys.id as kid, wrapped from audit_log join subject_keys on subject_keys.tenant_id = audit_log.tenant_id and subject_id = actor_id where audit_log.tenant_id = ? and action like 'user.%'";
      const [row] = await rowsOf<{ caller: string; requestId: string; kid: string; wrapped: string }>(
        cell.database,
        text,
        tenantId,
      );
      const { keys } = await systemSession(testEnv(), cell.database, tenantId);
      return { ring: keys.ring, sealed: { ...(row ?? never()), tenantId, actorId: members[index] ?? "" } };
    }),
  );
  for (const { ring, sealed } of rows) {
    const home = { ip: headers["CF-Connecting-IP"], userAgent: headers["User-Agent"] };
    expect(await openCaller(ring, sealed)).toEqual(home);
    for (const other of rows.map(({ sealed: { caller } }) => caller).filter((each) => each !== sealed.caller))
      await expect(openCaller(ring, { ...sealed, caller: other })).rejects.toThrow(SealError);
    await expect(openCaller(ring, { ...sealed, requestId: "req_other" })).rejects.toThrow(SealError);
  }
  const everything = await Promise.all(
    [us.cell.database, eu.cell.database, DIRECTORY].flatMap((database) =>
      ["audit_log", "events", "idempotency"].map((table) => rowsOf(database, `select * from ${table}`)),
    ),
  );
  for (const secret of [...Object.values(headers), user.email])
    expect(JSON.stringify(everything)).not.toContain(secret);
});

test("killed before or after any of its round trips, it has told everybody once when it has run again", async () => {
  const { user, us, eu } = await inTwoTenants();
  let expected = 0;
  let longest = 0;
  for (const side of ["before", "after"] as const) {
    for (let at = 1, isKilled = true; isKilled; at += 1) {
      await signInFromAfar(user);
      expected += 1;
      let trips = 0;
      isKilled = false;
      const bind = (database: D1Database) =>
        tapped(database, async (_texts, run) => {
          trips += 1;
          const isNow = trips === at;
          if (isNow) isKilled = true;
          // Whoever is killed does nothing more.
          if (isKilled && !(isNow && side === "after")) throw new Error("killed");
          const results = await run();
          if (isNow) throw new Error("killed");
          return results;
        });
      const { CELL_US1, CELL_EU1 } = testEnv();
      const env = envWith({
        DIRECTORY: bind(DIRECTORY),
        CELL_US1: bind(CELL_US1 as D1Database),
        CELL_EU1: bind(CELL_EU1 as D1Database),
      });
      await copyIdentityEvents(env, Date.now()).catch(() => undefined);
      longest = Math.max(longest, trips);
      await copy();
      for (const tenant of [us, eu]) {
        expect(await toldIn(tenant), `${side} ${at}`).toHaveLength(expected);
        expect((await auditOf(tenant, "")).length, `${side} ${at}`).toBe(expected);
      }
    }
  }
  expect(longest, "it was killed at more than its first trips").toBeGreaterThan(8);
});

test("a cell that is away keeps nobody else from being told, and is told all of it in order once it is back", async () => {
  const { user, us, eu } = await inTwoTenants();
  const other = await newUser();
  await drained();
  await join(other, us, "manager");
  const env = envWith({
    CELL_EU1: tapped(testEnv().CELL_EU1 as D1Database, () => Promise.reject(new Error("away"))),
  });
  await signInFromAfar(user);
  await copyIdentityEvents(env, Date.now());
  await signIn(other.email);
  await call("sessions.signOut", { as: user.accessToken });
  await copyIdentityEvents(env, Date.now());
  const types = async (tenant: TestTenant) => (await toldIn(tenant)).map(({ type }) => type);
  expect(await types(us)).toEqual(["user.signed_in", "user.signed_in", "user.signed_out"]);
  expect(await types(eu)).toEqual([]);
  const waiting = "select type from events where dispatched_at is null order by seq";
  expect(await rowsOf(DIRECTORY, waiting)).toHaveLength(3);
  await copy();
  expect(await types(eu)).toEqual(["user.signed_in", "user.signed_out"]);
  expect(await types(us)).toHaveLength(3);
  expect(await rowsOf(DIRECTORY, waiting)).toEqual([]);
});

test("a caller who does not open, and a tenant whose keys do not, are told of without the caller, and hold up nobody", async () => {
  const { user, us, eu, members } = await inTwoTenants();
  await signInFromAfar(user);
  await DIRECTORY.exec("drop trigger audit_log_refuses_update");
  const damaged =
    "update audit_log set caller = 'v1.sky_x.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA' where action = 'user.signed_in'";
  await DIRECTORY.exec(damaged);
  await copy();
  for (const [index, tenant] of [us, eu].entries())
    expect(await auditOf(tenant, members[index])).toEqual([expect.objectContaining({ ip: null })]);
  expect(await rowsOf(DIRECTORY, "select 1 from events where type = 'vault.open_failed'")).toHaveLength(1);

  await signInFromAfar(user);
  const { database } = eu.cell;
  const text = "select id, wrapped from tenant_keys where tenant_id = ?";
  const [kept] = await rowsOf<{ id: string; wrapped: string }>(database, text, eu.tenantId);
  const put = "update tenant_keys set wrapped = ? where tenant_id = ?";
  const broken = kept?.wrapped.replace(/.{9}$/, "AAAAAAAAA");
  await database.prepare(put).bind(broken, eu.tenantId).run();
  await copy();
  await database.prepare(put).bind(kept?.wrapped, eu.tenantId).run();
  expect((await auditOf(us, members[0])).map(({ ip }) => ip)).toEqual([headers["CF-Connecting-IP"], null]);
  expect((await auditOf(eu, members[1])).map(({ ip }) => ip)).toEqual([null, null]);
});

test("more than a run takes is gone on with at once, and two that are woken for it tell it once", async () => {
  const { user, us } = await inTwoTenants();
  const userId = (await call("me.get", { as: user.accessToken })).json.id;
  const beside = await newTenant("signs");
  await join(user, beside, "manager");
  const run = { job: "test.many", requestId: newId("run"), now: Date.now() };
  const many = Array.from({ length: 60 }, () => tell("user.stepped_up", userId)).flat();
  await commitAsSystem(await openDirectory(testEnv()), run, many);
  const { env, counts } = counted();
  await copyIdentityEvents(env, Date.now());
  expect(counts.mails).toEqual([[{ body: platform }]]);
  // Fifty copies: of each event one in either of the two that lie in this cell.
  for (const tenant of [us, beside]) expect(await toldIn(tenant)).toHaveLength(25);
  await Promise.all([woken(), woken()]);
  await drained();
  for (const tenant of [us, beside]) expect(await toldIn(tenant)).toHaveLength(60);
});

test("the queue is woken after a commit that tells something, and cron tells what no message led to, within its minute", async () => {
  const { user, us } = await inTwoTenants();
  const { env, counts } = counted();
  await call("sign-in.password", { body: { email: user.email, password: goodPassword }, headers, env });
  expect(counts.mails.flat()).toContainEqual({ body: platform });
  await runScheduled(testEnv(), operations, Date.now());
  expect((await toldIn(us)).map(({ type }) => type)).toEqual(["user.signed_in"]);
});

function never(): never {
  throw new Error("There is no such row.");
}
