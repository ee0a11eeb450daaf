import { type AdmittedJwks, admitJwks } from "#crypto/jwk.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { fetchKeySet, fetchTakesAtMostMs, within } from "#platform/key-sets.ts";
import { errorFields, log } from "#platform/log.ts";

const freshForMs = 10 * minuteMs;
// How long keys serve on while their issuer cannot be asked.
const lastGoodForMs = dayMs;
const coolDownMs = minuteMs;
const mostSets = 100;

interface KeySet {
  keys: AdmittedJwks | null;
  loadedAt: number;
  /** The last try, whatever came of it: the next is a minute later at the soonest. */
  triedAt: number;
  trying: Promise<void> | null;
}

const sets = new Map<string, KeySet>();

/** An issuer's keys cannot be had and none are left from before: whether its tokens are genuine is not known. */
export class IssuerUnavailable extends Error {
  constructor() {
    super("An outside issuer's keys cannot be read.");
    this.name = "IssuerUnavailable";
  }
}

/**
 * The issuer's keys, read once per isolate. An unknown `kid` asks anew, at most once a minute, so that nobody makes us
 * ask by inventing some, and so do keys that have grown old: while their issuer cannot be asked, the last good ones
 * serve for a day. @throws IssuerUnavailable
 */
export async function outsideKeys(jwksUrl: string, kid: string, now: number): Promise<AdmittedJwks> {
  const set = setOf(jwksUrl);
  const isFresh = now - set.loadedAt < freshForMs;
  const isKnown = set.keys?.kids.has(kid) === true;
  if ((!isKnown || !isFresh) && now - set.triedAt >= coolDownMs) {
    set.triedAt = now;
    set.trying = load(set, jwksUrl, now);
    await within(set.trying, fetchTakesAtMostMs);
  } else if (!isKnown && set.trying) {
    await within(set.trying, fetchTakesAtMostMs);
  }
  if (set.keys === null || now - set.loadedAt >= lastGoodForMs) throw new IssuerUnavailable();
  return set.keys;
}

function setOf(jwksUrl: string): KeySet {
  const known = sets.get(jwksUrl);
  if (known) return known;
  const never = Number.NEGATIVE_INFINITY;
  const set = { keys: null, loadedAt: never, triedAt: never, trying: null };
  // A deployment has a few and its tenants choose some: the one that was met first makes room, and is read again.
  const [oldest] = sets.keys();
  if (oldest !== undefined && sets.size >= mostSets) sets.delete(oldest);
  sets.set(jwksUrl, set);
  return set;
}

async function load(set: KeySet, jwksUrl: string, now: number): Promise<void> {
  try {
    const admitted = await admitJwks(await fetchKeySet(jwksUrl));
    if (!admitted.ok) throw new Error(`The key set is not admitted: ${admitted.reason}.`);
    // No issuer means to have none: it would make every token of its own worthless.
    if (admitted.keys.kids.size === 0) throw new Error("The key set has no key that we can use.");
    set.keys = admitted.keys;
    set.loadedAt = now;
  } catch (error) {
    log("warn", "an outside issuer's keys could not be read", {
      host: new URL(jwksUrl).host,
      ...errorFields(error),
    });
  } finally {
    set.trying = null;
  }
}
