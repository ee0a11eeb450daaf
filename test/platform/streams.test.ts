import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeHex } from "#lib/hex.ts";
import { type Arrival, digestOf, type Expected, receive } from "#platform/streams.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const anything: Expected = { mediaType: null, sha256: null };
const never = new AbortController().signal;

/** Bytes in pieces of these sizes, over and over; counts what was asked for. */
function sourceOf(whole: Bytes, pieces: readonly number[]) {
  const pulled = { bytes: 0, isCancelled: false };
  let turn = 0;
  const bytes = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const piece = whole.slice(pulled.bytes, pulled.bytes + (pieces[turn++ % pieces.length] ?? 1));
      pulled.bytes += piece.length;
      if (piece.length > 0) controller.enqueue(piece);
      if (pulled.bytes >= whole.length) {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
    cancel() {
      pulled.isCancelled = true;
    },
  });
  return { bytes, pulled };
}

async function take(bytes: ReadableStream): Promise<Bytes> {
  return new Uint8Array(await new Response(bytes).arrayBuffer());
}

async function sha256(bytes: Bytes): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function flawOf(arrival: Arrival<unknown>): string | null {
  return arrival.ok ? null : arrival.flaw;
}

test("whatever pieces the bytes come in, what is stored is what was sent, and its hash", async () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 262_100, max: 600_000 }));
  const pieces = fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sizes, pieces, fc.nat(255), async (size, cuts, seed) => {
      const whole = Uint8Array.from({ length: size }, (_, index) => (index * 31 + seed) % 251);
      const expected = await sha256(whole);
      // Pieces of a few bytes of a large body would take minutes.
      const source = sourceOf(
        whole,
        cuts.map((cut) => Math.max(cut, Math.ceil(size / 50))),
      );
      const incoming = { bytes: source.bytes, size, signal: never };
      const arrival = await receive(incoming, { mediaType: null, sha256: expected }, take);
      if (!arrival.ok) throw new Error(arrival.flaw);
      expect([arrival.sha256, await sha256(arrival.stored)]).toEqual([expected, expected]);
      const { sha256: again, head } = await digestOf(sourceOf(whole, cuts).bytes, size);
      expect(again).toBe(expected);
      expect(head).toEqual(whole.slice(0, 4096));
    }),
    { numRuns: 30 },
  );
});

test("a store that does not read holds the sender back: no more than a buffer is taken in", async () => {
  const whole = new Uint8Array(20_000_000);
  const { bytes, pulled } = sourceOf(whole, [64 * 1024]);
  const [waited, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const receiving = receive({ bytes, size: whole.length, signal: never }, anything, async (stored) => {
    const reader = stored.getReader();
    await reader.read();
    waited.resolve();
    await released.promise;
    while (!(await reader.read()).done);
  });
  await waited.promise;
  // What would run ahead has had every occasion to.
  for (let turn = 0; turn < 1000; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(pulled.bytes).toBeLessThan(1_000_000);
  released.resolve();
  expect((await receiving).ok).toBe(true);
  expect(pulled.bytes).toBe(whole.length);
});

test("bytes whose time is over are cut off, and their store is told", async () => {
  const controller = new AbortController();
  const { readable, writable } = new FixedLengthStream(1000);
  const writer = writable.getWriter();
  let store = "running";
  const receiving = receive(
    { bytes: readable, size: 1000, signal: controller.signal },
    anything,
    async (bytes) => {
      try {
        return await take(bytes);
      } catch (error) {
        store = "failed";
        throw error;
      }
    },
  );
  await writer.write(new Uint8Array(999));
  controller.abort();
  expect(flawOf(await receiving)).toBe("too-slow");
  expect(store).toBe("failed");
});

test("a body that breaks, ends early or goes on is broken, whatever its store has read by then", async () => {
  const whole = new Uint8Array(300_000);
  for (const size of [299_999, 300_001, 1, 600_000]) {
    const { bytes } = sourceOf(whole, [7000]);
    expect(flawOf(await receive({ bytes, size, signal: never }, anything, take))).toBe("broken");
  }
  const breaking = new ReadableStream({
    type: "bytes",
    pull(controller) {
      controller.error(new Error("the connection was lost"));
    },
  });
  expect(flawOf(await receive({ bytes: breaking, size: 10, signal: never }, anything, take))).toBe("broken");
});

test("of bytes that are wrong the store never sees the end", async () => {
  const whole = new Uint8Array(600_000);
  for (const expected of [
    { mediaType: null, sha256: "0".repeat(64) },
    { mediaType: "image/png", sha256: null },
  ]) {
    let seen = 0;
    const { bytes, pulled } = sourceOf(whole, [10_000]);
    const arrival = await receive({ bytes, size: whole.length, signal: never }, expected, async (stored) => {
      for await (const chunk of stored) seen += chunk.length;
    });
    expect(arrival.ok).toBe(false);
    expect(seen).toBeLessThan(whole.length);
    expect(pulled.isCancelled || pulled.bytes === whole.length).toBe(true);
  }
});

test("a store that fails fails the whole, at once, and the sender is let go", async () => {
  const { bytes, pulled } = sourceOf(new Uint8Array(5_000_000), [10_000]);
  const failing = receive({ bytes, size: 5_000_000, signal: never }, anything, async () => {
    throw new Error("no bucket");
  });
  await expect(failing).rejects.toThrow("no bucket");
  expect(pulled.bytes).toBeLessThan(1_000_000);
  expect(pulled.isCancelled).toBe(true);
});

test("a store that ends before it has read everything has not stored it", async () => {
  const { bytes } = sourceOf(new Uint8Array(5_000_000), [10_000]);
  const early = receive({ bytes, size: 5_000_000, signal: never }, anything, async () => "done");
  await expect(early).rejects.toThrow();
});

test("an object that ends before its time is no whole to hash", async () => {
  const { bytes } = sourceOf(new Uint8Array(1000), [300]);
  await expect(digestOf(bytes, 1001)).rejects.toThrow("ended before");
});
