import { BoundedCache } from "#lib/bounded-cache.ts";
import { secondMs } from "#lib/time.ts";
import type { Credential } from "./authenticate.ts";

// A revoked key, or a client's former secret, is still genuine by its own text, so it gets as far as its gate, and no limit of its tier holds it. This
// bounds what a flood of it costs: one hop a second in each isolate. A member's token dies by itself.

const refusedForMs = secondMs;
const refused = new BoundedCache<true>(1_000);

/** True within a second after its gate did not know this key or secret. */
export function wasRefusedLately(credential: Credential, now: number): boolean {
  if (refused.size === 0 || credential.secretHash === null) return false;
  return refused.get(nameOf(credential), now) === true;
}

export function noteRefusal(credential: Credential, now: number): void {
  if (credential.secretHash !== null) refused.set(nameOf(credential), true, now + refusedForMs);
}

function nameOf({ cell, principalId, secretHash }: Credential): string {
  return `${cell.id} ${principalId} ${secretHash}`;
}
