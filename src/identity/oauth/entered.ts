import { EpochMoved } from "#db/tenant-db.ts";
import type { Credential } from "#gate/authenticate.ts";
import { enter } from "#gate/enter.ts";
import type { Policy } from "#gate/policy.ts";
import { callerOf, knownCaller } from "#http/caller.ts";
import { cameFrom } from "#http/came-from.ts";
import { openRun, type Run } from "#http/execute.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import type { RequestContext } from "#http/request-state.ts";
import { systemNow } from "#platform/clock.ts";

/** A principal that its gate let in, at its tenant, held to the rights that it was let in with. */
export interface Entered {
  readonly policy: Policy;
  readonly run: Run;
}

/**
 * Lets somebody in by their gate, as the tenants' door does, where the protocol asked and not an operation of a tenant.
 * `unknown`: what is answered where the gate knows no such principal. Rights that move under the work are read anew, once.
 */
export async function entered<A>(
  c: RequestContext,
  credential: Credential,
  unknown: (policy: Policy | null) => A | null,
  work: (entered: Entered) => Promise<A>,
): Promise<A | Refusal> {
  const serve = async (staleEpoch: number | null): Promise<A | Refusal> => {
    const entrance = await enter(c.env, credential, { staleEpoch, recheck: false, ...cameFrom(c) });
    const policy = entrance.outcome === "unknown" ? null : entrance.policy;
    const refusal = unknown(policy);
    if (refusal !== null) return refusal;
    if (entrance.outcome === "unknown" || policy === null) return refuse("unauthorized");
    c.get("state").caller = knownCaller(credential, policy.tenantId);
    if (entrance.outcome === "elsewhere") return refuse("address-not-allowed");
    const { retryAfterSeconds } = entrance.rate;
    if (retryAfterSeconds > 0) return new Refusal("rate-limited", { retryAfterSeconds }, []);
    try {
      if (policy.state !== "active") throw new EpochMoved();
      const caller = await callerOf(c, credential, policy);
      const run = await openRun(c, caller, c.get("state").operation ?? "oauth", systemNow(), false);
      return await work({ policy, run });
    } catch (error) {
      if (!(error instanceof EpochMoved)) throw error;
      if (staleEpoch === null) return await serve(policy.epoch);
      if (policy.state === "active") throw error;
      return refuse("tenant-suspended");
    }
  };
  return await serve(null);
}
