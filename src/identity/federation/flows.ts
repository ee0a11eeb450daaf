import type { Flow } from "#crypto/flow-secrets.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import type { FederationFault, Vouched } from "#http/federation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { minuteMs } from "#lib/time.ts";
import { timeOfId } from "#lib/typeid.ts";

/** How long somebody may take at the issuer. */
const flowLivesMs = 10 * minuteMs;
const tryAgainSeconds = 5;

/** Where to send the browser, and what it is to bring back. */
export async function beginFlow(
  { accounts, newId }: DirectoryContext,
  { purpose, source, isFresh = false }: { purpose: string; source: string; isFresh?: boolean },
) {
  const id = newId("fls");
  const begun = await accounts.federation.begin({ id, purpose, source }, isFresh);
  if (typeof begun === "string") return refusalOf(begun);
  return { ...begun, source, flow: await accounts.makeToken("flow", { id, turn: 0 }) };
}

/** Whom the issuer vouches for, in the flow that this browser began for this purpose. */
export async function endFlow(
  { accounts, now }: DirectoryContext,
  purpose: string,
  answer: { readonly flow: string; readonly source: string; readonly parameters: string },
): Promise<Vouched | Refusal> {
  const named = await accounts.readToken("flow", answer.flow);
  if (!named || now - timeOfId(named.id) > flowLivesMs) return refuse("challenge-not-valid");
  const flow: Flow = { id: named.id, purpose, source: answer.source };
  const vouched = await accounts.federation.complete(flow, answer.parameters);
  return typeof vouched === "string" ? refusalOf(vouched) : vouched;
}

function refusalOf(fault: FederationFault): Refusal {
  switch (fault) {
    case "unknown":
      return refuse("not-found");
    case "unavailable":
      return new Refusal("unavailable", { retryAfterSeconds: tryAgainSeconds }, []);
    case "refused":
    case "not-genuine":
      return refuse("federated-sign-in-failed");
    case "foreign-domain":
      return refuse("foreign-domain");
  }
}
