import { secondMs } from "#lib/time.ts";
import type { Credential } from "./authenticate.ts";

// Of keys alone: a member's token is refused for a while only, and dies by itself. A revoked key is still genuine by its own text, so it gets as far as its gate and no limit of its tier holds it. This
// bounds what a flood of it costs: one hop a second in each isolate.

const refusedForMs = secondMs;
const mostRemembered = 1_000;
const refusedAt = new Map<string, number>();

/** True within a second after its gate did not know this credential. */
export function wasRefusedLately(credential: Credential, now: number): boolean {
  const at = refusedAt.get(nameOf(credential));
  return credential.kind === "api-key" && at !== undefined && now >= at && now - at < refusedForMs;
}

export function noteRefusal(credential: Credential, now: number): void {
  if (refusedAt.size >= mostRemembered) refusedAt.clear();
  refusedAt.set(nameOf(credential), now);
}

function nameOf({ cell, principalId, tenantId, secretHash, outside }: Credential): string {
  return [cell.id, principalId, tenantId, secretHash, outside?.memberRowId].join(" ");
}
