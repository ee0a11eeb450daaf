import { type Change, remove } from "#db/changes.ts";
import { type directoryTenants, sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import type { MeContext } from "#http/account-operation.ts";
import { type Refusal, refuse } from "#http/outcome.ts";
import { activeSessionsIn, placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import { uncounted } from "#identity/accounts/attempt.ts";
import { type WaysIn, wayInQueries } from "#identity/accounts/ways-in.ts";
import { tell } from "#identity/identity-events.ts";
import { endSessions, inNewEpoch } from "#identity/sessions/end-sessions.ts";
import { codeIn } from "#identity/sms/sms-queries.ts";
import { hasStronger, isSmsAlone, smsTermsOf } from "#identity/sms/sms-terms.ts";
import { recoveryCodes, type smsCodes } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";
import type { MailData } from "#mail/kinds.ts";
import { mailTo } from "#mail/outgoing.ts";
import { factorQueries } from "./factor-queries.ts";
import { choicesOf, type FactorCounts, type Factors, factorsOf, stateOf } from "./factors.ts";
import { methodsOf, withMethods } from "./methods.ts";
import { freshRecoveryCodes } from "./new-recovery-codes.ts";
import { restsOnSms } from "./sms-strength.ts";

type Factor = "authenticator" | "passkey" | "sms";

/** Somebody who changes what they prove themselves with. */
export interface Standing {
  readonly me: Row<typeof users>;
  readonly current: Row<typeof sessions>;
  readonly others: readonly Row<typeof sessions>[];
  readonly factors: Factors;
  /** Besides a passkey. */
  readonly waysIn: Omit<WaysIn, "passkeys">;
  /** The code that is on its way to confirm a number. */
  readonly sent: Row<typeof smsCodes> | undefined;
  /** Where they may be a member. */
  readonly tenants: readonly Row<typeof directoryTenants>[];
}

/** In one round trip; null where their session is none. */
export async function standing({ directory, user }: MeContext): Promise<Standing | null> {
  const mine = userById(user.userId);
  const { me, current, active, sent, tenants, passwords, identities, ...found } = await directory.read({
    me: one(users, user.userId),
    current: one(sessions, user.sessionId),
    active: activeSessionsIn(mine),
    sent: codeIn(mine, "enrolment"),
    tenants: tenantsIn(mine),
    ...wayInQueries(mine),
    ...factorQueries(mine),
  });
  if (!me || !current) return null;
  const others = active.filter(({ id }) => id !== current.id);
  const waysIn = { passwords, identities };
  return { me, current, others, factors: factorsOf(found), waysIn, sent: sent[0], tenants };
}

/** With another factor: this session is strong by it, all others end, and the first one brings recovery codes along. */
export async function strengthened(
  context: MeContext,
  { me, current, others, factors }: Standing,
  factor: Factor,
  methods: readonly string[],
): Promise<{ readonly codes: string[] | null; readonly changes: readonly Change[] }> {
  const { now } = context;
  const at = timestamp(now);
  const proof = {
    strongAt: at,
    provedAt: at,
    methods: JSON.stringify(withMethods(current, methods)),
  };
  const before = stateOf(factors);
  const fresh = factors.recovery ? null : await freshRecoveryCodes(context, me.id, null);
  return {
    codes: fresh && [...fresh.codes],
    changes: [
      ...(fresh ? [fresh.change] : []),
      ...inNewEpoch(me, current, now, proof),
      ...endSessions(others, "factor-changed", now),
      ...told(context, me, factor, "added", {
        ...before,
        ...countsAfter[factor](before),
        recoveryCodesLeft: fresh?.codes.length ?? before.recoveryCodesLeft,
      }),
    ],
  };
}

const countsAfter: Readonly<Record<Factor, (before: FactorCounts) => Partial<FactorCounts>>> = {
  authenticator: () => ({ totp: 1 }),
  passkey: ({ passkeys }) => ({ passkeys: passkeys + 1 }),
  sms: () => ({ sms: 1 }),
};

/**
 * With one factor less: all other sessions end, and this one as well where none is left but SMS, as nothing is what it was
 * strong by; where a business asks for a factor, the next sign-in is asked.
 */
export function weakened(
  context: MeContext,
  { me, current, others, factors }: Standing,
  factor: Factor,
  left: Factors,
): Change[] {
  const { now } = context;
  const isLast = choicesOf(left).length === 0;
  const isOver = !hasStronger(left) || restsOnSms(methodsOf(current));
  return [
    ...(isLast && factors.recovery ? [remove(recoveryCodes, factors.recovery)] : []),
    ...inNewEpoch(me, isOver ? null : current, now),
    ...endSessions(isOver ? [...others, current] : others, "factor-changed", now),
    ...told(context, me, factor, "removed", stateOf({ ...left, recovery: isLast ? null : left.recovery })),
  ];
}

/** Null where that much may be left; the privileged are not to be left with SMS alone. */
export async function leftTooWeak(
  { accounts }: MeContext,
  { me, tenants }: Standing,
  left: Factors,
): Promise<Refusal | null> {
  if (!isSmsAlone(left)) return null;
  const members = await accounts.membersOf(placesOf(tenants), me.id).catch(() => null);
  if (members === null) return uncounted;
  return smsTermsOf(members).isPrivileged ? refuse("sms-not-enough") : null;
}

function told(
  context: MeContext,
  me: Row<typeof users>,
  factor: Factor,
  change: "added" | "removed",
  after: FactorCounts,
): Change[] {
  const called = factor === "sms" ? "text-messages" : factor;
  return [
    ...tell(change === "added" ? "mfa.enrolled" : "mfa.removed", me.id, { factor, ...after }),
    mailed(context, me, called, change),
  ];
}

/** Whoever did it may be somebody else. */
export function mailed(
  { accounts, now }: MeContext,
  { id, email }: Row<typeof users>,
  factor: MailData<"factor-changed">["factor"],
  change: MailData<"factor-changed">["change"],
): Change {
  const data = { at: timestamp(now), factor, change, securityLink: `${accounts.issuer}/second-factor` };
  return mailTo({ kind: "factor-changed", to: email, data, userId: id }, now);
}
