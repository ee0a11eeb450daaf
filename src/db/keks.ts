import { type KekProvider, workerSecretKeks } from "#crypto/kek.ts";
import type { Env } from "#platform/env.ts";

const perSecret = new Map<string, Promise<KekProvider>>();

/** The deployment's key-encryption keys, imported once per isolate. */
export function keksOf(env: Env): Promise<KekProvider> {
  const known = perSecret.get(env.KEYLINE_KEKS);
  if (known) return known;
  const opening = workerSecretKeks(env.KEYLINE_KEKS);
  perSecret.set(env.KEYLINE_KEKS, opening);
  return opening;
}
