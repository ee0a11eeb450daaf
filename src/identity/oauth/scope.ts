import { type Capability, type CapabilityMask, holds, isCapability } from "#gate/capabilities.ts";

/** What a client may be told of a user, beside what it may do for them. */
export const identityScopes = ["openid", "profile", "email", "offline_access"] as const;

const word = /^[a-z_]+(?::[a-z-]+)?$|^[a-z-]+:[a-z-]+$/;

/** The words of a scope, each once; null where it is none (RFC 6749 section 3.3). */
export function wordsOf(scope: string): string[] | null {
  const words = scope.split(" ");
  return words.length <= 200 && words.every((each) => word.test(each)) ? [...new Set(words)] : null;
}

/** Of these words, the ones that somebody who holds all of these may have; what nobody knows is left out. */
export function within(words: readonly string[], ...masks: readonly CapabilityMask[]): string[] {
  return words.filter(
    (each) => isIdentity(each) || (isCapability(each) && masks.every((mask) => holds(mask, each))),
  );
}

function isIdentity(text: string): boolean {
  return identityScopes.some((each) => each === text);
}

export function capabilitiesOf(words: readonly string[]): Capability[] {
  return words.filter(isCapability);
}
