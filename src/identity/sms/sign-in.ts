import { z } from "zod";
import { commitAs, visitorOperation } from "#http/account-operation.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { placesOf } from "#identity/accounts/account-queries.ts";
import { choicesOf } from "#identity/factors/factors.ts";
import { challenged, goneOn, proven } from "#identity/factors/second-step.ts";
import { SixDigits } from "#identity/factors/six-digits.ts";
import { smsMethods } from "#identity/factors/sms-strength.ts";
import { Tokens, TokenText } from "#identity/sessions/schema.ts";
import { CodeSent } from "./schema.ts";
import { sendCode } from "./send-code.ts";
import { smsTermsOf } from "./sms-terms.ts";
import { takeCode } from "./take-code.ts";

/**
 * Where none of their businesses allows SMS any more a code is sent all the same: what it opens is their own account, and
 * none of those tenants. Else a business could lock people out of what is not its own. Such texts have a budget of their own
 * for each business, so that the people of one use up no other's.
 */
export const send = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/second-factor/sms",
  summary: "Have a code sent by SMS, to go on with a sign-in",
  can: publicOperation({ because: "the challenge is the credential, and the number is its user's own" }),
  store: "directory",
  body: z.strictObject({ challenge: TokenText }).meta({ id: "SignInSms" }),
  returns: CodeSent,
  status: 201,
  problems: ["challenge-not-valid", "sms-not-available", "too-many-texts"],
  async run(context, { body }) {
    const found = await challenged(context, body.challenge);
    if (found instanceof Refusal) return found;
    const { challenge, user, factors, sent, tenants } = found;
    const { sms } = factors;
    if (sms === null || !choicesOf(factors).includes("sms")) return refuse("sms-not-available");
    const members = await context.accounts.membersOf(placesOf(tenants), user.id).catch(() => []);
    const [place] = placesOf(tenants);
    const payer = smsTermsOf(members).payer ?? (place ? `beyond ${place.tenantId}` : null);
    const { number } = sms;
    const asked = { number, purpose: "sign-in", boundTo: challenge.id, before: sent, payer } as const;
    const sending = await sendCode(context, { userId: user.id, ...asked });
    return sending instanceof Refusal ? sending : commit(sending.answer, ...sending.changes);
  },
});

export const verify = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/second-factor/sms/verify",
  summary: "Go on with a sign-in by the code that was sent",
  can: publicOperation({ because: "the challenge is the credential, together with the code" }),
  store: "directory",
  body: z.strictObject({ challenge: TokenText, code: SixDigits }).meta({ id: "SmsSecondFactor" }),
  returns: Tokens,
  status: 201,
  problems: ["sign-in-failed", "challenge-not-valid"],
  async run(context, { body }) {
    const found = await challenged(context, body.challenge);
    if (found instanceof Refusal) return found;
    const { challenge, user, factors, sent } = found;
    const taken = await proven(context, found, async () =>
      choicesOf(factors).includes("sms") ? await takeCode(context, sent, challenge.id, body.code) : null,
    );
    if (taken instanceof Refusal) return taken;
    const { tokens, changes } = await goneOn(context, found, smsMethods);
    return commitAs(user.id, tokens, ...changes, taken);
  },
});
