import { askTwice } from "#platform/ask-object.ts";
import type { Env } from "#platform/env.ts";
import { gateOf } from "#platform/gates.ts";
import type { Credential } from "./authenticate.ts";
import { type EnterRequest, enterAnswerFrom, Policy, type Rate } from "./policy.ts";

/** What a request tells its gate beside its credential. */
export type Asking = Pick<EnterRequest, "staleEpoch" | "recheck" | "address" | "place" | "spot"> &
  Partial<Pick<EnterRequest, "isExpensive">>;

/** What the gate says of it. */
export type Entrance =
  | { readonly outcome: "admitted" | "limited" | "elsewhere"; readonly policy: Policy; readonly rate: Rate }
  | { readonly outcome: "unknown" };

interface Known {
  readonly id: string | null;
  readonly text: string | null;
  readonly policy: Policy;
}

const mostKnown = 1_000;
// What this isolate was last told, by principal. Whether it still holds is for the gate to say, each time.
const known = new Map<string, Known>();

/** One hop to the principal's gate: is it active, what may it do, may it go now. */
export async function enter(env: Env, credential: Credential, asking: Asking): Promise<Entrance> {
  const { principalId, tenantId, secretHash, cell } = credential;
  const held = known.get(principalId) ?? null;
  const request: EnterRequest = {
    v: 1,
    cell: cell.id,
    principalId,
    tenantId,
    secretHash,
    isBare: credential.isBare ?? false,
    isExpensive: false,
    ...asking,
    knownPolicyId: held?.id ?? null,
  };
  const answer = enterAnswerFrom(await askTwice(() => gateOf(env, cell, principalId).enter(request)));
  if (answer.outcome === "unknown") {
    known.delete(principalId);
    return answer;
  }
  const { outcome, policy: text, policyId, rate } = answer;
  if (text === null) {
    if (!held) throw new Error("A gate left out rights that nobody has at hand.");
    return { outcome, policy: held.policy, rate };
  }
  const policy = held?.text === text ? held.policy : Policy.parse(JSON.parse(text));
  const [oldest] = known.keys();
  if (!held && oldest !== undefined && known.size >= mostKnown) known.delete(oldest);
  known.set(principalId, { id: policyId, text, policy });
  return { outcome, policy, rate };
}
