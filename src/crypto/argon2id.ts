import setupWasm, { type Argon2idParams, type computeHash } from "argon2id/lib/setup.js";
import { normalisePassword } from "#lib/password-text.ts";
import { secondMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { WaitingLine } from "#lib/waiting-line.ts";
import { timingSafeEqual } from "./constant-time.ts";
import { type PhcHash, parsePhcString, phcString } from "./phc-string.ts";

/** OWASP's second choice for Argon2id: about 40 ms of CPU. */
const current = { memoryKiB: 19_456, passes: 2, lanes: 1 };
const saltBytes = 16;
const tagBytes = 32;

// The library refuses some texts of less than 8 bytes, and no rule of ours lets more than 128 characters in.
const fewestBytes = 8;
const mostBytes = 512;

/** What is compared for a user who does not exist. That nobody knows a password for it is not relied upon. */
const decoy: PhcHash = { ...current, salt: new Uint8Array(saltBytes), tag: new Uint8Array(tagBytes) };

/**
 * One whose turn it is, and eight who wait for a third of a second. Who has waited six times as long is one of those
 * whose client hung up, and with it the runtime their request.
 */
const line = new WaitingLine(9, 2 * secondMs);

/** As many hashes as we take on are waiting. The same for every caller, whether or not an account exists. */
export class HashersBusy extends Error {
  readonly retryAfterSeconds = 1;

  constructor() {
    super("Too many passwords are waiting to be hashed.");
  }
}

/** @param now ms since 1970 @throws HashersBusy; RangeError for what no rule lets through */
export async function hashPassword(password: string, now: number): Promise<string> {
  const bytes = bytesOf(password);
  if (!isHashable(bytes)) throw new RangeError("A password has 8 to 512 bytes.");
  const salt = crypto.getRandomValues(new Uint8Array(saltBytes));
  const tag = await tagOf(bytes, { ...decoy, salt }, now);
  return phcString({ ...decoy, salt, tag });
}

/**
 * What cannot be read, or was never let in as a password, matches nothing, at the cost of a hash all the same.
 * `needsRehash`: it matches, and was made with other parameters than a hash of today.
 *
 * @param now ms since 1970 @throws HashersBusy
 */
export async function verifyPassword(
  password: string,
  phc: string,
  now: number,
): Promise<{ isMatch: boolean; needsRehash: boolean }> {
  const bytes = bytesOf(password);
  const stored = parsePhcString(phc);
  if (stored === null || !isHashable(bytes)) {
    await verifyDecoy(password, now);
    return { isMatch: false, needsRehash: false };
  }
  const tag = await tagOf(bytes, stored, now);
  const isMatch = timingSafeEqual(tag.toBase64(), stored.tag.toBase64());
  return { isMatch, needsRehash: isMatch && !isOfToday(stored) };
}

/** The work of `verifyPassword`, for a user who does not exist. @param now ms since 1970 @throws HashersBusy */
export async function verifyDecoy(password: string, now: number): Promise<false> {
  const bytes = bytesOf(password);
  const tag = await tagOf(isHashable(bytes) ? bytes : decoy.tag, decoy, now);
  timingSafeEqual(tag.toBase64(), decoy.tag.toBase64());
  return false;
}

/**
 * What a password is known again by under this salt, of 16 characters at least, at the cost of any other hash. One that no
 * rule lets in has none. @param now ms since 1970 @throws HashersBusy
 */
export async function passwordTag(password: string, salt: string, now: number): Promise<string | null> {
  const bytes = bytesOf(password);
  if (!isHashable(bytes)) return null;
  return (await tagOf(bytes, { ...decoy, salt: utf8(salt).subarray(0, saltBytes) }, now)).toBase64();
}

/**
 * RFC 9106, one at a time. The computation itself holds the isolate; before it each caller lets others in, so that they
 * are counted instead of piling up.
 */
export async function argon2id(params: Argon2idParams, now: number): Promise<Uint8Array> {
  const ticket = line.join(now);
  if (ticket === null) throw new HashersBusy();
  try {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return await compute(params);
  } finally {
    line.leave(ticket);
  }
}

// It has 65 MB of the isolate's 128, so there is one for all.
let instance: Promise<computeHash> | null = null;

async function compute(params: Argon2idParams): Promise<Uint8Array> {
  // Not in the promise that is shared: the request that began an import may be gone before it ends. And not at the top,
  // as Node reads the registry of operations and takes a .wasm file for something else.
  const { default: simd } = await import("argon2id/dist/simd.wasm");
  const load = (imports: WebAssembly.Imports) => ({ instance: new WebAssembly.Instance(simd, imports) });
  instance ??= setupWasm(load, load);
  const mine = instance;
  try {
    return (await mine)(params);
  } catch (error) {
    // Who knows what it left in that memory.
    if (instance === mine) instance = null;
    throw error;
  }
}

async function tagOf(password: Uint8Array, hash: PhcHash, now: number): Promise<Uint8Array<ArrayBuffer>> {
  const { memoryKiB, passes, lanes, salt, tag } = hash;
  const params = { memorySize: memoryKiB, passes, parallelism: lanes, salt, tagLength: tag.length };
  return new Uint8Array(await argon2id({ ...params, password }, now));
}

function isOfToday({ memoryKiB, passes, lanes, salt, tag }: PhcHash): boolean {
  const isAsCurrent = memoryKiB === current.memoryKiB && passes === current.passes && lanes === current.lanes;
  return isAsCurrent && salt.length === saltBytes && tag.length === tagBytes;
}

function bytesOf(password: string): Uint8Array {
  return utf8(normalisePassword(password));
}

function isHashable(bytes: Uint8Array): boolean {
  return bytes.length >= fewestBytes && bytes.length <= mostBytes;
}
