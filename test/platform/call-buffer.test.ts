import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { problems } from "#http/problem.ts";
import { namedOperations, pathOf } from "#http/registry.ts";
import { CallMessage, type CallRecord, callsOfMessage, messageOfCalls } from "#lib/call-record.ts";
import { secondMs } from "#lib/time.ts";
import { CallBuffer, callBufferOf } from "#platform/call-buffer.ts";
import { newId } from "#platform/ids.ts";
import { registry } from "#resources/index.ts";

const waitMs = 1000;
const warnings: Record<string, unknown>[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  warnings.length = 0;
  vi.spyOn(console, "warn").mockImplementation((line) => void warnings.push(JSON.parse(String(line))));
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("the request that begins a buffer alone holds a timer, and sends what all have added", async () => {
  const { add, sent, held } = buffer();
  for (let index = 0; index < 40; index += 1) add();
  expect([held.length, sent]).toEqual([1, []]);
  await vi.advanceTimersByTimeAsync(waitMs - 1);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent.map(countOf)).toEqual([40]);
  add();
  expect(held).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(waitMs);
  expect(sent.map(countOf)).toEqual([40, 1]);
});

test("whoever fills the buffer has all sent, and the timer sends no call twice", async () => {
  const { add, sent, held } = buffer();
  const added = Array.from({ length: 1_000 }, () => add());
  expect([held.length, sent], "nothing is sent while a request is still to be answered").toEqual([5, []]);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.map(countOf)).toEqual([400, 400]);
  await vi.advanceTimersByTimeAsync(2 * waitMs);
  expect(sent.map(countOf)).toEqual([400, 400, 200]);
  expect(sent.flat().flatMap((message) => callsOfMessage(message).map(({ id }) => id))).toEqual(added);
});

test("each tenant's calls are a message of their own, in one batch", async () => {
  const { add, sent } = buffer();
  for (let index = 0; index < 9; index += 1)
    add({ tenantId: `ten_${index % 3}`, actorId: `key_${index % 3}` });
  await vi.advanceTimersByTimeAsync(waitMs);
  expect(sent).toHaveLength(1);
  for (const message of sent[0] ?? [])
    expect(callsOfMessage(message).map(({ actorId }) => actorId)).toEqual(
      Array(3).fill(message.tenantId.replace("ten", "key")),
    );
});

test("refusals at the rate limit are gathered by principal and operation, however many they are", async () => {
  const { add, sent } = buffer();
  const flood = (actorId: string, operation: string, times: number) => {
    for (let index = 0; index < times; index += 1) add({ actorId, operation, status: 429 });
  };
  flood("key_a", "orders.list", 500);
  flood("key_a", "orders.get", 20);
  flood("key_b", "orders.list", 1);
  add({ actorId: "key_a", operation: "orders.list", status: 403 });
  add({ actorId: "key_a", operation: "orders.list", status: 403 });
  await vi.advanceTimersByTimeAsync(waitMs);
  const calls = (sent[0] ?? [])
    .flatMap(callsOfMessage)
    .map(({ actorId, operation, status, times }) => [actorId, operation, status, times]);
  expect(calls).toEqual([
    ["key_a", "orders.list", 429, 500],
    ["key_a", "orders.get", 429, 20],
    ["key_b", "orders.list", 429, 1],
    ["key_a", "orders.list", 403, 1],
    ["key_a", "orders.list", 403, 1],
  ]);
});

test("a queue that refuses costs the calls it was given, which are told by their number, and no others", async () => {
  const { add, sent, queue } = buffer();
  queue.sendBatch.mockRejectedValueOnce(new Error("Queue send failed"));
  add({ status: 429 });
  add({ status: 429 });
  add();
  await vi.advanceTimersByTimeAsync(waitMs);
  expect(sent).toEqual([]);
  expect(warnings).toEqual([
    expect.objectContaining({ detail: "Queue send failed" }),
    expect.objectContaining({ message: "calls are missing from the call log", calls: 3 }),
  ]);
  add();
  await vi.advanceTimersByTimeAsync(waitMs);
  expect([sent.map(countOf), warnings.length]).toEqual([[1], 2]);
});

test("behind a queue that does not answer, memory is bounded, what is left out is counted, and it is asked again", async () => {
  const { add, sent, queue } = buffer();
  queue.sendBatch.mockImplementation(() => new Promise<void>(() => {}));
  const addMany = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      add();
      if (index % 400 === 399) await vi.advanceTimersByTimeAsync(0);
    }
  };
  await addMany(20 * 400);
  expect(queue.sendBatch).toHaveBeenCalledTimes(20);
  await addMany(700);
  await vi.advanceTimersByTimeAsync(5 * secondMs);
  expect(queue.sendBatch, "nothing more is begun").toHaveBeenCalledTimes(20);
  await vi.advanceTimersByTimeAsync(10 * secondMs);
  const missing = warnings.filter(({ message }) => message === "calls are missing from the call log");
  expect(missing.reduce((sum, { calls }) => sum + Number(calls), 0)).toBe(20 * 400 + 700);
  queue.sendBatch.mockImplementation(async (messages) => void sent.push(messages.map(({ body }) => body)));
  add();
  await vi.advanceTimersByTimeAsync(waitMs);
  expect(sent.map(countOf)).toEqual([1]);
});

test("where the request that held the timer was killed, a later one sends in its place", async () => {
  const { add, sent } = buffer();
  add();
  // The timer dies with its request.
  vi.clearAllTimers();
  vi.setSystemTime(Date.now() + waitMs + secondMs);
  add();
  expect(vi.getTimerCount()).toBe(0);
  vi.setSystemTime(Date.now() + 1);
  add();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.map(countOf)).toEqual([3]);
});

test("an isolate has one buffer in front of each queue", () => {
  const [one, other] = [buffer().queue as never, buffer().queue as never];
  expect(callBufferOf(one)).toBe(callBufferOf(one));
  expect(callBufferOf(one)).not.toBe(callBufferOf(other));
});

test("the longest calls there can be, all at once, stay below what a queue takes", () => {
  const longest = (texts: readonly string[]) =>
    texts.reduce((best, text) => (text.length > best.length ? text : best), "");
  const operations = namedOperations(registry);
  const call = () =>
    record({
      actorId: newId("mem"),
      operation: longest(operations.map(({ name }) => name)),
      route: longest(operations.map(({ operation }) => `DELETE ${pathOf(operation)}`)),
      problem: longest(Object.keys(problems)),
      durationMs: 15 * 60 * secondMs,
      times: 1_000_000,
    });
  const message = messageOfCalls(newId("ten"), Array.from({ length: 400 }, call));
  expect(CallMessage.safeParse(message).success).toBe(true);
  const routes = operations.map(({ name, operation }) => [name, pathOf(operation)]);
  expect(JSON.stringify([message, routes]).length, "with each route once").toBeLessThan(128_000);
  const alone = JSON.stringify([messageOfCalls(newId("ten"), [call()])]).length;
  expect(100 * alone, "a hundred tenants' in one sending").toBeLessThan(256_000);
});

test("more tenants than a queue takes messages at once are sent one hundred after the other", async () => {
  const { add, sent } = buffer();
  for (let index = 0; index < 250; index += 1) add({ tenantId: `ten_${index}` });
  await vi.advanceTimersByTimeAsync(waitMs);
  expect(sent.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(new Set(sent.flat().map(({ tenantId }) => tenantId)).size).toBe(250);
});

test("every operation's name and route fit into a message, and come out as they went in", () => {
  const calls = namedOperations(registry).map(({ name, operation }) =>
    record({ operation: name, route: `${operation.method.toUpperCase()} ${pathOf(operation)}`, times: 3 }),
  );
  const message: unknown = JSON.parse(JSON.stringify(messageOfCalls("ten_1", calls.slice(0, 400))));
  expect(callsOfMessage(CallMessage.parse(message))).toEqual(calls.slice(0, 400));
});

function buffer() {
  const sent: CallMessage[][] = [];
  const held: Promise<void>[] = [];
  const queue = {
    sendBatch: vi.fn(async (messages: { body: CallMessage }[]): Promise<void> => {
      sent.push(messages.map(({ body }) => body));
    }),
  };
  const buffered = new CallBuffer(queue as never);
  const add = ({ tenantId = "ten_1", ...changes }: Partial<CallRecord> & { tenantId?: string } = {}) => {
    const call = record(changes);
    const adding = { now: Date.now(), waitMs, waitUntil: (work: Promise<void>) => void held.push(work) };
    buffered.add(tenantId, call, adding);
    return call.id;
  };
  return { add, sent, held, queue };
}

function record(changes: Partial<CallRecord>): CallRecord {
  return {
    id: newId("req"),
    actorId: "key_1",
    clientId: null,
    operation: "orders.list",
    route: "GET /v1/tenants/{tenant}/orders",
    status: 200,
    problem: null,
    durationMs: 1,
    times: 1,
    ...changes,
  };
}

function countOf(messages: readonly CallMessage[]): number {
  return messages.reduce((sum, { calls }) => sum + calls.length, 0);
}
