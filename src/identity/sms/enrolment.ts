import { z } from "zod";
import { insert, remove, update } from "#db/changes.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meWriteOperation } from "#http/account-operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import { uncounted } from "#identity/accounts/attempt.ts";
import { factorQueries } from "#identity/factors/factor-queries.ts";
import { factorsOf } from "#identity/factors/factors.ts";
import { RecoveryCodes } from "#identity/factors/schema.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { SixDigits } from "#identity/factors/six-digits.ts";
import { smsMethods } from "#identity/factors/sms-strength.ts";
import { standing, strengthened, weakened } from "#identity/factors/standing.ts";
import { smsFactors } from "#identity/tables.ts";
import { CodeSent, PhoneNumber } from "./schema.ts";
import { sendCode } from "./send-code.ts";
import { codeIn } from "./sms-queries.ts";
import { hasStronger, smsTermsOf } from "./sms-terms.ts";
import { takeCode } from "./take-code.ts";

/** Replaces what was begun before and not confirmed; a number in use goes on until the new one is confirmed. */
export const begin = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/factors/sms",
  summary: "Begin to set up codes by SMS: one is sent to the number",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: z.strictObject({ number: PhoneNumber }).meta({ id: "NewSmsFactor" }),
  returns: CodeSent,
  status: 201,
  problems: ["sms-not-available", "sms-not-enough", "too-many-texts"],
  async run(context, { body: { number } }) {
    const { directory, accounts, newId, user, now } = context;
    const { userId } = user;
    const mine = userById(userId);
    const { me, tenants, sent, ...found } = await directory.read({
      me: one(users, userId),
      tenants: tenantsIn(mine),
      sent: codeIn(mine, "enrolment"),
      ...factorQueries(mine),
    });
    if (!me) return refuse("unauthorized");
    const members = await accounts.membersOf(placesOf(tenants), userId).catch(() => null);
    if (members === null) return uncounted;
    const { payer, isPrivileged } = smsTermsOf(members);
    if (payer === null) return refuse("sms-not-available");
    const factors = factorsOf(found);
    if (isPrivileged && !hasStronger(factors)) return refuse("sms-not-enough");
    const { pendingSms } = factors;
    const id = newId("smf");
    const asked = { userId, number, purpose: "enrolment", boundTo: id, before: sent[0], payer } as const;
    const sending = await sendCode(context, asked);
    if (sending instanceof Refusal) return sending;
    return commit(
      sending.answer,
      // Of two at once that find none the code's own guard has one run anew.
      ...(pendingSms ? [remove(smsFactors, pendingSms)] : []),
      insert(smsFactors, { id, userId, number, state: "pending" }, now),
      ...sending.changes,
    );
  },
});

export const confirm = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/factors/sms/confirm",
  summary: "Confirm the number by the code that was sent to it; your other sessions end",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: z.strictObject({ code: SixDigits }).meta({ id: "SmsConfirmation" }),
  returns: RecoveryCodes,
  endsSessions: true,
  problems: ["not-found"],
  async run(context, { body }) {
    const found = await standing(context);
    if (!found) return refuse("unauthorized");
    const { sms, pendingSms: pending } = found.factors;
    if (pending === null) return refuse("not-found");
    const taken = await takeCode(context, found.sent, pending.id, body.code);
    if (!taken) return refuseField("/code", "is not the code that we sent, or is too old");
    const { codes, changes } = await strengthened(context, found, "sms", smsMethods);
    return commit(
      { recoveryCodes: codes },
      taken,
      ...(sms ? [remove(smsFactors, sms)] : []),
      update(smsFactors, pending, { state: "active" }, context.now),
      ...changes,
    );
  },
});

export const removeSms = meWriteOperation({
  mount: "me",
  method: "delete",
  path: "/factors/sms",
  summary: "Remove your number; your other sessions end, and with your last factor this one",
  store: "directory",
  provedWithinSeconds: securityAge,
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["not-found"],
  async run(context) {
    const found = await standing(context);
    if (!found) return refuse("unauthorized");
    const { sms } = found.factors;
    if (sms === null) return refuse("not-found");
    const left = { ...found.factors, sms: null };
    return commit(null, remove(smsFactors, sms), ...weakened(context, found, "sms", left));
  },
});
