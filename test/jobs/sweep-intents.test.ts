import { afterEach, expect, test, vi } from "vitest";
import { dayMs, minuteMs } from "#lib/time.ts";
import { isIntend, isSettle, killing } from "#test/deaths.ts";
import {
  countingPut,
  draw,
  expectDoneOnce,
  failingPut,
  holdingPut,
  objectsOf,
  resumeAfterSeconds,
  staged,
  stateOf,
  sweep,
  unreachable,
} from "#test/http/drawings.ts";
import { isReplay } from "#test/http/kit.ts";
import { envWith, newTenant, rowsOf } from "#test/world.ts";

afterEach(() => void vi.useRealTimers());

test("what is declared to be abandoned is undone, and its key begins anew", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const killed = await staged(tenant, envWith({ FILES_US1: failingPut("after") }));
  expect([killed.status, (await objectsOf(tenant)).length]).toEqual([502, 1]);
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  expect(await objectsOf(tenant)).toEqual([]);
  expect(await stateOf(tenant)).toEqual({
    intents: ["abandoned"],
    records: [],
    drawn: 0,
    events: 0,
    notes: 1,
  });
  const anew = await staged(tenant);
  expect([anew.status, isReplay(anew)]).toEqual([201, false]);
  expect(await objectsOf(tenant)).toHaveLength(1);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned", "settled"], drawn: 1, events: 1 });
});

test("an abandonment killed half-way is taken up again", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await staged(tenant, envWith({ FILES_US1: failingPut("after") }));
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep(killing({ before: isSettle }));
  expect(await stateOf(tenant)).toMatchObject({ intents: ["intended"] });
  vi.setSystemTime(Date.now() + minuteMs);
  await sweep();
  expect(await objectsOf(tenant)).toEqual([]);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned"], records: [], drawn: 0 });
});

test("of five sweepers at once one resumes", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, {}, killing({ after: isIntend }));
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  const counted = countingPut();
  await Promise.all(Array.from({ length: 5 }, () => sweep(envWith({ FILES_US1: counted.files }))));
  expect(counted.puts()).toBe(1);
  await expectDoneOnce(tenant, await draw(tenant));
});

test("a settlement that refuses in the sweeper abandons the effect too", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, { text: "" }, killing({ after: isIntend }));
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned"], records: [], drawn: 0, events: 0 });
});

test("a request that outlives the sweeper's patience answers what the sweeper settled", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const held = holdingPut();
  const slow = draw(tenant, {}, envWith({ FILES_US1: held.files }));
  await held.reached;
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  const settled = await draw(tenant);
  held.release();
  const late = await slow;
  expect([late.status, late.text]).toEqual([201, settled.text]);
  await expectDoneOnce(tenant, late);
});

test("a request whose effect the sweeper undid does not claim that it happened", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const held = holdingPut("after");
  const slow = staged(tenant, envWith({ FILES_US1: held.files }));
  await held.reached;
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  held.release();
  const late = await slow;
  expect([late.status, late.json.type]).toEqual([409, "/problems/conflict"]);
  expect(await objectsOf(tenant)).toEqual([]);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned"], records: [], drawn: 0, events: 0 });
});

test("a key that expired and began another effect keeps that one's answer when the first settles at last", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, {}, envWith({ FILES_US1: failingPut("before") }));
  vi.setSystemTime(Date.now() + dayMs);
  const second = await draw(tenant, { text: "second" });
  expect([second.status, isReplay(second)]).toEqual([201, false]);
  await sweep();
  expect(await stateOf(tenant)).toMatchObject({ intents: ["settled", "settled"], drawn: 2, events: 2 });
  const replayed = await draw(tenant, { text: "second" });
  expect([replayed.text, isReplay(replayed)]).toEqual([second.text, true]);
});

test("an effect whose vendor stays down is tried again ever more rarely", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const down = envWith({ FILES_US1: unreachable });
  await draw(tenant, {}, down);
  const waits: number[] = [];
  for (const wait of [resumeAfterSeconds / 60, 1, 6, 11]) {
    vi.setSystemTime(Date.now() + wait * minuteMs);
    await Promise.all([sweep(down), sweep(down)]);
    const [intent] = await rowsOf<{ due_at: string; attempts: number }>(
      tenant.cell.database,
      "select due_at, attempts from intents where tenant_id = ?",
      tenant.tenantId,
    );
    expect(intent?.attempts).toBe(waits.length + 1);
    waits.push((Date.parse(intent?.due_at ?? "") - Date.now()) / minuteMs);
  }
  expect(waits).toEqual([1, 6, 11, 16]);
  vi.setSystemTime(Date.now() + 16 * minuteMs);
  await sweep();
  await expectDoneOnce(tenant, await draw(tenant));
});

test("an intent that cannot be taken up holds up no other tenant's", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const [broken, unknown, fine] = [await newTenant(), await newTenant(), await newTenant()];
  for (const tenant of [broken, unknown, fine]) await draw(tenant, {}, killing({ after: isIntend }));
  const { database } = fine.cell;
  await database.batch([
    database.prepare("delete from tenant_keys where tenant_id = ?").bind(broken.tenantId),
    database.prepare("update intents set operation = 'gone.away' where tenant_id = ?").bind(unknown.tenantId),
  ]);
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  await expectDoneOnce(fine, await draw(fine));
  expect((await stateOf(broken)).intents).toEqual(["intended"]);
  expect((await stateOf(unknown)).intents).toEqual(["intended"]);
});

test("a tenant being closed has nothing settled any more", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, {}, killing({ after: isIntend }));
  await tenant.cell.database
    .prepare("update tenant_state set state = 'closing', epoch = epoch + 1 where tenant_id = ?")
    .bind(tenant.tenantId)
    .run();
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  expect(await stateOf(tenant)).toMatchObject({ intents: ["intended"], drawn: 0, events: 0 });
});
