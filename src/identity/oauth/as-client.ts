import { fromClient } from "#gate/authenticate.ts";
import { noteRefusal, wasRefusedLately } from "#gate/refused-lately.ts";
import { Refusal } from "#http/outcome.ts";
import type { ProtocolAnswer } from "#http/protocol-answer.ts";
import type { RequestContext } from "#http/request-state.ts";
import { systemNow } from "#platform/clock.ts";
import type { ClientClaim } from "./client-claim.ts";
import { type Entered, entered } from "./entered.ts";
import { invalidClient, refused } from "./refusals.ts";

export type OAuthAnswer = ProtocolAnswer | Refusal;

/** One request of a client that its gate let in, with what the gate knows of it. */
export interface ClientRun extends Entered {
  readonly c: RequestContext;
  readonly claim: ClientClaim;
  readonly grantTypes: readonly string[];
  readonly isConfidential: boolean;
}

/**
 * Lets a client in, as a key is let in: a forged secret costs no I/O, one that was rotated a hop to its gate at most
 * once a second. `before` is asked in between: it costs nothing.
 */
export async function asClient(
  c: RequestContext,
  claim: ClientClaim,
  work: (run: ClientRun) => Promise<OAuthAnswer>,
  before: () => ProtocolAnswer | null = () => null,
): Promise<OAuthAnswer> {
  const credential = await fromClient(c.env, claim.place, claim.secret);
  if (!credential || wasRefusedLately(credential, systemNow())) return invalidClient;
  const early = before();
  if (early) return early;
  const answer = await entered<OAuthAnswer>(
    c,
    credential,
    (policy) => {
      if (policy === null) noteRefusal(credential, systemNow());
      return policy?.grantTypes ? null : invalidClient;
    },
    (inside) => {
      const { secretHash, grantTypes } = inside.policy;
      const isConfidential = secretHash !== null;
      return work({ ...inside, c, claim, grantTypes: grantTypes ?? [], isConfidential });
    },
  );
  const isSuspended = answer instanceof Refusal && answer.problem === "tenant-suspended";
  return isSuspended ? refused("unauthorized_client", "The client's business is suspended.") : answer;
}
