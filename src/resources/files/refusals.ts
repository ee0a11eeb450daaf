import type { Principal } from "#http/operation.ts";
import { type Refusal, refuse, refuseField } from "#http/outcome.ts";
import type { FileRow } from "./lookup.ts";
import { mostBytes } from "./rules.ts";

/** Refuses what the tenant's plan has no room for. */
export function planRefusal({ tier }: Principal, size: number | null): Refusal | null {
  const most = mostBytes[tier];
  if (size === null || size <= most) return null;
  return refuseField("/size", `is more than the ${most} bytes of the plan`, "file-exceeds-plan");
}

/** What the client said before and what it sends now must agree. */
export function contradiction(
  file: FileRow,
  { size, sha256 }: { size: number; sha256: string | null },
): Refusal | null {
  if (file.size !== null && file.size !== size) return refuse("size-mismatch");
  if (file.sha256 !== null && sha256 !== null && file.sha256 !== sha256) return refuse("sha256-mismatch");
  return null;
}
