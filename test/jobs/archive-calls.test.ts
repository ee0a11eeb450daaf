import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { archiveCalls } from "#jobs/archive-calls.ts";
import { hourMs, hourStart, minuteMs, timestamp } from "#lib/time.ts";
import { callAt, consumed, logOf, messageOf } from "#test/call-log.ts";
import { newTenant, proxied, type TestTenant, tapped } from "#test/world.ts";

/** The hour that the calls are of, and when it is due. */
let start: number;
let due: number;

beforeEach(() => {
  start = hourStart(Date.now()) - hourMs;
  due = start + hourMs + 10 * minuteMs;
  vi.spyOn(console, "error").mockReturnValue();
});

afterEach(() => void vi.restoreAllMocks());

test("ten minutes after its end an hour is one object of lines, under its tenant, day and hour", async () => {
  const tenant = await newTenant();
  const calls = [
    callAt(tenant, start + 5, { status: 403, problem: "forbidden" }),
    callAt(tenant, start, { actorId: tenant.memberIds.owner }),
    callAt(tenant, start + hourMs - 1, { status: 429, problem: "rate-limited", times: 9 }),
    callAt(tenant, start + hourMs),
  ];
  await consumed([messageOf(tenant, calls)]);
  await archiveCalls(tenant.cell, due - 1);
  expect(await archiveOf(tenant)).toEqual({});
  await archiveCalls(tenant.cell, due);
  const [day, time = ""] = timestamp(start).split("T");
  const key = `${tenant.tenantId}/${day}/${time.slice(0, 2)}-0000.ndjson`;
  const archive = await archiveOf(tenant);
  expect(Object.keys(archive)).toEqual([key]);
  const order = [calls[1], calls[0], calls[2]];
  expect(archive[key]).toEqual(
    order.map((call) => ({
      id: call?.id,
      at: timestamp(start + (call === calls[0] ? 5 : call === calls[1] ? 0 : hourMs - 1)),
      actorId: call?.actorId,
      operation: "orders.list",
      route: "GET /v1/tenants/{tenant}/orders",
      status: call?.status,
      problem: call?.problem,
      durationMs: 3,
      times: call?.times,
    })),
  );
  await archiveCalls(tenant.cell, due + hourMs);
  expect(Object.values(await archiveOf(tenant)).flat()).toHaveLength(4);
});

test("what comes late has its hour archived anew, and nothing stands there twice", async () => {
  const tenant = await newTenant();
  const calls = Array.from({ length: 6 }, (_, index) => callAt(tenant, start + index));
  const half = messageOf(tenant, calls.slice(0, 3));
  await consumed([half]);
  await archiveCalls(tenant.cell, due);
  const puts = vi.spyOn(tenant.cell.callArchive, "put");
  await archiveCalls(tenant.cell, due + minuteMs);
  await consumed([half]);
  await archiveCalls(tenant.cell, due + minuteMs);
  expect(puts, "a message that came twice brings no new calls").not.toHaveBeenCalled();
  await consumed([messageOf(tenant, calls.slice(3))]);
  await archiveCalls(tenant.cell, due + 2 * minuteMs);
  expect(await idsIn(tenant)).toEqual(calls.map(({ id }) => id));
});

test("what comes while its hour is being archived is archived by the next run", async () => {
  const tenant = await newTenant();
  const [first, second] = [callAt(tenant, start), callAt(tenant, start + 1)];
  await consumed([messageOf(tenant, [first])]);
  let hasCome = false;
  const callArchive = proxied(tenant.cell.callArchive, {
    async put(...args: [string, string]) {
      if (!hasCome) await consumed([messageOf(tenant, [second])]);
      hasCome = true;
      return await tenant.cell.callArchive.put(...args);
    },
  });
  await archiveCalls({ ...tenant.cell, callArchive }, due);
  expect(await idsIn(tenant)).toEqual([first.id]);
  await archiveCalls(tenant.cell, due);
  expect(await idsIn(tenant)).toEqual([first.id, second.id]);
});

test("a long hour is several parts, read a bounded number at a time", async () => {
  const tenant = await newTenant();
  const calls = Array.from({ length: 5_100 }, (_, index) => callAt(tenant, start + index));
  for (let at = 0; at < calls.length; at += 1700)
    await consumed(
      Array.from({ length: 17 }, (_, part) =>
        messageOf(tenant, calls.slice(at + 100 * part, at + 100 * (part + 1))),
      ),
    );
  await archiveCalls(tenant.cell, due);
  const parts = Object.values(await archiveOf(tenant)).map((lines) => lines.length);
  expect(parts).toEqual([5_000, 100]);
  expect(await idsIn(tenant)).toEqual(calls.map(({ id }) => id));
  expect((await logOf(tenant)).hours).toEqual([
    expect.objectContaining({ logged: 5_100, archived: 5_100, purged: 0 }),
  ]);
});

test("an hour that cannot be archived stays due and stops no other tenant's", async () => {
  const [failing, tenant] = [await newTenant(), await newTenant()];
  for (const each of [failing, tenant]) await consumed([messageOf(each, [callAt(each, start)])]);
  const callArchive = proxied(tenant.cell.callArchive, {
    put: (key: string, lines: string) =>
      key.startsWith(failing.tenantId)
        ? Promise.reject(new Error("put: We encountered an internal error. (10001)"))
        : tenant.cell.callArchive.put(key, lines),
  });
  await archiveCalls({ ...tenant.cell, callArchive }, due);
  expect([(await idsIn(failing)).length, (await idsIn(tenant)).length]).toEqual([0, 1]);
  await archiveCalls(tenant.cell, due);
  expect((await idsIn(failing)).length).toBe(1);
});

test("a run that dies between its object and its note is done over to the same end", async () => {
  const tenant = await newTenant();
  await consumed([messageOf(tenant, [callAt(tenant, start), callAt(tenant, start + 1)])]);
  const log = tapped(tenant.cell.log, (texts, run) =>
    texts.some((text) => text.startsWith("update")) ? Promise.reject(new Error("killed")) : run(),
  );
  await archiveCalls({ ...tenant.cell, log }, due);
  const before = await archiveOf(tenant);
  expect(Object.values(before).flat()).toHaveLength(2);
  expect((await logOf(tenant)).hours).toEqual([expect.objectContaining({ archived: 0 })]);
  await archiveCalls(tenant.cell, due);
  expect(await archiveOf(tenant)).toEqual(before);
  expect((await logOf(tenant)).hours).toEqual([expect.objectContaining({ archived: 2 })]);
});

type Lines = Record<string, unknown>[];

/** The tenant's objects, each by its key, line by line. */
async function archiveOf({ cell, tenantId }: TestTenant): Promise<Record<string, Lines>> {
  const { objects } = await cell.callArchive.list({ prefix: `${tenantId}/` });
  const lines = objects.map(async ({ key }) => {
    const text = (await (await cell.callArchive.get(key))?.text()) ?? "";
    expect(text.endsWith("\n")).toBe(true);
    return [
      key,
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ] as const;
  });
  return Object.fromEntries(await Promise.all(lines));
}

async function idsIn(tenant: TestTenant): Promise<unknown[]> {
  return Object.values(await archiveOf(tenant)).flatMap((lines) => lines.map(({ id }) => id));
}
