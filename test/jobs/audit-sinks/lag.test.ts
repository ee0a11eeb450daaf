import { afterEach, expect, test, vi } from "vitest";
import { cellKinds } from "#db/retention.ts";
import { sinkLag } from "#jobs/audit-sinks/sink-lag.ts";
import { copyPlatformLog, sweepSinks } from "#jobs/audit-sinks/sweep-sinks.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import { addNotes } from "#test/audit-log.ts";
import {
  deliver,
  envOf,
  newSink,
  publish,
  publishPlatforms,
  type TestSink,
  type Woken,
} from "#test/audit-sinks.ts";
import { clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a sink's lag is the age of the oldest head that it lacks, and 0 when it has them all", async () => {
  const tenant = await newTenant();
  const [dead, well] = [await newSink(), await newSink()];
  const { env, woken } = envOf([dead, well]);
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Math.ceil(Date.now() / hourMs) * hourMs + 5 * minuteMs);
  const clocks = async (isDead: boolean) => {
    const fail = { times: isDead ? 1_000_000 : 0, status: 503 };
    await dead.behave({ nowMs: Date.now(), fail });
    await well.behave({ nowMs: Date.now() });
  };
  await clocks(true);
  expect(await shown(tenant, env, dead)).toMatchObject({ size: 0, published: 0, behindSeconds: 0 });
  await publish(tenant, env);
  const failingSince = new Date().toISOString();
  await deliver(env, woken);
  const first = await shown(tenant, env, well);
  expect(first).toMatchObject({ size: first.published, behindSeconds: 0, lastFault: null });
  for (const minutes of [30, 60]) {
    vi.setSystemTime(Date.now() + 30 * minuteMs);
    await clocks(true);
    await addNotes(tenant, 1);
    await publish(tenant, env);
    await deliver(env, woken, Date.now());
    const behindSeconds = minutes * 60;
    const { published } = await shown(tenant, env, well);
    expect(await shown(tenant, env, dead)).toEqual({
      name: dead.name,
      size: 0,
      published,
      behindSeconds,
      lastFault: "failing",
      failingSince,
    });
    expect(await sinkLag(env, Date.now())).toEqual([
      { sink: dead.name, behindSeconds, tenantId: tenant.tenantId, fault: "failing" },
      { sink: well.name, behindSeconds: 0, tenantId: null, fault: null },
    ]);
  }
  vi.setSystemTime(Date.now() + hourMs);
  await clocks(false);
  await sweep(env, tenant, Date.now());
  expect(of(tenant, woken).map(({ body }) => body)).toEqual([
    { v: 1, tenantId: tenant.tenantId, sink: dead.name },
  ]);
  await deliver(env, woken, Date.now());
  const { published } = await shown(tenant, env, well);
  expect(await shown(tenant, env, dead)).toMatchObject({
    size: published,
    behindSeconds: 0,
    lastFault: null,
    failingSince: null,
  });
  expect(await sinkLag(env, Date.now())).toMatchObject([{ behindSeconds: 0 }, { behindSeconds: 0 }]);
});

test("a sink that fails is tried again after as long as it has been failing, from a minute to an hour", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  await sink.behave({ fail: { times: 1_000_000, status: 503 } });
  const start = Math.ceil(Date.now() / hourMs) * hourMs + 30 * minuteMs;
  await publish(tenant, env);
  await deliver(env, woken, start);
  const tried: number[] = [];
  for (let minutes = 1; minutes <= 240; minutes += 1) {
    const now = start + minutes * minuteMs;
    await sweep(env, tenant, now);
    const ours = of(tenant, woken.splice(0));
    if (ours.length > 0) tried.push(minutes);
    await deliver(env, ours, now);
  }
  expect(tried).toEqual([1, 2, 4, 8, 16, 32, 64, 124, 184]);
});

test("whatever keeps a sink from it is shown: wrong keys, keys of none, and never where it is", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  const printed = vi.spyOn(console, "error").mockReturnValue();
  const faults: unknown[] = [];
  await publish(tenant, env);
  const now = Date.now();
  woken.push(...woken.slice(0, 1));
  for (const [at, keys] of [`${sink.name}:AKIAX:zq-wrong`, ""].entries()) {
    const other = envOf([sink], { AUDIT_SINK_KEYS: keys }).env;
    await deliver(other, woken, now + at * hourMs, 1);
    const { text, json } = await call("audit.sinks", { ...as(tenant), env: other });
    expect(text).not.toMatch(/stores\.test|acme-audit|keyline\/|AKIA|zq-wrong/);
    faults.push(json.data[0].lastFault);
  }
  expect(faults).toEqual(["refused", "without-keys"]);
  expect(printed.mock.calls.join()).toContain("refused");
  expect(printed.mock.calls.join()).not.toContain("zq-wrong");
  printed.mockRestore();
});

test("while one sink hangs, the others get what is theirs", async () => {
  const tenant = await newTenant();
  const [dead, well] = [
    await newSink({ owners: ["us1", "platform"] }),
    await newSink({ owners: ["us1", "platform"] }),
  ];
  const { env, woken } = envOf([dead, well]);
  await publish(tenant, env);
  await publishPlatforms(env);
  let letGo = () => {};
  const hung = new Promise<Response>((resolve) => {
    letGo = () => resolve(new Response(null, { status: 503 }));
  });
  const real = globalThis.fetch;
  vi.stubGlobal("fetch", (...[input, init]: Parameters<typeof fetch>) =>
    String(input).includes(dead.name) ? hung.then((answer) => answer.clone()) : real(input, init),
  );
  const ofDead = woken.filter(({ body }) => JSON.stringify(body).includes(dead.name));
  const ofWell = woken.filter((each) => !ofDead.includes(each));
  const hanging = [deliver(env, ofDead), copyPlatformLog(env, Date.now())];
  await deliver(env, ofWell);
  expect(await shown(tenant, env, well)).toMatchObject({ behindSeconds: 0, lastFault: null });
  await expect.poll(() => platformsSize(well), { timeout: 5000 }).toBeGreaterThan(0);
  expect(await platformsSize(dead)).toBe(0);
  letGo();
  await Promise.all(hanging);
  expect(await shown(tenant, env, dead)).toMatchObject({ size: 0, lastFault: "failing" });
});

test("what was published while the sinks could not be read is found within the hour", async () => {
  const tenant = await newTenant();
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  await publish(tenant, env);
  await deliver(env, woken);
  await addNotes(tenant, 1);
  const printed = vi.spyOn(console, "error").mockReturnValue();
  await publish(tenant, envWith({ AUDIT_SINKS: "{" }));
  printed.mockRestore();
  const hour = Math.ceil(Date.now() / hourMs) * hourMs;
  await sweep(env, tenant, hour - minuteMs);
  expect(of(tenant, woken)).toEqual([]);
  await sweep(env, tenant, hour + secondMs);
  expect(of(tenant, woken)).toHaveLength(1);
  const broken = { AUDIT_SINKS: "{", AUDIT_SINK_KEYS: "" };
  await expect(sweep(envWith(broken), tenant, hour)).rejects.toThrow("malformed");
  expect(await rowsFor(tenant), "sinks that cannot be read are not forgotten").toHaveLength(1);
});

test("heads are kept for a sink that lacks them, and twice as long as others at most", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const sink = await newSink();
  const { env, woken } = envOf([sink]);
  await publish(other, env);
  await deliver(env, woken);
  await publish(tenant, env);
  const { size, published } = await shown(other, env, sink);
  expect([size > 0, size], "each tenant is shown its own").toEqual([true, published]);
  expect((await shown(tenant, env, sink)).size).toBe(0);
  const keptAfter = async (days: number) => {
    await deleteExpired(tenant.cell.database, Date.now() + days * dayMs, cellKinds);
    return [await headsOf(tenant), await headsOf(other)];
  };
  expect(await keptAfter(399)).toEqual([1, 1]);
  expect(await keptAfter(401)).toEqual([1, 0]);
  expect(await keptAfter(799)).toEqual([1, 0]);
  expect(await keptAfter(801)).toEqual([0, 0]);
  await deliver(env, woken);
  expect(await rowsFor(tenant), "what is gone is waited for no more").toMatchObject([
    { size: 0, due_at: null, behind_since: null, fault: null },
  ]);
});

/** A sweep of the cell finds what other tests have left there as well. */
function of({ tenantId }: TestTenant, woken: readonly Woken[]): Woken[] {
  return woken.filter(({ body }) => JSON.stringify(body).includes(tenantId));
}

async function sweep(env: TestEnv, { cell }: TestTenant, now: number): Promise<void> {
  const same = cellOf(env, cell.id);
  if (same) await sweepSinks(env, same, now);
}

async function shown(tenant: TestTenant, env: TestEnv, sink: TestSink) {
  const { json } = await call("audit.sinks", { ...as(tenant), env });
  return json.data.find(({ name }: { name: string }) => name === sink.name);
}

function rowsFor({ cell, tenantId }: TestTenant) {
  return rowsOf(cell.database, "select * from audit_sink_progress where tenant_id = ?", tenantId);
}

async function headsOf({ cell, tenantId }: TestTenant): Promise<number> {
  const rows = await rowsOf(
    cell.database,
    "select size from audit_checkpoints where tenant_id = ?",
    tenantId,
  );
  return rows.length;
}

async function platformsSize({ name }: TestSink): Promise<number> {
  const rows = await rowsOf<{ size: number }>(
    testEnv().DIRECTORY,
    "select size from audit_sink_progress where sink like ?",
    `${name} %`,
  );
  return rows[0]?.size ?? 0;
}
