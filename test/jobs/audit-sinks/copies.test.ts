import { expect, onTestFinished, test, vi } from "vitest";
import { copyLog } from "#jobs/audit-sinks/copy-log.ts";
import { copyPlatformLog, sweepSinks } from "#jobs/audit-sinks/sweep-sinks.ts";
import { minuteMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { auditSinks, sinkKeys } from "#platform/audit-sinks.ts";
import { putLocked } from "#platform/object-lock-store.ts";
import { addNotes } from "#test/audit-log.ts";
import {
  deliver,
  envOf,
  expectWhole,
  newSink,
  publish,
  publishPlatforms,
  type TestSink,
} from "#test/audit-sinks.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { newTenant, proxied, rowsOf, type TestTenant, tapped } from "#test/world.ts";

test("everything that is published arrives byte for byte, each head after what it covers, and verifies there", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  for (const more of [0, 3, 600, 20]) {
    await addNotes(tenant, more);
    await publish(tenant, env);
    await deliver(env, woken);
  }
  const files = await sink.filesOf(tenant.tenantId);
  await expectWhole(tenant, files);
  expect([...files.keys()].filter((path) => path.startsWith("checkpoints/"))).toHaveLength(4);
  expect((await sink.told()).refused, "nothing was put twice").toEqual([]);
  expect(await progressOf(tenant)).toMatchObject([{ behind_since: null, due_at: null, fault: null }]);
});

test("many heads are copied in several turns, each of which goes on where the one before stopped", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  for (let heads = 0; heads < 55; heads += 1) {
    await addNotes(tenant, 1);
    await publish(tenant, env);
  }
  // One wake-up of the many will do: a turn that leaves something wakes the next.
  woken.splice(1);
  const counts: number[] = [];
  while (woken.length > 0) {
    await deliver(env, woken, Date.now(), 1);
    counts.push((await sink.told()).objects.length);
  }
  expect(counts.length).toBeGreaterThan(1);
  expect(counts[0]).toBeLessThan(140);
  expect((await sink.told()).refused).toEqual([]);
  await expectWhole(tenant, await sink.filesOf(tenant.tenantId));
});

test("a copying that dies at any of its steps is gone on with: no gap, and nothing twice", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env } = envOf([sink]);
  for (const more of [0, 300]) {
    await addNotes(tenant, more);
    await publish(tenant, env);
  }
  let now = Date.now();
  let deaths = 0;
  const seen: string[][] = [];
  for (let steps = 0; steps < 60 && (await progressOf(tenant))[0]?.due_at !== null; steps += 1) {
    // The dead one's lease is over by then.
    now += 6 * minuteMs;
    await copyLog(cutAfter(env, steps), ownerOf(tenant), sinkOf(env), now).catch(() => {
      deaths += 1;
    });
    vi.unstubAllGlobals();
    seen.push([...(await sink.filesOf(tenant.tenantId)).keys()]);
  }
  expect(deaths).toBeGreaterThan(8);
  // What came once stays, in its order: a store like this one would have refused anything else.
  for (const [at, later] of seen.slice(1).entries())
    expect(later.slice(0, seen[at]?.length)).toEqual(seen[at]);
  await expectWhole(tenant, await sink.filesOf(tenant.tenantId));
  expect(await progressOf(tenant)).toMatchObject([{ due_at: null, fault: null }]);
});

test("a store that fails again and again gets the whole log all the same", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env } = envOf([sink]);
  await addNotes(tenant, 300);
  await publish(tenant, env);
  let now = Date.now() + minuteMs;
  let tries = 0;
  for (; tries < 20 && (await progressOf(tenant))[0]?.due_at !== null; tries += 1) {
    // It came further, so the next try is soon.
    now += minuteMs;
    failAfter(3);
    await copyLog(env, ownerOf(tenant), sinkOf(env), now);
    vi.unstubAllGlobals();
  }
  expect(tries).toBeGreaterThan(1);
  await expectWhole(tenant, await sink.filesOf(tenant.tenantId));
});

test("two that copy the same at once do no harm", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env } = envOf([sink]);
  for (const more of [0, 300, 5]) {
    await addNotes(tenant, more);
    await publish(tenant, env);
  }
  // Neither puts its first files before the other has begun as well.
  const real = globalThis.fetch;
  let begun = 0;
  let bothBegan = () => {};
  const both = new Promise<void>((resolve) => {
    bothBegan = resolve;
  });
  vi.stubGlobal("fetch", async (...args: Parameters<typeof fetch>) => {
    await both;
    return await real(...args);
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const database = tapped(testEnv().CELL_US1 as D1Database, async (_texts, run) => {
    const results = await run();
    begun += 1;
    if (begun === 2) bothBegan();
    return results;
  });
  const seen = proxied(env, { CELL_US1: database });
  // The second comes when the first one's lease is over, and that one still lives.
  const copying = [6, 12].map((minutes) =>
    copyLog(seen, ownerOf(tenant), sinkOf(env), Date.now() + minutes * minuteMs),
  );
  await Promise.all(copying);
  await copyLog(env, ownerOf(tenant), sinkOf(env), Date.now() + 20 * minuteMs);
  await expectWhole(tenant, await sink.filesOf(tenant.tenantId));
  const { refused } = await sink.told();
  expect(refused.length, "they met").toBeGreaterThan(0);
  expect(new Set(refused)).toEqual(new Set(["PUT PreconditionFailed"]));
  expect(await progressOf(tenant)).toMatchObject([{ due_at: null, fault: null }]);
});

test("one that was overtaken while it waited for its store changes nothing of what the other noted", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env } = envOf([sink]);
  for (const more of [0, 300]) {
    await addNotes(tenant, more);
    await publish(tenant, env);
  }
  const real = globalThis.fetch;
  let isHeld = true;
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const waits = vi.fn();
  vi.stubGlobal("fetch", async (...args: Parameters<typeof fetch>) => {
    if (isHeld) {
      waits();
      await held;
    }
    return await real(...args);
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const overtaken = copyLog(env, ownerOf(tenant), sinkOf(env), Date.now());
  await vi.waitFor(() => expect(waits).toHaveBeenCalled());
  isHeld = false;
  await copyLog(env, ownerOf(tenant), sinkOf(env), Date.now() + 6 * minuteMs);
  const noted = await progressOf(tenant);
  const { objects, asked } = await sink.told();
  letGo();
  expect(await overtaken).toBe(false);
  expect(await progressOf(tenant)).toEqual(noted);
  const after = await sink.told();
  expect(after.objects).toEqual(objects);
  expect(after.asked - asked, "it puts and compares the first head's three files, and stops").toBeLessThan(7);
  await expectWhole(tenant, await sink.filesOf(tenant.tenantId));
});

test("what a sink holds otherwise is said aloud, never overwritten, and nothing after it is copied", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  await publish(tenant, env);
  const [{ size = 0 } = {}] = await headsOf(tenant);
  const path = `tile/0/000.p/${size}`;
  await putLocked(sinkOf(env), sinkKeys(env, sinkOf(env)), `${tenant.tenantId}/${path}`, utf8("forged"));
  const printed = vi.spyOn(console, "error").mockReturnValue();
  await deliver(env, woken);
  const lines = printed.mock.calls.map(([line]) => JSON.parse(String(line)));
  printed.mockRestore();
  expect(lines).toMatchObject([
    { sink: sink.name, tenant: tenant.tenantId, fault: "holds-something-else", path },
  ]);
  const files = await sink.filesOf(tenant.tenantId);
  expect(new TextDecoder().decode(files.get(path))).toBe("forged");
  expect([...files.keys()].toSorted()).toEqual([path, `tile/entries/000.p/${size}`].toSorted());
  expect(await progressOf(tenant)).toMatchObject([{ size: 0, fault: "holds-something-else" }]);
});

test("a file that the log's own bucket lacks is said, and the sink gets no head over it", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  await publish(tenant, env);
  const [{ size = 0 } = {}] = await headsOf(tenant);
  await tenant.cell.auditLog.delete(`${tenant.tenantId}/tile/entries/000.p/${size}`);
  const printed = vi.spyOn(console, "error").mockReturnValue();
  await deliver(env, woken);
  printed.mockRestore();
  expect(await progressOf(tenant)).toMatchObject([{ size: 0, fault: "source-missing" }]);
  expect((await sink.filesOf(tenant.tenantId)).has(`checkpoints/${size}`)).toBe(false);
});

test("a tenant's log goes to the sinks that name its cell, and to no other; the platform's as well", async () => {
  const [european, american, both, platforms] = await Promise.all([
    newSink({ owners: ["eu1"] }),
    newSink({ owners: ["us1"] }),
    newSink({ owners: ["eu1", "us1"] }),
    newSink({ owners: ["platform"] }),
  ]);
  const { env, woken } = envOf([european, american, both, platforms]);
  const [cafe, signs] = [await newTenant("cafe"), await newTenant("signs")];
  for (const tenant of [cafe, signs]) await publish(tenant, env);
  // Whoever is told of a sink that does not name the cell copies nothing there.
  woken.push({ cell: "eu1", body: { v: 1, tenantId: cafe.tenantId, sink: american.name } });
  await deliver(env, woken);
  await publishPlatforms(env);
  await copyPlatformLog(env, Date.now());
  const ownersIn = async (sink: TestSink) =>
    new Set((await sink.told()).objects.map(({ key }) => key.split("/")[2]));
  expect(await ownersIn(european)).toEqual(new Set([cafe.tenantId]));
  expect(await ownersIn(american)).toEqual(new Set([signs.tenantId]));
  expect(await ownersIn(both)).toEqual(new Set([cafe.tenantId, signs.tenantId]));
  expect(await ownersIn(platforms)).toEqual(new Set(["platform"]));
  const { objects } = await platforms.told();
  expect(objects.at(-1)?.key).toMatch(/\/platform\/checkpoints\/\d+$/);
});

test("a sink that is configured later gets all that was published before, and one that is configured no more is forgotten", async () => {
  const tenant = await newTenant();
  for (const more of [0, 300]) {
    await addNotes(tenant, more);
    await publish(tenant, testEnv());
  }
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  const now = Date.now();
  await sweepSinks(env, tenant.cell, now);
  woken.push(...sentTo(tenant, sink));
  await deliver(env, woken, now);
  await expectWhole(tenant, await sink.filesOf(tenant.tenantId));
  await sweepSinks(envOf([]).env, tenant.cell, now);
  expect(await progressOf(tenant)).toEqual([]);
});

function sentTo({ cell, tenantId }: TestTenant, { name }: TestSink) {
  return [{ cell: cell.id, body: { v: 1, tenantId, sink: name } }];
}

function ownerOf({ cell, tenantId }: TestTenant) {
  return { v: 1, tenantId, cell: cell.id } as const;
}

function sinkOf(env: TestEnv) {
  const [sink] = auditSinks(env);
  if (!sink) throw new Error("There is no sink.");
  return sink;
}

/** Bindings of a process that dies after so many of its steps: puts, each before or after it arrived, and batches. */
function cutAfter(env: TestEnv, most: number): TestEnv {
  let steps = 0;
  const real = globalThis.fetch;
  const die = () => Promise.reject(new Error("dead"));
  vi.stubGlobal("fetch", async (...args: Parameters<typeof fetch>) => {
    steps += 1;
    if (steps > most) return await die();
    const answer = await real(...args);
    return steps > most ? await die() : answer;
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const database = tapped(testEnv().CELL_US1 as D1Database, async (_texts, run) => {
    steps += 1;
    return steps > most ? await die() : await run();
  });
  return proxied(env, { CELL_US1: database });
}

/** The store takes so many requests and then fails. */
function failAfter(most: number): void {
  let requests = 0;
  const real = globalThis.fetch;
  vi.stubGlobal("fetch", async (...args: Parameters<typeof fetch>) => {
    requests += 1;
    return requests > most ? new Response(null, { status: 503 }) : await real(...args);
  });
  onTestFinished(() => void vi.unstubAllGlobals());
}

function progressOf({ cell, tenantId }: TestTenant) {
  return rowsOf(cell.database, "select * from audit_sink_progress where tenant_id = ?", tenantId);
}

function headsOf({ cell, tenantId }: TestTenant) {
  return rowsOf<{ size: number }>(
    cell.database,
    "select size from audit_checkpoints where tenant_id = ?",
    tenantId,
  );
}
