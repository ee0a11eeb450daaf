import { encodeHex } from "#lib/hex.ts";
import { normalisePassword } from "#lib/password-text.ts";
import { secondMs } from "#lib/time.ts";
import { fromUtf8, utf8 } from "#lib/utf8.ts";
import { boundedBody } from "./bounded-body.ts";
import { withDeadline } from "./deadline.ts";
import type { Env } from "./env.ts";
import { log } from "./log.ts";

/** "unavailable": nobody answered in time, or not as the API does. */
export type BreachAnswer = "breached" | "clear" | "unavailable";

const timeoutMs = 2 * secondMs;
/** A range has some 2,000 rows of 40 bytes. */
const mostBytes = 512 * 1024;
const prefixDigits = 5;

/**
 * Asks Have I Been Pwned's range API (haveibeenpwned.com/API/v3#PwnedPasswords) whether a password was breached. The
 * first 20 bits of its SHA-1 are all that leaves, and the size of the answer tells nobody which they were.
 */
export async function breachAnswer(env: Env, password: string): Promise<BreachAnswer> {
  const digest = await crypto.subtle.digest("SHA-1", utf8(normalisePassword(password)));
  const hash = encodeHex(new Uint8Array(digest)).toUpperCase();
  try {
    const rows = await withDeadline(timeoutMs, (signal) => rangeOf(env, hash.slice(0, prefixDigits), signal));
    const suffix = hash.slice(prefixDigits);
    // Rows that were seen no times are padding.
    return rows.some((row) => row.suffix === suffix && row.count > 0) ? "breached" : "clear";
  } catch (error) {
    // The message of a failed fetch may name the URL, and with it those 20 bits.
    log("warn", "the service for breached passwords did not answer as it should", {
      reason: error instanceof RangeFault ? error.message : "no answer",
    });
    return "unavailable";
  }
}

class RangeFault extends Error {}

async function rangeOf(env: Env, prefix: string, signal: AbortSignal) {
  const response = await fetch(`${env.PWNED_PASSWORDS_URL.replace(/\/$/, "")}/${prefix}`, {
    // Without a user agent the service refuses, and Workers send none by themselves.
    headers: { "Add-Padding": "true", "User-Agent": "Keyline" },
    redirect: "manual",
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new RangeFault(`status ${response.status}`);
  }
  const text = fromUtf8(await boundedBody(response, mostBytes));
  return text
    .replace(/\r?\n$/, "")
    .split(/\r?\n/)
    .map(rowOf);
}

function rowOf(line: string): { suffix: string; count: number } {
  const [, suffix, count] = /^([0-9A-F]{35}):(\d{1,12})$/.exec(line) ?? [];
  if (suffix === undefined) throw new RangeFault("malformed");
  return { suffix, count: Number(count) };
}
