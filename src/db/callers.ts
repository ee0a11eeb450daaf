import { z } from "zod";
import { type DataKey, open, SealError, seal } from "#crypto/envelope.ts";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { destroyedKid } from "./subject-keys.ts";

/** Where a request came from; null where that is not known, or no longer. */
export interface Caller {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export const nobody: Caller = { ip: null, userAgent: null };

const Caller = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.object({ ip: z.string().nullable(), userAgent: z.string().nullable() }));

/** As it stands in an audit row: under its actor's key, which lies beside it (`subjectKeyColumns`). */
export interface SealedCaller {
  readonly tenantId: string;
  readonly requestId: string;
  readonly actorId: string;
  readonly caller: string | null;
  readonly kid: string | null;
  readonly wrapped: string | null;
}

/** Nobody where their key was destroyed. @throws SealError also where there is neither a key nor a tombstone */
export async function openCaller(ring: TenantKeyRing, sealed: SealedCaller): Promise<Caller> {
  const { tenantId, requestId, actorId, caller, kid: id, wrapped } = sealed;
  if (caller === null || id === destroyedKid) return nobody;
  const address = callerAddress(tenantId, requestId);
  if (id === null || wrapped === null) throw new SealError("wrong-key", address);
  return Caller.parse(await open(await ring.openSubjectKey(actorId, { id, wrapped }), address, caller));
}

export async function sealCaller(
  key: DataKey,
  { tenantId, requestId }: { readonly tenantId: string; readonly requestId: string },
  { ip, userAgent }: Caller,
): Promise<string> {
  return await seal(key, callerAddress(tenantId, requestId), JSON.stringify({ ip, userAgent }));
}

export function callerAddress(tenant: string, row: string) {
  return { tenant, table: "audit_log", column: "caller", row };
}
