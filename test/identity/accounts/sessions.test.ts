import { beforeAll, expect, test, vi } from "vitest";
import { platformTenant } from "#db/directory-tables.ts";
import { cellKinds } from "#db/retention.ts";
import { rotateTenantKey } from "#db/tenant-keys.ts";
import { sweepEndedSessions } from "#identity/sessions/end-in-cells.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { moveToNewestKey } from "#jobs/rotate-tenant-keys.ts";
import { dayMs, minuteMs, secondMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser, signIn, tokenMailedTo } from "#test/identity/kit.ts";
import { envWith, newTenant, rowsOf, tapped } from "#test/world.ts";

const { call } = clientOf();
const refresh = (refreshToken: string, tenant?: string) =>
  call("tokens.refresh", { body: { refreshToken, ...(tenant && { tenant }) } });

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

test("a refresh token is taken once; one that comes again ends its session and all that was made of it", async () => {
  const { refreshToken } = await newUser();
  const second = await refresh(refreshToken);
  expect(second.status).toBe(200);
  const third = await refresh(second.json.refreshToken);
  expect((await call("me.get", { as: third.json.accessToken })).status).toBe(200);
  // Long enough ago that no client would merely have asked twice.
  expect((await refresh(refreshToken)).status).toBe(401);
  for (const { json } of [second, third]) {
    expect((await refresh(json.refreshToken)).status).toBe(401);
    expect((await call("me.get", { as: json.accessToken })).status).toBe(401);
  }
});

test("of twenty at once one goes on, and a client that asked twice gets the same successor for ten seconds", async () => {
  const { refreshToken } = await newUser();
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(refreshToken)));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  const successors = new Set(answers.map(({ json }) => json.refreshToken));
  expect(successors.size).toBe(1);
  expect(successors).not.toContain(refreshToken);
  try {
    const now = Date.now();
    vi.setSystemTime(now + 9 * secondMs);
    expect((await refresh(refreshToken)).status).toBe(200);
    vi.setSystemTime(now + 11 * secondMs);
    expect((await refresh(refreshToken)).status).toBe(401);
    expect((await refresh([...successors][0] ?? "")).status).toBe(401);
  } finally {
    vi.useRealTimers();
  }
});

test("what is no token of ours, or another's kind, is refused like any other", async () => {
  const { refreshToken, accessToken, sessionId } = await newUser();
  const forged = refreshToken.replace(/.{4}$/, "0000");
  const later = refreshToken.replace("_1_", "_2_");
  for (const text of [forged, later, accessToken.slice(0, 190), sessionId, "klr_", `${refreshToken}0`])
    expect((await refresh(text)).status, text).toBe(401);
  expect((await refresh(refreshToken)).status).toBe(200);
});

test("a member's token is for one tenant, and whoever is no member gets none", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const user = await newUser();
  await join(user, tenant, "manager");
  const listed = await call("me.tenants", { as: user.accessToken });
  expect(listed.json.data).toEqual([
    expect.objectContaining({ tenantId: tenant.tenantId, slug: tenant.slug, role: "manager" }),
  ]);
  const token = await refresh(user.refreshToken, tenant.slug);
  expect([token.status, token.json.tenantId]).toEqual([200, tenant.tenantId]);
  const { accessToken, refreshToken } = token.json;
  expect((await call("customers.list", { tenant: tenant.slug, as: accessToken })).status).toBe(200);
  expect((await call("customers.list", { tenant: other.slug, as: accessToken })).status).toBe(404);
  expect((await call("me.get", { as: accessToken })).status).toBe(401);
  const own = await refresh(refreshToken);
  expect((await call("customers.list", { tenant: tenant.slug, as: own.json.accessToken })).status).toBe(401);
  // No token, and no turn of the refresh token, is spent on a tenant of others or on none.
  for (const slug of [other.slug, "nobodys-shop"])
    expect((await refresh(own.json.refreshToken, slug)).status).toBe(404);
  expect((await refresh(own.json.refreshToken)).status).toBe(200);
});

test("who was promoted gets no token of that business before the password is as such people's must be", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const user = await newUser();
  await join(user, tenant, "owner");
  await join(user, other, "staff");
  const refused = await refresh(user.refreshToken, tenant.slug);
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/password-change-required"]);
  // No turn was spent on it.
  const elsewhere = await refresh(user.refreshToken, other.slug);
  expect(elsewhere.status).toBe(200);
  const change = (password: string) =>
    call("me.changePassword", { as: user.accessToken, body: { currentPassword: user.password, password } });
  expect((await change("seven loud trumpets sink")).json.errors).toHaveLength(2);
  expect((await change("Seven loud trumpets, 4 of them")).status).toBe(204);
  expect((await refresh(elsewhere.json.refreshToken, tenant.slug)).status).toBe(200);
});

test("sessions are listed with device and last use, are one's own, and end at once", async () => {
  const [user, stranger] = [await newUser(), await newUser()];
  const second = await signIn(user.email);
  const list = async () => (await call("sessions.list", { as: user.accessToken })).json.data;
  expect(await list()).toEqual([
    expect.objectContaining({ id: second.json.sessionId, isCurrent: false, state: "active" }),
    expect.objectContaining({ id: user.sessionId, isCurrent: true, methods: ["pwd"] }),
  ]);
  const end = (as: string, sessionId: string) => call("sessions.end", { as, params: { sessionId } });
  expect((await end(stranger.accessToken, user.sessionId)).status).toBe(404);
  expect((await end(user.accessToken, second.json.sessionId)).status).toBe(204);
  expect((await call("me.get", { as: second.json.accessToken })).status).toBe(401);
  expect((await end(user.accessToken, second.json.sessionId)).status).toBe(204);
  const third = await signIn(user.email);
  expect((await call("sessions.endOthers", { as: third.json.accessToken })).status).toBe(204);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(401);
  expect((await call("sessions.signOut", { as: third.json.accessToken })).status).toBe(204);
  expect((await call("me.get", { as: third.json.accessToken })).status).toBe(401);
});

test("a tenant refuses the tokens of a session that ended, from the next request on, and no other of its member", async () => {
  const tenant = await newTenant();
  const user = await newUser();
  await join(user, tenant, "manager");
  const kept = await signIn(user.email);
  const tokenOf = async (refreshToken: string) => (await refresh(refreshToken, tenant.slug)).json.accessToken;
  const [ending, lasting] = [await tokenOf(user.refreshToken), await tokenOf(kept.json.refreshToken)];
  const statuses = async () => [
    (await call("customers.list", { tenant: tenant.slug, as: ending })).status,
    (await call("tenants.ping", { tenant: tenant.slug, as: ending })).status,
    (await call("customers.list", { tenant: tenant.slug, as: lasting })).status,
  ];
  expect(await statuses()).toEqual([200, 200, 200]);
  expect((await call("sessions.signOut", { as: user.accessToken })).status).toBe(204);
  expect(await statuses()).toEqual([401, 401, 200]);
  // Its turn is over, so nothing of it is left to be told.
  const left = "select session_id from session_refreshes where session_id = ?";
  expect(await rowsOf(testEnv().DIRECTORY, left, user.sessionId)).toEqual([]);
  await deleteExpired(tenant.cell.database, Date.now() + 11 * minuteMs, cellKinds);
  expect(await rowsOf(tenant.cell.database, "select * from ended_sessions")).toEqual([]);
});

test("a member who was suspended when a session ended is not let in by it when they are back", async () => {
  const tenant = await newTenant();
  const user = await newUser();
  const memberId = await join(user, tenant, "manager");
  const token = (await refresh(user.refreshToken, tenant.slug)).json.accessToken;
  const use = async () => (await call("customers.list", { tenant: tenant.slug, as: token })).status;
  const become = (state: string) =>
    tenant.cell.database.batch([
      tenant.cell.database.prepare("update members set state = ? where id = ?").bind(state, memberId),
      tenant.cell.database
        .prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?")
        .bind(tenant.tenantId),
    ]);
  expect(await use()).toBe(200);
  await become("suspended");
  expect((await call("sessions.signOut", { as: user.accessToken })).status).toBe(204);
  await become("active");
  expect(await use()).toBe(401);
});

test("where a cell is away the session ends in the directory, and the cell is told by and by", async () => {
  const tenant = await newTenant();
  const user = await newUser();
  await join(user, tenant, "manager");
  const token = (await refresh(user.refreshToken, tenant.slug)).json.accessToken;
  const use = () => call("customers.list", { tenant: tenant.slug, as: token });
  expect((await use()).status).toBe(200);
  const env = envWith({
    CELL_US1: tapped(tenant.cell.database, () => Promise.reject(new Error("the cell is away"))),
  });
  expect((await call("sessions.signOut", { as: user.accessToken, env })).status).toBe(202);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(401);
  expect((await use()).status).toBe(200);
  await Promise.all([1, 2, 3].map(() => sweepEndedSessions(testEnv(), Date.now())));
  expect((await use()).status).toBe(401);
  const notes = "select id from audit_log where tenant_id = ? and operation = 'sessions.end'";
  expect(await rowsOf(tenant.cell.database, notes, tenant.tenantId)).toHaveLength(1);
});

test("whoever signs in, refreshes and looks around notices nothing of a rotation of the directory's key", async () => {
  const user = await newUser();
  const { DIRECTORY } = testEnv();
  const run = { job: "keys.rotate", requestId: newId("run"), now: Date.now() };
  expect(await rotateTenantKey(testEnv(), DIRECTORY, platformTenant, run)).toBe("begun");
  while ((await moveToNewestKey(testEnv(), DIRECTORY, platformTenant, run, 100)) === 100);
  const signedIn = await signIn(user.email);
  expect(signedIn.status).toBe(201);
  expect((await refresh(user.refreshToken)).status).toBe(200);
  expect((await call("me.get", { as: user.accessToken })).json.email).toBe(user.email);
  expect((await newUser()).sessionId).toMatch(/^ses_/);
});

test("all sessions end, however many there are, and so does one that begins meanwhile", async () => {
  const user = await newUser();
  const rows: string[] = [];
  // More than are ended one by one, and as many at once as may be tried.
  for (let count = 0; count < 120; count += 5) {
    const begun = await Promise.all(Array.from({ length: 5 }, () => signIn(user.email)));
    rows.push(...begun.map(({ json }) => json.refreshToken));
  }
  expect((await refresh(rows[0] ?? "")).status).toBe(200);
  const asking = await signIn(user.email);
  expect((await call("sessions.endOthers", { as: asking.json.accessToken })).status).toBe(204);
  for (const text of [user.refreshToken, rows[1], rows.at(-1)])
    expect((await refresh(text ?? "")).status).toBe(401);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(401);
  expect((await refresh(asking.json.refreshToken)).status).toBe(200);
  expect((await call("me.get", { as: asking.json.accessToken })).status).toBe(200);

  let isReset = false;
  const env = envWith({
    DIRECTORY: tapped(testEnv().DIRECTORY, async (texts, run) => {
      if (!isReset && texts.some((text) => text.startsWith('insert into "commits"'))) {
        isReset = true;
        await call("password-resets.ask", { body: { email: user.email } });
        const body = { token: await tokenMailedTo(user.email), password: "seven loud trumpets sink" };
        expect((await call("password-resets.complete", { body })).status).toBe(204);
      }
      return await run();
    }),
  });
  // It had the right password, which is none any more when its session would begin.
  expect((await signIn(user.email, user.password, env)).status).toBe(401);
  expect(isReset).toBe(true);
});

test("a session that ends while its user's change is under way changes nothing", async () => {
  const user = await newUser();
  const other = await signIn(user.email);
  let isEnded = false;
  const env = envWith({
    DIRECTORY: tapped(testEnv().DIRECTORY, async (texts, run) => {
      const isCommit = texts.some((text) => text.startsWith('insert into "commits"'));
      if (isCommit && !isEnded) {
        isEnded = true;
        const params = { sessionId: user.sessionId };
        expect((await call("sessions.end", { as: other.json.accessToken, params })).status).toBe(204);
      }
      return await run();
    }),
  });
  const params = { sessionId: other.json.sessionId };
  expect((await call("sessions.end", { as: user.accessToken, params, env })).status).toBe(401);
  expect(isEnded).toBe(true);
  expect((await call("me.get", { as: other.json.accessToken })).status).toBe(200);
});

test("a user's token lives five minutes", async () => {
  const { accessToken } = await newUser();
  try {
    vi.setSystemTime(Date.now() + 5 * minuteMs);
    expect((await call("me.get", { as: accessToken })).status).toBe(401);
  } finally {
    vi.useRealTimers();
  }
});

test("a session ends after 30 days, or 14 without use", async () => {
  try {
    const [idle, old] = [await newUser(), await newUser()];
    const start = Date.now();
    let { refreshToken } = old;
    for (const day of [7, 14, 21, 28]) {
      vi.setSystemTime(start + day * dayMs);
      await ensureDirectoryKeys(testEnv(), Date.now());
      const answer = await refresh(refreshToken);
      expect(answer.status, `day ${day}`).toBe(200);
      refreshToken = answer.json.refreshToken;
    }
    expect((await refresh(idle.refreshToken)).status).toBe(401);
    vi.setSystemTime(start + 31 * dayMs);
    expect((await refresh(refreshToken)).status).toBe(401);
  } finally {
    vi.useRealTimers();
  }
});
