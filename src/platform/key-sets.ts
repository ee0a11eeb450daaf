import { secondMs } from "#lib/time.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { boundedBody } from "./bounded-body.ts";

const timeoutMs = 3 * secondMs;
const mostBytes = 64 * 1024;

/** Whoever waits for another's fetch waits no longer: that request may be gone, and its fetch with it. */
export const fetchTakesAtMostMs = timeoutMs + secondMs;

/**
 * An issuer's published keys: one request, three seconds for all of it, no redirect followed, at most 64 kB read.
 * @throws Error where it answers anything but 200 with JSON
 */
export async function fetchKeySet(url: string): Promise<unknown> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const answer = await fetch(url, {
      redirect: "manual",
      signal: abort.signal,
      headers: { Accept: "application/json" },
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new Error(`The key set was answered ${answer.status}.`);
    }
    return JSON.parse(fromUtf8(await boundedBody(answer, mostBytes)));
  } finally {
    clearTimeout(timer);
  }
}

/** The promise's value, or null where it takes longer or fails. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
