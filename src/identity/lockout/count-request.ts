import { exactToken } from "#crypto/blind-index.ts";
import type { SignedIn } from "#http/account-operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { showRate } from "#http/rate-fields.ts";
import type { RequestContext } from "#http/request-state.ts";
import { askObject } from "#platform/ask-object.ts";
import { lockoutOf } from "#platform/lockouts.ts";
import { errorFields, log } from "#platform/log.ts";
import { TakeAnswer } from "./messages.ts";
import { requestLimits } from "./request-rules.ts";

/**
 * One hop to what counts this user's requests; the answer tells what is left. null: they may go on. What does not answer
 * lets nobody on, as a gate would not.
 */
export async function countRequest(
  c: RequestContext,
  indexKey: CryptoKey,
  { userId, sessionId }: SignedIn,
): Promise<Refusal | null> {
  try {
    const name = `requests-${await exactToken(indexKey, "lockout requests", userId)}`;
    const told = await askObject("a lockout", () => lockoutOf(c.env, name).take({ v: 1, sessionId }));
    const { by, rate } = TakeAnswer.parse(told);
    showRate(c, by, requestLimits[by], rate);
    const { retryAfterSeconds } = rate;
    return retryAfterSeconds > 0 ? new Refusal("rate-limited", { retryAfterSeconds }, []) : null;
  } catch (error) {
    log("error", "what counts a user's requests did not answer", errorFields(error));
    return refuse("unavailable");
  }
}
