import { z } from "zod";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { type MeContext, meWriteOperation } from "#http/account-operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import { uncounted } from "#identity/accounts/attempt.ts";
import { factorQueries } from "#identity/factors/factor-queries.ts";
import { choicesOf, factorsOf } from "#identity/factors/factors.ts";
import { SixDigits } from "#identity/factors/six-digits.ts";
import { smsMethods } from "#identity/factors/sms-strength.ts";
import { SteppedUp, steppedUp, triedInSession } from "#identity/factors/step-up.ts";
import { CodeSent } from "./schema.ts";
import { sendCode } from "./send-code.ts";
import { codeIn } from "./sms-queries.ts";
import { smsTermsOf } from "./sms-terms.ts";
import { takeCode } from "./take-code.ts";

/** Of whoever has nothing better; where it is not allowed, or not enough, they sign in anew. */
export const send = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/step-up/sms",
  summary: "Have a code sent by SMS, to prove once more that it is you",
  store: "directory",
  returns: CodeSent,
  status: 201,
  problems: ["sms-not-available", "sms-not-enough", "too-many-texts"],
  async run(context) {
    const found = await mineNow(context);
    if (!found) return refuse("unauthorized");
    const { me, current, factors, sent, tenants } = found;
    const { sms } = factors;
    if (sms === null || !choicesOf(factors).includes("sms")) return refuse("sms-not-available");
    const members = await context.accounts.membersOf(placesOf(tenants), me.id).catch(() => null);
    if (members === null) return uncounted;
    const { payer, isPrivileged } = smsTermsOf(members);
    if (isPrivileged) return refuse("sms-not-enough");
    if (payer === null) return refuse("sms-not-available");
    const { number } = sms;
    const asked = { number, purpose: "step-up", boundTo: current.id, before: sent, payer } as const;
    const sending = await sendCode(context, { userId: me.id, ...asked });
    return sending instanceof Refusal ? sending : commit(sending.answer, ...sending.changes);
  },
});

export const verify = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/step-up/sms/verify",
  summary: "Prove once more that it is you, by the code that was sent",
  store: "directory",
  body: z.strictObject({ code: SixDigits }).meta({ id: "SmsStepUp" }),
  returns: SteppedUp,
  problems: [],
  async run(context, { body }) {
    const found = await mineNow(context);
    if (!found) return refuse("unauthorized");
    const { current, factors, sent } = found;
    const detail = "is not the code that we sent, or is too old";
    const taken = await triedInSession(context, current, detail, async () =>
      choicesOf(factors).includes("sms") ? await takeCode(context, sent, current.id, body.code) : null,
    );
    return taken instanceof Refusal ? taken : steppedUp(context, current, taken, smsMethods);
  },
});

async function mineNow({ directory, user }: MeContext) {
  const mine = userById(user.userId);
  const { me, current, tenants, sent, ...factors } = await directory.read({
    me: one(users, user.userId),
    current: one(sessions, user.sessionId),
    tenants: tenantsIn(mine),
    sent: codeIn(mine, "step-up"),
    ...factorQueries(mine),
  });
  if (!me || !current) return null;
  return { me, current, tenants, sent: sent[0], factors: factorsOf(factors) };
}
