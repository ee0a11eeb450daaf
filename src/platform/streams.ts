import { encodeHex } from "#lib/hex.ts";
import { headBytes, looksLike } from "#lib/media-types.ts";

const chunkBytes = 256 * 1024;

/** Bytes on their way in. */
export interface Incoming {
  readonly bytes: ReadableStream<Uint8Array>;
  readonly size: number;
  /** Aborts when their time is over. */
  readonly signal: AbortSignal;
}

export interface Expected {
  /** null: not the beginning of a file, so anything goes. */
  readonly mediaType: string | null;
  /** Hex; null where nothing was promised. */
  readonly sha256: string | null;
}

export type Flaw = "media-type" | "sha256" | "broken" | "too-slow";

export type Arrival<T> =
  | { readonly ok: true; readonly stored: T; readonly sha256: string }
  | { readonly ok: false; readonly flaw: Flaw };

class Flawed extends Error {
  readonly flaw: Flaw;

  constructor(flaw: Flaw) {
    super(`The bytes are not as expected: ${flaw}`);
    this.flaw = flaw;
  }
}

/**
 * Leads the bytes to `store` and looks at them on the way. The last of them are held back until type and hash have
 * proved right, so a store that takes whole streams only (R2 does) keeps nothing of those that are wrong.
 */
export async function receive<T>(
  incoming: Incoming,
  expected: Expected,
  store: (bytes: ReadableStream) => Promise<T>,
): Promise<Arrival<T>> {
  // R2 takes no stream of unknown length, and a pass-through forgets it.
  const { readable, writable } = new FixedLengthStream(incoming.size);
  const out = writable.getWriter();
  const storing = store(readable);
  const passing = pass(incoming, expected, out);
  // A store that ends reads no more, and a write would wait for it for ever.
  const stop = () => void out.abort().catch(() => {});
  storing.then(stop, stop);
  const [passed, stored] = await Promise.allSettled([passing, storing]);
  if (passed.status === "rejected" && passed.reason instanceof Flawed)
    return { ok: false, flaw: passed.reason.flaw };
  if (stored.status === "rejected") throw stored.reason;
  if (passed.status === "rejected") throw passed.reason;
  return { ok: true, stored: stored.value, sha256: passed.value };
}

async function pass(
  { bytes, size, signal }: Incoming,
  expected: Expected,
  out: WritableStreamDefaultWriter,
): Promise<string> {
  const hash = new Hash();
  let sha256 = "";
  try {
    const isWhole = await eachChunk(bytes, size, signal, async (chunk, start, isLast) => {
      if (start === 0 && expected.mediaType !== null && !looksLike(expected.mediaType, chunk))
        throw new Flawed("media-type");
      await hash.add(chunk);
      if (isLast) sha256 = await hash.end();
      if (isLast && expected.sha256 !== null && expected.sha256 !== sha256) throw new Flawed("sha256");
      await out.write(chunk);
    });
    if (!isWhole) throw new Flawed(signal.aborted ? "too-slow" : "broken");
    await out.close();
    return sha256;
  } catch (error) {
    await out.abort(error).catch(() => {});
    throw error;
  }
}

/** The hash of what is stored already, and its first bytes. @throws Error where the stream breaks */
export async function digestOf(bytes: ReadableStream<Uint8Array>, size: number) {
  const hash = new Hash();
  let head = new Uint8Array();
  const isWhole = await eachChunk(bytes, size, null, async (chunk, start) => {
    if (start === 0) head = chunk.slice(0, headBytes);
    await hash.add(chunk);
  });
  if (!isWhole) throw new Error("An object's bytes ended before their time.");
  return { sha256: await hash.end(), head };
}

/**
 * Reads into one buffer over and over, so that memory does not grow with what is read.
 * @returns false, with no last chunk taken, where the stream breaks, holds another number of bytes, or is aborted
 */
async function eachChunk(
  bytes: ReadableStream<Uint8Array>,
  size: number,
  signal: AbortSignal | null,
  take: (chunk: Uint8Array, start: number, isLast: boolean) => Promise<void>,
): Promise<boolean> {
  const reader = bytes.getReader({ mode: "byob" });
  const stop = () => void reader.cancel().catch(() => {});
  signal?.addEventListener("abort", stop);
  try {
    let buffer = new ArrayBuffer(Math.min(size, chunkBytes));
    for (let seen = 0; seen < size; ) {
      const wanted = Math.min(buffer.byteLength, size - seen);
      const chunk = await read(reader, buffer, wanted);
      if (chunk === null || signal?.aborted) return false;
      const isLast = seen + chunk.byteLength === size;
      if (isLast && (await read(reader, new ArrayBuffer(1), 1)) !== null) return false;
      await take(chunk, seen, isLast);
      seen += chunk.byteLength;
      buffer = chunk.buffer;
    }
    return true;
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

async function read(
  reader: ReadableStreamBYOBReader,
  buffer: ArrayBuffer,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const { value } = await reader.readAtLeast(bytes, new Uint8Array(buffer, 0, bytes));
    return value?.byteLength === bytes ? value : null;
  } catch {
    return null;
  }
}

class Hash {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();

  async add(chunk: Uint8Array): Promise<void> {
    await this.#writer.write(chunk);
  }

  async end(): Promise<string> {
    await this.#writer.close();
    return encodeHex(new Uint8Array(await this.#stream.digest));
  }
}
