import { DurableObject } from "cloudflare:workers";
import type { z } from "zod";
import { timingSafeEqual } from "#crypto/constant-time.ts";
import { type Spot, sealOrigin } from "#db/last-use.ts";
import { ringOf } from "#db/open-tenant.ts";
import { isWithin } from "#lib/cidr.ts";
import { takeGcra } from "#lib/gcra.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env, GateRpc } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { Bucket } from "./bucket.ts";
import { holdingLimit } from "./holding-limit.ts";
import { hydrate } from "./hydrate.ts";
import { type EnterAnswer, type EnterRequest, enterRequestFrom, type Policy } from "./policy.ts";
import { tiers } from "./tiers.ts";
import { Trail } from "./trail.ts";
import { Usage } from "./usage.ts";

const maximumAgeMs = minuteMs;
const recheckedAgeMs = 2 * secondMs;

/**
 * One principal's gate: its rights as last read from the cell, and its rate limit, in one hop. All of it is memory: the
 * rights are a cache (every statement is guarded by the epoch they were read at), and an idle bucket is full again
 * before the object can be evicted.
 */
export class Gate extends DurableObject<Env> implements GateRpc {
  #policy: Reading | null = null;
  #said: { readonly policy: Policy; readonly text: string; readonly id: string } | null = null;
  #hydrating: { readonly tenantId: string | null; readonly policy: Promise<Policy | null> } | null = null;
  #generation = 0;
  readonly #ordinary = new Bucket();
  readonly #expensive = new Bucket();
  #elsewhereTatMs: number | null = null;
  #lastMs = 0;
  readonly #trail = new Trail();
  readonly #usage = new Usage(this.ctx.storage);

  /** Is this principal active, what may it do, may it go now. */
  async enter(payload: unknown): Promise<z.input<typeof EnterAnswer>> {
    const request = enterRequestFrom(payload);
    const policy = await this.#current(request);
    if (policy === null || !this.#isGenuine(policy, request)) return { v: 1, outcome: "unknown" };
    // A clock that steps back shall neither grant nor refuse more.
    this.#lastMs = Math.max(this.#lastMs, systemNow());
    if (isElsewhere(policy, request)) return await this.#fromElsewhere(request);
    // An expensive call takes nothing from the sold rate: that stays whole for all others.
    const bucket = request.isExpensive ? this.#expensive : this.#ordinary;
    const { sold, held, shown } = holdingLimit(policy, request.isExpensive, this.#lastMs);
    const { epoch } = policy;
    const taken = bucket.take(sold, held, { nowMs: this.#lastMs, epoch, staleEpoch: request.staleEpoch });
    this.#note(policy, request, taken.admitted ? "admitted" : "limited");
    const { remaining, resetSeconds, retryAfterSeconds } = taken;
    return {
      v: 1,
      outcome: taken.admitted ? "admitted" : "limited",
      ...this.#say(policy, request),
      rate: { remaining, resetSeconds, retryAfterSeconds, limit: shown },
    };
  }

  // Who holds a key but not its address shall not use up what is left for those who hold both.
  async #fromElsewhere(request: EnterRequest): Promise<z.input<typeof EnterAnswer>> {
    const policy = await this.#current(request, recheckedAgeMs);
    if (policy === null) return { v: 1, outcome: "unknown" };
    if (!isElsewhere(policy, request)) return await this.enter(request);
    const { admitted, tatMs, ...rate } = takeGcra(this.#elsewhereTatMs, this.#lastMs, tiers.free);
    this.#elsewhereTatMs = tatMs;
    this.#note(policy, request, "elsewhere");
    return { v: 1, outcome: "elsewhere", ...this.#say(policy, request), rate };
  }

  /** The rights have changed: whatever was read, or is being read, is worth nothing. */
  async forget(): Promise<void> {
    this.#generation += 1;
    this.#policy = null;
    this.#hydrating = null;
  }

  override async alarm(): Promise<void> {
    await this.#usage.flush(this.env);
  }

  // A request that asks again was counted when it first came.
  #note(policy: Policy, request: EnterRequest, outcome: "admitted" | "limited" | "elsewhere"): void {
    const { tenantId } = policy;
    const { cell, principalId, staleEpoch } = request;
    if (staleEpoch !== null) return;
    const isAdmitted = outcome === "admitted";
    if (isAdmitted) this.#trail.add(request.spot, this.#lastMs);
    if (outcome === "elsewhere") this.#usage.noteElsewhere(this.#lastMs);
    const origin = isAdmitted ? () => sealedOrigin(this.env, policy, request, this.#trail.spots()) : null;
    this.#usage.note({ cell, tenantId, principalId }, this.#lastMs, origin);
  }

  #say(policy: Policy, { knownPolicyId }: EnterRequest): { policy: string | null; policyId: string } {
    if (this.#said?.policy !== policy) {
      const text = JSON.stringify(policy);
      this.#said = { policy, text, id: this.#said?.text === text ? this.#said.id : newId("pol") };
    }
    const { text, id } = this.#said;
    return { policy: knownPolicyId === id ? null : text, policyId: id };
  }

  #isGenuine(policy: Policy, request: EnterRequest): boolean {
    if (request.tenantId !== null && request.tenantId !== policy.tenantId) return false;
    const endsAt = policy.endsAt ?? policy.expiresAt;
    if (endsAt !== null && endsAt <= systemNow()) return false;
    // Who comes without one has a token of ours, or is to be asked for it by who makes those.
    if (request.secretHash === null)
      return policy.secretHash === null || (policy.grantTypes !== null && !request.isBare);
    return policy.secretHash !== null && timingSafeEqual(policy.secretHash, request.secretHash);
  }

  async #current(request: EnterRequest, mostMs = maximumAgeMs): Promise<Policy | null> {
    for (;;) {
      const cached = this.#policy;
      const ageMs = systemNow() - (cached?.readAt ?? 0);
      if (cached && answers(cached, request) && ageMs < Math.min(mostMs, mostAgeMs(cached.policy, request)))
        return cached.policy;
      const generation = this.#generation;
      const { tenantId } = request;
      if (this.#hydrating?.tenantId !== tenantId) this.#hydrating = { tenantId, policy: this.#read(request) };
      const policy = await this.#hydrating.policy;
      if (generation === this.#generation) return policy;
    }
  }

  async #read(request: EnterRequest): Promise<Policy | null> {
    const generation = this.#generation;
    const readAt = systemNow();
    try {
      const cell = cellOf(this.env, request.cell);
      const policy = cell ? await hydrate(cell.database, request.principalId, request.tenantId) : null;
      if (generation === this.#generation && !isForeign(this.#policy, policy, request))
        this.#policy = { policy, readAt, tenantId: request.tenantId };
      return policy;
    } finally {
      if (generation === this.#generation && this.#hydrating?.tenantId === request.tenantId)
        this.#hydrating = null;
    }
  }
}

/** What was last read, and under which tenant it was looked for. */
interface Reading {
  readonly policy: Policy | null;
  readonly readAt: number;
  readonly tenantId: string | null;
}

// A client's id says by itself, unsigned, whose it is: that it is not another's must not answer for its own tenant.
function answers({ policy, tenantId }: Reading, request: EnterRequest): boolean {
  return policy !== null || tenantId === request.tenantId;
}

function isForeign(before: Reading | null, policy: Policy | null, { tenantId }: EnterRequest): boolean {
  return policy === null && tenantId !== null && (before?.policy?.tenantId ?? tenantId) !== tenantId;
}

// Rights that turned out to be too old are read anew whatever their age.
function mostAgeMs(policy: Policy | null, { staleEpoch, recheck }: EnterRequest): number {
  if (staleEpoch === null || policy?.epoch !== staleEpoch) return maximumAgeMs;
  return recheck ? recheckedAgeMs : 0;
}

function isElsewhere({ ipAllowList, tenantIpAllowList }: Policy, { address }: EnterRequest): boolean {
  return [ipAllowList, tenantIpAllowList].some((list) => list.length > 0 && !isWithin(address ?? "", list));
}

// Under the principal's own key, as what the object stores lies beside no database of ours.
async function sealedOrigin(
  env: Env,
  { tenantId, tenantKeys, subjectKey, support }: Policy,
  { principalId, address: ip, place }: EnterRequest,
  trail: readonly Spot[],
): Promise<string | null> {
  // Where a session of support came from stands in the audit of what was done in it.
  if (support !== null) return null;
  if (subjectKey === null || (ip === null && place === null)) return null;
  const ring = await ringOf(env, tenantId, tenantKeys);
  const key = await ring.openSubjectKey(principalId, subjectKey);
  return await sealOrigin(key, { tenantId, principalId }, { ip, place, trail });
}
