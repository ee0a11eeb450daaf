import { afterEach, expect, test, vi } from "vitest";
import { keysStatus, rotateKeys } from "#cli/keys.ts";
import { mintDemoKey } from "#cli/seed.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { dayMs, hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { createCustomer, isReplay } from "#test/http/kit.ts";
import { envWith, memberToken, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";
import { keyIds, left, newEndpoint, pepperVersionOf } from "./rotations.ts";

const { call } = clientOf();
const second = `2:${"B".repeat(42)}A`;

afterEach(() => void vi.useRealTimers());

test("eight writers notice nothing while every kind of key has a successor, and nothing is left on an old one", async () => {
  const tenant = await newTenant("signs", { plan: "enterprise" });
  const endpoint = await newEndpoint(tenant);
  const [oldKey = ""] = await keyIds(tenant);
  const oldOnly = testEnv();
  const both = envWith({ KEYLINE_KEKS: `${testEnv().KEYLINE_KEKS},${second}` });
  const secondOnly = envWith({ KEYLINE_KEKS: second });
  let env: TestEnv = oldOnly;
  let isRunning = true;
  const answers: [string, Answer][] = [];
  const lost: string[] = [];
  const bearers = new Set<string>();
  const keep = async (what: string, answer: Promise<Answer>) => {
    answers.push([what, await answer]);
    return (await answer).json;
  };
  const writer = async (number: number) => {
    // A key of their own, so that no limit is met, and a new one now and then.
    let bearer = "";
    for (let turn = 0; isRunning; turn += 1) {
      if (turn % 4 === 0)
        bearer = (await mintDemoKey(env, tenant.cell, tenant.tenantId, tenant.memberIds.owner, Date.now()))
          .key;
      bearers.add(bearer);
      const own = { tenant: tenant.slug, as: bearer, env };
      const key = `${number}-${turn}`;
      const made = await keep("create", createCustomer(tenant, { key, as: bearer, env }));
      const params = { customerId: made.id };
      await keep("replay", createCustomer(tenant, { key, as: bearer, env }));
      await keep("get", call("customers.get", { ...own, params }));
      const body = { email: `w${number}.${turn}@example.com` };
      await keep("update", call("customers.update", { ...own, params, body }));
      const found = await keep("search", call("customers.search", { ...own, body }));
      if (found.data?.[0]?.id !== made.id) lost.push(made.id);
      await keep(
        "endpoint",
        call("webhook-endpoints.get", { ...own, params: { webhookEndpointId: endpoint.id } }),
      );
      await keep("audit", call("audit.list", own));
      const token = await memberToken(tenant, "owner", {}, env);
      await keep("by token", call("customers.get", { ...own, as: token, params }));
      await pause();
    }
  };
  const more = async (count: number) => {
    const enough = answers.length + count;
    do await pause();
    while (answers.length < enough);
  };
  const writers = Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
  await more(60);
  await backdate(tenant);
  env = both;
  await more(60);
  // Each of its steps waits until the writers have been answered some more.
  const amidWriters = (database: D1Database) =>
    tapped(database, async (_texts, run) => {
      await more(5);
      return await run();
    });
  const slowly = envWith({
    KEYLINE_KEKS: both.KEYLINE_KEKS,
    DIRECTORY: amidWriters(oldOnly.DIRECTORY),
    CELL_US1: amidWriters(tenant.cell.database),
  });
  const begunAt = answers.length;
  await rotateKeys(slowly, { job: "keys.rotate", requestId: newId("run"), now: Date.now() });
  const duringIt = answers.length - begunAt;
  await more(60);
  // By then the new pepper mints, and the new key signs.
  vi.setSystemTime(Date.now() + hourMs + 11 * minuteMs);
  env = secondOnly;
  await more(60);
  isRunning = false;
  await writers;

  const failed = answers.filter(([, { status }]) => status >= 400);
  expect(failed.map(([what, { status, text }]) => [what, status, text])).toEqual([]);
  expect(lost).toEqual([]);
  expect(answers.filter(([what, answer]) => what === "replay" && !isReplay(answer))).toEqual([]);
  expect(duringIt).toBeGreaterThan(50);
  expect(await left(tenant, oldKey)).toEqual({ wraps: 0, secrets: 0 });
  for (const { database, owner } of [
    { database: tenant.cell.database, owner: tenant.tenantId },
    { database: testEnv().DIRECTORY, owner: platformTenant },
  ]) {
    const keks = await rowsOf<{ wrapped: string }>(
      database,
      "select wrapped from tenant_keys where tenant_id = ?",
      owner,
    );
    expect(new Set(keks.map(({ wrapped }) => wrapped.split(".")[1]))).toEqual(new Set(["kek2"]));
  }
  // Two of each kind, and both peppers have made keys that were used.
  for (const table of ["key_peppers", "signing_keys", "checkpoint_keys"])
    expect(await rowsOf(testEnv().DIRECTORY, `select id from ${table}`), table).toHaveLength(2);
  expect(new Set([...bearers].map(pepperVersionOf))).toEqual(new Set([1, 2]));
  expect((await keysStatus(secondOnly, Date.now())).isDone).toBe(true);
});

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** As if the deployment were a month old, a command grants no successor sooner, and its signing key two days. */
async function backdate({ cell, tenantId }: TestTenant): Promise<void> {
  const { DIRECTORY } = testEnv();
  const then = timestamp(Date.now() - 31 * dayMs);
  const aged = (text: string, at = then) => DIRECTORY.prepare(text).bind(at);
  await DIRECTORY.batch([
    aged("update key_peppers set created_at = ?"),
    aged("update checkpoint_keys set signs_from = ?"),
    aged("update signing_keys set signs_from = ?", timestamp(Date.now() - 2 * dayMs)),
    aged("update tenant_keys set created_at = ?"),
  ]);
  await cell.database
    .prepare("update tenant_keys set created_at = ? where tenant_id = ?")
    .bind(then, tenantId)
    .run();
}
