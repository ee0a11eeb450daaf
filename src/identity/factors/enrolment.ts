import { z } from "zod";
import { insert, remove, update } from "#db/changes.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meWriteOperation } from "#http/account-operation.ts";
import { commit, refuse, refuseField } from "#http/outcome.ts";
import { userById } from "#identity/accounts/account-queries.ts";
import { tell } from "#identity/identity-events.ts";
import { totpFactors } from "#identity/tables.ts";
import { factorQueries } from "./factor-queries.ts";
import { choicesOf, factorsOf, stateOf } from "./factors.ts";
import { freshRecoveryCodes } from "./new-recovery-codes.ts";
import { NewTotp, RecoveryCodes, TotpId } from "./schema.ts";
import { securityAge } from "./security-age.ts";
import { SixDigits } from "./six-digits.ts";
import { leftTooWeak, mailed, standing, strengthened, weakened } from "./standing.ts";
import { newTotpSecret, otpauthUri, qrSvg, verifyTotp } from "./totp.ts";

/** Replaces what was begun before and not confirmed; an authenticator in use goes on until the new one is confirmed. */
export const begin = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/factors/totp",
  summary: "Begin to set up an authenticator app",
  store: "directory",
  provedWithinSeconds: securityAge,
  returns: NewTotp,
  shownOnce: ["secret", "uri", "qrSvg"],
  status: 201,
  problems: [],
  async run({ directory, accounts, newId, user, now }) {
    const { me, ...factors } = await directory.read({
      me: one(users, user.userId),
      ...factorQueries(userById(user.userId)),
    });
    if (!me) return refuse("unauthorized");
    const { pendingTotp } = factorsOf(factors);
    const secret = newTotpSecret();
    const begun = { userId: user.userId, secret, state: "pending" as const, lastStep: -1 };
    const id = newId("tot");
    const uri = otpauthUri(secret, accounts.siteName, me.email);
    return commit(
      { id, secret, uri, qrSvg: qrSvg(uri) },
      ...(pendingTotp ? [remove(totpFactors, pendingTotp)] : []),
      insert(totpFactors, { id, ...begun }, now),
    );
  },
});

export const confirm = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/factors/totp/{totpId}/confirm",
  summary: "Confirm an authenticator app by its first code; your other sessions end",
  store: "directory",
  provedWithinSeconds: securityAge,
  params: z.object({ totpId: TotpId }),
  body: z.strictObject({ code: SixDigits }).meta({ id: "TotpConfirmation" }),
  returns: RecoveryCodes,
  shownOnce: ["recoveryCodes"],
  endsSessions: true,
  problems: ["not-found"],
  async run(context, { params, body }) {
    const { now } = context;
    const found = await standing(context);
    if (!found) return refuse("unauthorized");
    const { totp, pendingTotp: pending } = found.factors;
    if (pending === null || pending.id !== params.totpId) return refuse("not-found");
    // Whoever may see the secret may guess at its codes: nothing is counted.
    const verified = verifyTotp(pending.secret, body.code, { now, lastStep: null });
    if (!verified) return refuseField("/code", "is not the code that the app shows now");
    const { codes, changes } = await strengthened(context, found, "authenticator", ["otp", "mfa"]);
    return commit(
      { recoveryCodes: codes },
      ...(totp ? [remove(totpFactors, totp)] : []),
      update(totpFactors, pending, { state: "active", lastStep: verified.step }, now),
      ...changes,
    );
  },
});

export const removeTotp = meWriteOperation({
  mount: "me",
  method: "delete",
  path: "/factors/totp/{totpId}",
  summary: "Remove your authenticator app; your other sessions end, and with your last factor this one",
  store: "directory",
  provedWithinSeconds: securityAge,
  params: z.object({ totpId: TotpId }),
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["not-found", "sms-not-enough"],
  async run(context, { params }) {
    const found = await standing(context);
    if (!found) return refuse("unauthorized");
    const { totp } = found.factors;
    if (totp === null || totp.id !== params.totpId) return refuse("not-found");
    const left = { ...found.factors, totp: null };
    const refusal = await leftTooWeak(context, found, left);
    return (
      refusal ?? commit(null, remove(totpFactors, totp), ...weakened(context, found, "authenticator", left))
    );
  },
});

export const renew = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/factors/recovery-codes",
  summary: "Get a fresh set of recovery codes; those from before are dead",
  store: "directory",
  provedWithinSeconds: securityAge,
  returns: RecoveryCodes,
  shownOnce: ["recoveryCodes"],
  status: 201,
  problems: ["not-found"],
  async run(context) {
    const found = await standing(context);
    if (!found) return refuse("unauthorized");
    const { me, factors } = found;
    if (choicesOf(factors).length === 0) return refuse("not-found");
    const fresh = await freshRecoveryCodes(context, me.id, factors.recovery);
    return commit(
      { recoveryCodes: [...fresh.codes] },
      fresh.change,
      ...tell("mfa.recovery_renewed", me.id, {
        ...stateOf(factors),
        recoveryCodesLeft: fresh.codes.length,
      }),
      mailed(context, me, "recovery-codes", "renewed"),
    );
  },
});
