import type { DataKey } from "#crypto/envelope.ts";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { ringOf } from "#db/open-tenant.ts";
import type { Keys } from "#db/sealing.ts";
import { authenticate, type Credential } from "#gate/authenticate.ts";
import { type Capability, holds, intersect } from "#gate/capabilities.ts";
import { isOver } from "#gate/ended.ts";
import { enter } from "#gate/enter.ts";
import type { Policy } from "#gate/policy.ts";
import { noteRefusal, wasRefusedLately } from "#gate/refused-lately.ts";
import { tiers } from "#gate/tiers.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import { cameFrom } from "./came-from.ts";
import { isBytes } from "./media.ts";
import { AnyPrincipal, type Principal } from "./operation.ts";
import { Refusal, refuse } from "./outcome.ts";
import { showRate } from "./rate-fields.ts";
import { type AnyTenantOperation, proofAgeOf } from "./registry.ts";
import type { KnownCaller, RequestContext } from "./request-state.ts";

/** A principal that was let in, with the rights it was let in with. */
export interface Caller {
  readonly principal: Principal;
  readonly credential: Credential;
  readonly cell: Cell;
  readonly policy: Policy;
  readonly keys: Keys;
}

/**
 * authenticate → gate: who asks, whether they may go now, and whether this tenant is theirs. `staleEpoch` is set when
 * the request was let in before and its rights have moved since: then nothing is taken from the limit. `recheck` is
 * set when those rights said no: they may be older than what the cell says by now.
 */
export async function admit(
  c: RequestContext,
  tenant: string,
  operation: { readonly expensive?: true },
  staleEpoch: number | null = null,
  recheck = false,
): Promise<Caller | Refusal> {
  const credential = await authenticate(c.env, c.req.header("authorization"));
  if (credential?.support) c.get("state").headers.set("X-Keyline-Impersonation", sayWhoActs(credential));
  if (!credential || wasRefusedLately(credential, systemNow())) return refuse("unauthorized");
  const isExpensive = operation.expensive === true;
  const answer = await enter(c.env, credential, { staleEpoch, recheck, ...cameFrom(c), isExpensive });
  if (answer.outcome === "unknown") return stranger(credential);
  const { policy } = answer;
  if (isOver(credential, policy)) return refuse("unauthorized");
  // Whoever is limited has time to wait before the rights are read anew.
  if (answer.outcome === "admitted" && !isVouchedFor(credential, policy))
    return staleEpoch === null ? await admit(c, tenant, operation, policy.epoch) : stranger(credential);
  c.get("state").cell = credential.cell.id;
  c.get("state").caller = knownCaller(credential, policy.tenantId);
  const lacksFactor = policy.asksForFactor && credential.outside?.hasSecondFactor === false;
  const isTheirs = tenant === policy.slug || tenant === policy.tenantId;
  const tier = answer.outcome === "elsewhere" ? "free" : policy.tier;
  const isLimited = answer.rate.retryAfterSeconds > 0;
  const { limit } = answer.rate;
  showRate(c, limit?.name ?? tier, limit ?? tiers[tier], answer.rate);
  // Whoever runs the program that still has the old key sees it in the program's own log.
  if (isTheirs && policy.retiresAt !== null)
    c.get("state").headers.set("X-Keyline-Key-Retires", timestamp(policy.retiresAt));
  const refusal = isTheirs ? policyRefusal(c, policy, lacksFactor) : null;
  if (isLimited) return new Refusal("rate-limited", { retryAfterSeconds: answer.rate.retryAfterSeconds }, []);
  if (!isTheirs) return refuse("not-found");
  if (answer.outcome === "elsewhere") return refuse("address-not-allowed");
  // Such a refusal touches no data that would say how old it is, so the rights are read anew before it is given.
  if (refusal && staleEpoch === null) return await admit(c, tenant, operation, policy.epoch, true);
  return refusal ?? (await callerOf(c, credential, policy));
}

// A dictionary of structured fields (RFC 9651), from the token alone: a session that is over is told of as well.
function sayWhoActs({ principalId, support }: Credential): string {
  const ends = timestamp((support?.endsAtSeconds ?? 0) * secondMs);
  return `session=${principalId}, agent=${support?.agentId}, ends="${ends}"`;
}

/** Whose call it is, for the log. */
export function knownCaller({ cell, principalId, by }: Credential, tenantId: string): KnownCaller {
  return { cell, principalId, tenantId, clientId: by?.clientId ?? null };
}

function stranger(credential: Credential): Refusal {
  noteRefusal(credential, systemNow());
  return refuse("unauthorized");
}

// A token of an outside issuer counts while the cell says that its member is one by that issuer.
function isVouchedFor({ outside }: Credential, policy: Policy): boolean {
  return outside === null || policy.outsideMembers.includes(outside.memberRowId);
}

function policyRefusal(c: RequestContext, policy: Policy, lacksFactor: boolean): Refusal | null {
  // Rights that are read anew may no longer let the page's origin in.
  c.get("state").headers.delete("Access-Control-Allow-Origin");
  if (policy.state !== "active") return refuse("tenant-suspended");
  if (lacksFactor) return refuse("second-factor-enrolment-required");
  const origin = c.req.header("origin");
  if (origin === undefined || origin === new URL(c.req.url).origin) return null;
  if (!policy.origins.includes(origin)) return refuse("origin-not-allowed");
  if (policy.clientOrigins.length > 0 && !policy.clientOrigins.includes(origin))
    return refuse("origin-not-allowed");
  c.get("state").headers.set("Access-Control-Allow-Origin", origin);
  return null;
}

/** authorize: does this principal hold what the operation asks for. */
export function mayCall(
  { credential, principal }: Caller,
  { can, inPerson }: { readonly can: Capability | AnyPrincipal; readonly inPerson?: true },
): boolean {
  if (inPerson && (credential.kind !== "member" || credential.by !== null)) return false;
  return can instanceof AnyPrincipal || holds(principal.capabilities, can);
}

/** Can what a support agent asks for not be masked, as bytes cannot, nor whom a search finds: and their grant shows nobody. */
export function isMaskedFor({ policy: { support } }: Caller, operation: AnyTenantOperation): boolean {
  if (support === null || support.showsPersonalData) return false;
  return operation.tellsOfPeople === true || isBytes(operation.returns);
}

/** RFC 9470: what it asks for, where the person behind these credentials was last asked too long ago for this. */
export function staleProof({ credential }: Caller, operation: AnyTenantOperation): Refusal | null {
  const maxAgeSeconds = proofAgeOf(operation);
  const { provedAtSeconds } = credential;
  if (maxAgeSeconds === null || provedAtSeconds === null) return null;
  const isRecent = systemNow() / secondMs - provedAtSeconds <= maxAgeSeconds;
  return isRecent ? null : new Refusal("step-up-required", { maxAgeSeconds }, []);
}

// As long as the gate hands out the same rights, their ring need not be looked up by its wrapped keys.
const rings = new WeakMap<Policy, TenantKeyRing>();

/** The principal that a gate let in, with these rights. */
export async function callerOf(c: RequestContext, credential: Credential, ofRow: Policy): Promise<Caller> {
  const { cell, scope, principalId, kind, outside } = credential;
  const policy = outside?.seesAssignedAlone ? { ...ofRow, assigneeId: principalId } : ofRow;
  const { tenantId, slug, tier, locations, assigneeId, ipAllowList, clientOrigins, expiresAt, currency } =
    policy;
  const ring = rings.get(ofRow) ?? (await ringOf(c.env, tenantId, policy.tenantKeys));
  rings.set(ofRow, ring);
  const subjects = new Map<string, DataKey>();
  const capabilities = scope === null ? policy.capabilities : intersect(policy.capabilities, scope);
  const principal: Principal = {
    kind,
    id: principalId,
    tenantId,
    slug,
    cell: cell.id,
    jurisdiction: cell.jurisdiction,
    tier,
    capabilities,
    locations,
    assigneeId,
    ipAllowList,
    allowedOrigins: clientOrigins,
    // What has a successor makes nothing that outlives it, though it was made for longer.
    expiresAt: firstOf(expiresAt, policy.retiresAt),
    currency,
  };
  return { principal, credential, cell, policy, keys: { tenantId, ring, subjects } };
}

function firstOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}
