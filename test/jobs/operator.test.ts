import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { webhookSignature } from "#crypto/webhook-signature.ts";
import { note } from "#db/changes.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { alertPlatform } from "#jobs/alert-platform.ts";
import { alertOf } from "#jobs/audit-tree/faults.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { alertOperator } from "#jobs/operator/platform-alerts.ts";
import { operatorFaults, operatorSession, sweepOperatorNotices } from "#jobs/operator/tell-operator.ts";
import { hourMs, minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { postmarkBindings } from "#test/postmark-server.ts";
import { envWith, rowsOf, tapped } from "#test/world.ts";
import { happens, lettersTo, newWatched, wake } from "./alerts/kit.ts";
import { left, operated, receivedAt, secret } from "./operator-kit.ts";

const { DIRECTORY } = testEnv();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(async () => {
  vi.useRealTimers();
  await DIRECTORY.exec("delete from operator_notices");
});

const alerted = async (env: TestEnv) => {
  const tenant = await newWatched();
  const subject = newId("mbr");
  await happens(tenant, { entity: "member", entityId: subject, action: "mfa.removed" });
  expect(await wake(tenant, { env })).toBe("acknowledged");
  return { tenant, subject };
};

test("by a webhook that is signed as those of tenants are, and says nothing of whom", async () => {
  const url = `https://${newId("x").slice(2)}.example/hook`;
  const { env, run } = operated({ OPERATOR_WEBHOOK_URL: url, OPERATOR_WEBHOOK_SECRET: secret });
  expect(operatorFaults(env)).toEqual([]);
  const { tenant, subject } = await alerted(env);
  await run();
  const [told, ...others] = await receivedAt(url);
  expect(others).toEqual([]);
  const { headers = {}, body = "" } = told ?? {};
  const id = headers["webhook-id"] ?? "";
  const timestampSeconds = Number(headers["webhook-timestamp"]);
  expect(headers["webhook-signature"]).toBe(await webhookSignature([secret], { id, timestampSeconds, body }));
  expect(JSON.parse(body)).toMatchObject({
    type: "operator.alert",
    data: { kind: "second-factor-off", severity: "critical", tenantId: tenant.tenantId, count: 1 },
  });
  expect(body).not.toContain(subject);
  expect(await left()).toEqual([]);
});

test("by mail, with the same in it", async () => {
  const { env, sent, run } = operated({ OPERATOR_EMAIL: "operator@harbour.example" });
  const { tenant } = await alerted(env);
  await run();
  expect(sent.map(({ to }) => to)).toEqual(["operator@harbour.example"]);
  expect(sent[0]?.text).toContain(`Business: ${tenant.tenantId}`);
  expect(sent[0]?.subject).toContain("second-factor-off");
});

test("by Sentry's envelope: three lines, a length that is true, and an id that stays the same", async () => {
  const host = `${newId("x").slice(2)}.example`;
  const { env, run } = operated({ SENTRY_DSN: `https://public@${host}/42` });
  expect(operatorFaults(env)).toEqual([]);
  const { tenant } = await alerted(env);
  await run();
  const [told, ...others] = await receivedAt(`https://${host}/api/42/envelope/`);
  expect(others).toEqual([]);
  expect(told?.headers["content-type"]).toBe("application/x-sentry-envelope");
  expect(told?.headers["x-sentry-auth"]).toMatch(/^Sentry sentry_version=7, .*sentry_key=public$/);
  const [head = "", item = "", event = "", end] = told?.body.split("\n") ?? [];
  expect(end).toBe("");
  expect(JSON.parse(item)).toEqual({ type: "event", length: new TextEncoder().encode(event).byteLength });
  expect(JSON.parse(head).event_id).toMatch(/^[0-9a-f]{32}$/);
  expect(JSON.parse(event)).toMatchObject({
    event_id: JSON.parse(head).event_id,
    level: "error",
    fingerprint: ["second-factor-off", tenant.tenantId],
    extra: { count: 1 },
  });
});

test("a carrier that fails is asked again, later each time, and keeps no other from telling", async () => {
  const host = `${newId("x").slice(2)}.example`;
  const { env, sent, run } = operated({
    OPERATOR_WEBHOOK_URL: `https://${host}/status/503`,
    OPERATOR_WEBHOOK_SECRET: secret,
    OPERATOR_EMAIL: "operator@harbour.example",
  });
  await alerted(env);
  await run();
  expect([await left(), sent.length]).toEqual([[{ carrier: "webhook" }], 1]);
  vi.setSystemTime(Date.now() + minuteMs);
  await sweepOperatorNotices(env, Date.now());
  await run();
  const tries = await receivedAt(`https://${host}/status/503`);
  // The same id, by which a receiver knows it again.
  expect([tries.length, new Set(tries.map(({ headers }) => headers["webhook-id"])).size]).toEqual([2, 1]);
  vi.setSystemTime(Date.now() + minuteMs);
  await sweepOperatorNotices(env, Date.now());
  await run();
  expect(await receivedAt(`https://${host}/status/503`)).toHaveLength(2);
  const mended: TestEnv = envWith({
    OPERATOR_WEBHOOK_URL: `https://${host}/hook`,
    OPERATOR_WEBHOOK_SECRET: secret,
  });
  vi.setSystemTime(Date.now() + hourMs);
  const again = operated({
    OPERATOR_WEBHOOK_URL: mended.OPERATOR_WEBHOOK_URL ?? "",
    OPERATOR_WEBHOOK_SECRET: secret,
  });
  await sweepOperatorNotices(again.env, Date.now());
  await again.run();
  expect(await receivedAt(`https://${host}/hook`)).toHaveLength(1);
  expect([await left(), sent.length]).toEqual([[], 1]);
});

test("where a business's keys do not open its owners cannot be written to, and the operator is told all the same", async () => {
  const url = `https://${newId("x").slice(2)}.example/hook`;
  const { env, run } = operated({ OPERATOR_WEBHOOK_URL: url, OPERATOR_WEBHOOK_SECRET: secret });
  const tenant = await newWatched();
  for (const action of ["mfa.removed", "created"])
    await happens(tenant, {
      entity: action === "created" ? "support-session" : "member",
      entityId: newId("mbr"),
      action,
    });
  await rowsOf(
    tenant.cell.database,
    "update tenant_keys set wrapped = replace(wrapped, '.', '.x') where tenant_id = ?",
    tenant.tenantId,
  );
  expect(await wake(tenant, { env })).toBe("retried");
  await run();
  const told = (await receivedAt(url)).map(({ body }) => JSON.parse(body).data.kind);
  expect(told.toSorted()).toEqual(["second-factor-off", "support-session"]);
  expect(await lettersTo(tenant)).toEqual([]);
});

test("a mail that its carrier refuses is tried again, as the address may be what is to be mended", async () => {
  const { env, run } = operated({
    OPERATOR_EMAIL: `inactive-${newId("x").slice(2)}@harbour.example`,
    MAIL: "postmark",
    MAIL_FROM: "Harbour <hello@harbour.example>",
    ...postmarkBindings,
  });
  expect(operatorFaults(env)).toEqual([]);
  await alerted(env);
  await run();
  expect(await left()).toEqual([{ carrier: "mail" }]);
  const attempts = () => rowsOf(DIRECTORY, "select attempts from operator_notices");
  expect(await attempts()).toEqual([{ attempts: 1 }]);
  vi.setSystemTime(Date.now() + hourMs);
  await sweepOperatorNotices(env, Date.now());
  await run();
  expect(await attempts()).toEqual([{ attempts: 2 }]);
});

test("what is amiss with an audit's log is told with whose it is", async () => {
  const url = `https://${newId("x").slice(2)}.example/hook`;
  const { env, run } = operated({ OPERATOR_WEBHOOK_URL: url, OPERATOR_WEBHOOK_SECRET: secret });
  await alertOperator(envWith({}), Date.now());
  const tenantId = newId("ten");
  for (const owner of [
    { v: 1, tenantId, cell: "us1" },
    { v: 1, tenantId: "platform", cell: null },
  ] as const)
    await alertPlatform(env, alertOf(owner, { fault: "row-missing", at: newId("x") }), Date.now());
  await alertOperator(env, Date.now());
  await run();
  const told = (await receivedAt(url)).map(({ body }) => JSON.parse(body).data);
  expect(told.map((data) => [data.kind, data.tenantId])).toEqual([
    ["audit-broken", tenantId],
    ["audit-broken", null],
  ]);
});

test("however much is amiss at once, it is told by the page, each of it once", async () => {
  const url = `https://${newId("x").slice(2)}.example/hook`;
  const pages: number[] = [];
  const tapping = tapped(DIRECTORY, async (texts, commit) => {
    const told = texts.filter((text) => text.startsWith('insert into "operator_notices"')).length;
    if (told > 0) pages.push(told);
    return await commit();
  });
  const { env } = operated({ OPERATOR_WEBHOOK_URL: url, OPERATOR_WEBHOOK_SECRET: secret });
  await alertOperator(envWith({}), Date.now());
  const session = operatorSession(env);
  for (let times = 0; times < 2; times += 1) {
    const notes = Array.from({ length: 30 }, () => note("schema", "directory", { first: newId("x") }));
    const run = { job: "test.platform", requestId: newId("run"), now: Date.now() };
    expect((await commitAsSystem(session, run, notes)).kind).toBe("committed");
  }
  for (let times = 0; times < 2; times += 1) await alertOperator({ ...env, DIRECTORY: tapping }, Date.now());
  expect(pages).toEqual([50, 10]);
  const sources = await rowsOf<{ source_id: string }>(DIRECTORY, "select source_id from operator_notices");
  expect(new Set(sources.map(({ source_id }) => source_id)).size).toBe(60);
});

test("what is amiss with the platform is told once for each of its rows", async () => {
  const url = `https://${newId("x").slice(2)}.example/hook`;
  const { env, run } = operated({ OPERATOR_WEBHOOK_URL: url, OPERATOR_WEBHOOK_SECRET: secret });
  await alertOperator(envWith({}), Date.now());
  const data = { database: "directory", faults: 1, first: newId("x") };
  const alert = {
    type: "schema.altered",
    job: "test.platform",
    entity: "schema",
    entityId: "directory",
    data,
  } as const;
  for (let times = 0; times < 2; times += 1)
    await alertPlatform(env, { ...alert, about: data.first }, Date.now());
  for (let times = 0; times < 2; times += 1) await alertOperator(env, Date.now());
  await run();
  const told = (await receivedAt(url)).map(({ body }) => JSON.parse(body).data);
  expect(told).toEqual([expect.objectContaining({ kind: "schema-altered", tenantId: null, count: 1 })]);
});

test("nobody is told where nothing is set, and what is set wrongly is said", async () => {
  const { env, sent, run } = operated({});
  await alerted(env);
  await run();
  expect([operatorFaults(env), sent, await left()]).toEqual([[], [], []]);
  const wrong = operated({
    OPERATOR_WEBHOOK_URL: "http://operator.example",
    OPERATOR_WEBHOOK_SECRET: "secret",
    OPERATOR_EMAIL: "operator",
    SENTRY_DSN: "https://sentry.example/42",
  });
  expect(operatorFaults(wrong.env)).toHaveLength(4);
});
