import { AwsV4Signer } from "aws4fetch";
import { dayMs, secondMs } from "#lib/time.ts";
import type { AuditSink, SinkFault, SinkKeys } from "./audit-sinks.ts";
import { systemNow } from "./clock.ts";
import { withDeadline } from "./deadline.ts";

/** Why an object is not in a store. */
export type PutFault = Exclude<SinkFault, "without-keys" | "source-missing">;

const timeoutMs = 15 * secondMs;

interface Store {
  readonly sink: AuditSink;
  readonly keys: SinkKeys;
  readonly signal: AbortSignal;
}

/**
 * Puts an object that is never changed, locked until its time is over. Where it lies there already with the same bytes,
 * as after a crash, all is well. 15 seconds for all of it, no redirect followed. @returns null, or why it is not there
 */
export async function putLocked(
  sink: AuditSink,
  keys: SinkKeys,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<PutFault | null> {
  return await withDeadline(timeoutMs, async (signal) => {
    const store = { sink, keys, signal };
    try {
      const status = await put(store, key, bytes);
      if (status >= 200 && status < 300) return null;
      // Another's put may be under way: 409, and then the look-up says 404 for a moment.
      if (status === 412 || status === 409) return await compared(store, key, bytes);
      return faultOf(status);
    } catch {
      return signal.aborted ? "timed-out" : "unreachable";
    }
  });
}

// S3 takes an object with a lock only with a checksum; signed, so that what arrives is what was sent.
async function put(store: Store, key: string, bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const retainedUntil = new Date(systemNow() + store.sink.retainDays * dayMs).toISOString();
  const answer = await send(store, "PUT", key, bytes, {
    "content-type": "application/octet-stream",
    "if-none-match": "*",
    "x-amz-checksum-sha256": digest.toBase64(),
    "x-amz-content-sha256": digest.toHex(),
    "x-amz-object-lock-mode": "COMPLIANCE",
    "x-amz-object-lock-retain-until-date": retainedUntil,
    "x-amz-sdk-checksum-algorithm": "SHA256",
  });
  await answer.body?.cancel();
  return answer.status;
}

const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async function compared(store: Store, key: string, bytes: Uint8Array<ArrayBuffer>): Promise<PutFault | null> {
  const answer = await send(store, "GET", key, null, { "x-amz-content-sha256": emptySha256 });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    return answer.status === 404 ? "failing" : faultOf(answer.status);
  }
  if (!answer.body) return "holds-something-else";
  const there: ReadableStream<Uint8Array> = answer.body;
  let at = 0;
  for await (const chunk of there) {
    const expected = bytes.subarray(at, at + chunk.byteLength);
    // Leaving the loop cancels the rest.
    if (expected.length !== chunk.byteLength || chunk.some((byte, index) => byte !== expected[index]))
      return "holds-something-else";
    at += chunk.byteLength;
  }
  return at === bytes.length ? null : "holds-something-else";
}

async function send(
  { sink, keys, signal }: Store,
  method: "PUT" | "GET",
  key: string,
  body: Uint8Array<ArrayBuffer> | null,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const signer = new AwsV4Signer({
    method,
    url: `${sink.endpoint}/${sink.bucket}/${sink.prefix}${key}`,
    headers,
    ...keys,
    service: "s3",
    region: sink.region,
    datetime: new Date(systemNow()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
  });
  const signed = await signer.sign();
  return await fetch(signed.url, { method, headers: signed.headers, body, redirect: "manual", signal });
}

function faultOf(status: number): PutFault {
  if (status === 401 || status === 403) return "refused";
  if (status >= 500 || status === 429 || status === 408) return "failing";
  return status >= 400 ? "rejected" : "redirected";
}
