import { SealError } from "#crypto/envelope.ts";
import { heldKek, type KekProvider, kekProvider, textKeks } from "#crypto/kek.ts";
import { secondMs } from "#lib/time.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env, SecretText } from "#platform/env.ts";
import { KmsUnavailable, kmsEntries, transitKey } from "#platform/kms.ts";

// Asked for where a tenant's keys are opened for the first time, and by cron.
const storeIsFreshMs = 15 * secondMs;
// A key that wraps something and is unknown here was added since: rows say so, which strangers cannot write.
const askAgainAfterMs = secondMs;

const perTexts = new Map<string, Promise<KekProvider>>();
const perStore = new WeakMap<object, { readonly text: Promise<string>; readonly at: number }>();

/**
 * The deployment's key-encryption keys: those of KEYLINE_KEKS, a secret of the Worker or of a Secrets Store, and those that
 * a KMS holds. Imported once per isolate, and again where a store has another text.
 */
export async function keksOf(env: Env): Promise<KekProvider> {
  const keks = await opened(env, storeIsFreshMs);
  return {
    ...keks,
    unwrap: async (wrapped, address) => {
      try {
        return await keks.unwrap(wrapped, address);
      } catch (error) {
        if (!(error instanceof SealError) || error.reason !== "wrong-key") throw error;
        const anew = await opened(env, askAgainAfterMs);
        if (anew === keks) throw error;
        return await anew.unwrap(wrapped, address);
      }
    },
  };
}

async function opened(env: Env, freshMs: number): Promise<KekProvider> {
  const [keks, tokens] = await Promise.all([
    textOf(env.KEYLINE_KEKS ?? "", freshMs),
    textOf(env.KEYLINE_KMS_TOKENS ?? "", freshMs),
  ]);
  const name = JSON.stringify([keks, env.KEYLINE_KMS, tokens]);
  const known = perTexts.get(name);
  if (known) return await known;
  const opening = openKeks(keks, env.KEYLINE_KMS, tokens);
  // A Worker has one set of them, and another only when a store's changes.
  if (perTexts.size >= 10) perTexts.clear();
  perTexts.set(name, opening);
  return await opening;
}

async function textOf(secret: SecretText, freshMs: number): Promise<string> {
  if (typeof secret === "string") return secret;
  const now = systemNow();
  const known = perStore.get(secret);
  if (known && now - known.at < freshMs) return await known.text;
  // Whoever awaits this meanwhile gets the text of before too, which serves on while the store is away.
  const text = secret.get().catch((error: unknown) => {
    if (known) return known.text;
    throw new KmsUnavailable("the Secrets Store could not be read", { cause: error });
  });
  const asked = { text, at: now };
  perStore.set(secret, asked);
  try {
    return await text;
  } catch (error) {
    if (perStore.get(secret) === asked) perStore.delete(secret);
    throw error;
  }
}

async function openKeks(keks: string, kms: string | undefined, tokens: string): Promise<KekProvider> {
  const tokenOf = tokensIn(tokens);
  const held = kmsEntries(kms).map((entry) => {
    const token = tokenOf.get(entry.version);
    if (!token) throw new Error(`KEYLINE_KMS_TOKENS has no token for version ${entry.version}.`);
    return heldKek(entry.version, transitKey(entry, token));
  });
  return kekProvider([...(await textKeks(keks)), ...held]);
}

function tokensIn(text: string): Map<number, string> {
  const entries = text === "" ? [] : text.split(",");
  return new Map(
    entries.map((entry) => {
      const [, version, token] = /^([1-9][0-9]{0,3}):([\x21-\x7e]{1,1000})$/.exec(entry.trim()) ?? [];
      // Never with a piece of the text: the message ends up in a log.
      if (!version || !token) throw new Error("KEYLINE_KMS_TOKENS is malformed: each is <version>:<token>");
      return [Number(version), token];
    }),
  );
}
