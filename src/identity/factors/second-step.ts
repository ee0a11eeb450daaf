import { z } from "zod";
import { type Change, remove, update } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { commitAs, type VisitorContext, visitorOperation } from "#http/account-operation.ts";
import { publicOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { sessionsIn, tenantsIn, userByChallenge, userIn } from "#identity/accounts/account-queries.ts";
import { letIn } from "#identity/accounts/let-in.ts";
import { connected, knownIn, subjectOf } from "#identity/federation/connect.ts";
import { tell } from "#identity/identity-events.ts";
import { Tokens, TokenText } from "#identity/sessions/schema.ts";
import { codeIn } from "#identity/sms/sms-queries.ts";
import { isSmsAlone } from "#identity/sms/sms-terms.ts";
import { signInChallenges, totpFactors } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { factorQueries } from "./factor-queries.ts";
import { factorsOf, hashesOf, stateOf } from "./factors.ts";
import { withMethods } from "./methods.ts";
import { freshRecoveryCodes } from "./new-recovery-codes.ts";
import { RecoveredTokens, RecoveryCode } from "./schema.ts";
import { SixDigits } from "./six-digits.ts";
import { recoveryOfSmsMethods } from "./sms-strength.ts";
import { verifyTotp } from "./totp.ts";
import { triedFactor } from "./tried-factor.ts";

// RFC 8176.
const codeMethods = ["otp", "mfa"];
const because = "the challenge is the credential, together with the second factor";

export const secondFactor = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/second-factor",
  summary: "Go on with a sign-in by the code of an authenticator app",
  can: publicOperation({ because }),
  store: "directory",
  body: z.strictObject({ challenge: TokenText, code: SixDigits }).meta({ id: "SecondFactor" }),
  returns: Tokens,
  status: 201,
  problems: ["sign-in-failed", "challenge-not-valid"],
  async run(context, { body }) {
    const found = await challenged(context, body.challenge);
    if (found instanceof Refusal) return found;
    const { totp } = found.factors;
    const proved = await proven(context, found, async () => {
      if (!totp) return null;
      return verifyTotp(totp.secret, body.code, { now: context.now, lastStep: totp.lastStep });
    });
    if (proved instanceof Refusal) return proved;
    const { tokens, changes } = await goneOn(context, found, codeMethods);
    // Of many that send the same code at once one finds the row as it read it.
    const taken = totp ? [update(totpFactors, totp, { lastStep: proved.step }, context.now)] : [];
    return commitAs(found.user.id, tokens, ...changes, ...taken);
  },
});

export const recover = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/recovery",
  summary: "Go on with a sign-in by a recovery code; a fresh set is handed out",
  can: publicOperation({ because }),
  store: "directory",
  body: z.strictObject({ challenge: TokenText, recoveryCode: RecoveryCode }).meta({ id: "SignInRecovery" }),
  returns: RecoveredTokens,
  status: 201,
  problems: ["sign-in-failed", "challenge-not-valid"],
  async run(context, { body }) {
    const found = await challenged(context, body.challenge);
    if (found instanceof Refusal) return found;
    const { user } = found;
    const { recovery } = found.factors;
    const hashes = recovery ? hashesOf(recovery) : [];
    const proved = await proven(context, found, () =>
      context.accounts.findRecoveryCode(user.id, body.recoveryCode, hashes),
    );
    if (proved instanceof Refusal) return proved;
    const fresh = await freshRecoveryCodes(context, user.id, recovery);
    const methods = isSmsAlone(found.factors) ? recoveryOfSmsMethods : codeMethods;
    const { tokens, changes } = await goneOn(context, found, methods);
    const data = { at: timestamp(context.now), securityLink: `${context.accounts.issuer}/second-factor` };
    return commitAs(
      user.id,
      { ...tokens, recoveryCodes: [...fresh.codes] },
      ...changes,
      fresh.change,
      ...tell("mfa.recovery_used", user.id, {
        ...stateOf(found.factors),
        recoveryCodesLeft: fresh.codes.length,
      }),
      mailTo({ kind: "recovery-code-used", to: user.email, data, userId: user.id }, context.now),
    );
  },
});

type Challenged = Exclude<Awaited<ReturnType<typeof challenged>>, Refusal>;

/** Whose sign-in this challenge goes on with. */
export async function challenged({ directory, accounts, now }: VisitorContext, text: string) {
  const named = await accounts.readToken("challenge", text);
  if (!named) return refuse("challenge-not-valid");
  const theirs = userByChallenge(named.id);
  const { challenge, users, earlier, sent, tenants, ...factors } = await directory.read({
    challenge: one(signInChallenges, named.id),
    users: userIn(theirs),
    ...factorQueries(theirs),
    earlier: sessionsIn(theirs, 20),
    sent: codeIn(theirs, "sign-in"),
    tenants: tenantsIn(theirs),
  });
  const [user] = users;
  if (!isOpen(challenge, now) || user?.state !== "active") return refuse("challenge-not-valid");
  // All sessions were ended since, as by a new password: what was proved before that proves nothing.
  if (challenge.sessionEpoch !== user.sessionEpoch) return refuse("challenge-not-valid");
  return { challenge, user, factors: factorsOf(factors), earlier, sent: sent[0], tenants };
}

function isOpen(
  challenge: Row<typeof signInChallenges> | null,
  now: number,
): challenge is Row<typeof signInChallenges> {
  return challenge !== null && challenge.expiresAt > timestamp(now);
}

/** The code of a second factor, by which a sign-in goes on. */
export async function proven<T>(
  context: VisitorContext,
  { user }: Challenged,
  compare: () => Promise<T | null>,
): Promise<T | Refusal> {
  const refusal = (changes: readonly Change[]) => refuse("sign-in-failed", ...changes);
  return await triedFactor(context, { userId: user.id, identifier: user.id, refusal }, compare);
}

export async function goneOn(
  context: VisitorContext,
  { challenge, user, factors, earlier }: Challenged,
  methods: readonly string[],
) {
  const { tokens, changes } = await letIn(context, {
    user,
    methods: withMethods(challenge, methods),
    isStrong: true,
    factors,
    earlier,
    sso: challenge.sso,
  });
  const taken: Change = remove(signInChallenges, challenge);
  return { tokens, changes: [taken, ...changes, ...(await connecting(context, user, challenge.connects))] };
}

// Somebody who has proved both steps is known by the issuer that the first was taken at.
async function connecting(context: VisitorContext, user: Challenged["user"], connects: string | null) {
  if (connects === null) return [];
  const known = knownIn(connects);
  // It was connected meanwhile: the next sign-in finds it.
  const otherwise = { problem: "challenge-not-valid" } as const;
  return connected(context, user, known, await subjectOf(context, known), otherwise);
}
