import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { commitAsSystem } from "#db/system-commit.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import {
  operatorSession,
  sweepOperatorNotices,
  tellingOperator,
  wakeOperator,
} from "#jobs/operator/tell-operator.ts";
import { hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { left, operated, receivedAt, secret } from "./operator-kit.ts";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

async function tell(env: TestEnv, kind: string, tenantIds: readonly string[]): Promise<void> {
  for (const ofTenant of tenantIds) {
    const at = timestamp(Date.now());
    const told = { sourceId: newId("ntc"), kind, severity: "critical", ofTenant, count: 2 } as const;
    const changes = tellingOperator(env, { ...told, fromAt: at, toAt: at }, Date.now());
    const run = { job: "test.operator", requestId: newId("run"), now: Date.now() };
    expect((await commitAsSystem(operatorSession(env), run, changes)).kind).toBe("committed");
    await wakeOperator(
      env,
      changes.map(({ row }) => row.id),
    );
    vi.setSystemTime(Date.now() + 1);
  }
}

test("of one kind a carrier gets twenty an hour, and then the sum of the others, of which none is lost", async () => {
  const url = `https://${newId("x").slice(2)}.example/hook`;
  const { env, sent, run } = operated({
    OPERATOR_WEBHOOK_URL: url,
    OPERATOR_WEBHOOK_SECRET: secret,
    OPERATOR_EMAIL: "operator@harbour.example",
  });
  const told = async () =>
    (await receivedAt(url)).map(({ body }) => JSON.parse(body).data) as {
      readonly kind: string;
      readonly tenantId: string | null;
      readonly count: number;
      readonly from: string;
      readonly to: string;
    }[];
  const began = timestamp(Date.now());
  const tenantIds = Array.from({ length: 26 }, () => newId("ten"));
  await tell(env, "refusals", tenantIds);
  await run();
  expect((await told()).map(({ tenantId }) => tenantId)).toEqual(tenantIds.slice(0, 20));
  await tell(env, "lockouts", tenantIds.slice(0, 1));
  await run();
  expect((await told()).at(-1)).toMatchObject({ kind: "lockouts", tenantId: tenantIds[0] });
  // The sum waits, one for each carrier.
  expect(await left()).toEqual([{ carrier: "mail" }, { carrier: "webhook" }]);
  await sweepOperatorNotices(env, Date.now() + 59 * minuteMs);
  await run();
  expect(await told()).toHaveLength(21);
  vi.setSystemTime(Date.now() + hourMs + minuteMs);
  await sweepOperatorNotices(env, Date.now());
  await run();
  const last = (await told()).at(-1);
  expect(last).toMatchObject({ kind: "refusals", tenantId: null, count: 12 });
  expect([String(last?.from) > began, String(last?.from) < String(last?.to)]).toEqual([true, true]);
  expect([(await told()).length, sent.length, await left()]).toEqual([22, 22, []]);
  expect(sent.at(-1)?.text).toContain("Several businesses");
});

test("what is summed up of one business alone still names it", async () => {
  const url = `https://${newId("x").slice(2)}.example/hook`;
  const { env, run } = operated({ OPERATOR_WEBHOOK_URL: url, OPERATOR_WEBHOOK_SECRET: secret });
  const tenantId = newId("ten");
  await tell(
    env,
    "new-country",
    Array.from({ length: 23 }, () => tenantId),
  );
  await run();
  vi.setSystemTime(Date.now() + hourMs + minuteMs);
  await sweepOperatorNotices(env, Date.now());
  await run();
  const last = (await receivedAt(url)).at(-1);
  expect(JSON.parse(last?.body ?? "").data).toMatchObject({ tenantId, count: 6 });
});
