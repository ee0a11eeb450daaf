import type { Principal } from "./operation.ts";

/** Is this principal held to a place, an address or a date: then it sets up nothing that is held to none. */
export function isLimited(principal: Principal): boolean {
  return (
    principal.locations !== null ||
    principal.assigneeId !== null ||
    principal.ipAllowList.length > 0 ||
    principal.allowedOrigins.length > 0 ||
    principal.expiresAt !== null
  );
}
