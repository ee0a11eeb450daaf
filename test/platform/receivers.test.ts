import { afterEach, expect, test, vi } from "vitest";
import { post } from "#platform/receivers.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const to = (path: string) => post(`https://shop.example${path}`, { "webhook-id": "msg_1" }, '{"a":1}');

test("an answer of 2xx is acceptance, and its text is not kept", async () => {
  expect(await to("/hooks")).toMatchObject({ outcome: "accepted", status: 200, excerpt: null });
  expect(await to("/status/299")).toMatchObject({ outcome: "accepted", status: 299, excerpt: null });
});

test("any other answer is a refusal, of which the beginning is kept", async () => {
  for (const status of [400, 401, 404, 409, 429, 500, 503])
    expect(await to(`/status/${status}`)).toMatchObject({
      outcome: "refused",
      status,
      excerpt: `refused with ${status}`,
    });
  expect(await to("/status/410")).toMatchObject({ outcome: "gone", status: 410 });
});

test("of a refusal's text nothing but text is kept, whatever a receiver sends", async () => {
  vi.stubGlobal("fetch", async () => new Response("a\u0000b\u001b[31mc\u0085d\n\te", { status: 500 }));
  expect((await to("/hooks")).excerpt).toBe("a\ufffdb\ufffd[31mc\ufffdd\n\te");
});

test("how long a receiver asks to wait is heard", async () => {
  expect((await to("/status/429?retry-after=30")).askedWaitMs).toBe(30_000);
  expect((await to("/status/503?retry-after=never")).askedWaitMs).toBeNull();
});

test("a redirect is a failure and nobody follows it", async () => {
  const followed = await to("/redirect?to=https://shop.example/never-asked-for");
  expect(followed).toMatchObject({ outcome: "redirected", status: 302 });
  const { received } = await (await fetch("https://outside.test/")).json<{ received: { url: string }[] }>();
  expect(received.map(({ url }) => url).filter((url) => url.includes("never-asked-for"))).toHaveLength(1);
});

test("who does not answer in ten seconds is given up", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  vi.stubGlobal("fetch", (_url: string, { signal }: { signal: AbortSignal }) => {
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  const answer = to("/");
  let isOver = false;
  void answer.then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(9_999);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await answer).toMatchObject({ outcome: "timed-out", status: null, durationMs: 10_000 });
});

test("of an answer that never ends 64 kB are read", async () => {
  let read = 0;
  const body = new ReadableStream({
    pull(controller) {
      read += 8192;
      controller.enqueue(new TextEncoder().encode("x".repeat(8192)));
    },
  });
  vi.stubGlobal("fetch", async () => new Response(body, { status: 500 }));
  const answer = await to("/");
  expect(answer).toMatchObject({ outcome: "refused", status: 500, excerpt: "x".repeat(1000) });
  expect(read).toBeGreaterThanOrEqual(64 * 1024);
  expect(read).toBeLessThan(96 * 1024);
});

test("of an answer that stalls counts the status, and what came within ten seconds", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  for (const [status, outcome, excerpt] of [
    [500, "refused", "the beginning"],
    [200, "accepted", null],
  ] as const) {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("the beginning")),
    });
    vi.stubGlobal("fetch", async () => new Response(body, { status }));
    const answer = to("/");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await answer).toMatchObject({ outcome, status, excerpt, durationMs: 10_000 });
  }
});

test("a receiver that cannot be reached is told of without saying why", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("ECONNREFUSED 10.0.0.1:22")));
  const answer = await to("/");
  expect(answer).toMatchObject({ outcome: "unreachable", status: null, excerpt: null });
  expect(JSON.stringify(answer)).not.toContain("10.0.0.1");
});
