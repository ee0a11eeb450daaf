import { z } from "zod";
import { type Change, remove } from "#db/changes.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import type { MeContext } from "#http/account-operation.ts";
import { activeSessionsIn, userById } from "#identity/accounts/account-queries.ts";
import { tell } from "#identity/identity-events.ts";
import { mailTo } from "#identity/mail/outgoing.ts";
import { endSessions, inNewEpoch } from "#identity/sessions/end-sessions.ts";
import { recoveryCodes } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";
import { factorQueries } from "./factor-queries.ts";
import { type FactorCounts, type Factors, factorsOf, stateOf } from "./factors.ts";
import { freshRecoveryCodes } from "./new-recovery-codes.ts";

type Factor = "authenticator" | "passkey";

/** Somebody who changes what they prove themselves with. */
export interface Standing {
  readonly me: Row<typeof users>;
  readonly current: Row<typeof sessions>;
  readonly others: readonly Row<typeof sessions>[];
  readonly factors: Factors;
}

/** In one round trip; null where their session is none. */
export async function standing({ directory, user }: MeContext): Promise<Standing | null> {
  const mine = userById(user.userId);
  const { me, current, active, ...found } = await directory.read({
    me: one(users, user.userId),
    current: one(sessions, user.sessionId),
    active: activeSessionsIn(mine),
    ...factorQueries(mine),
  });
  if (!me || !current) return null;
  const others = active.filter(({ id }) => id !== current.id);
  return { me, current, others, factors: factorsOf(found) };
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
  const known = z.array(z.string()).parse(JSON.parse(current.methods));
  const proof = {
    strongAt: at,
    provedAt: at,
    methods: JSON.stringify([...new Set([...known, ...methods])]),
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
        ...(factor === "authenticator" ? { totp: 1 } : { passkeys: before.passkeys + 1 }),
        recoveryCodesLeft: fresh?.codes.length ?? before.recoveryCodesLeft,
      }),
    ],
  };
}

/**
 * With one factor less: all other sessions end, and this one as well where none is left, as nothing is what it was strong
 * by; where a business asks for a factor, the next sign-in is asked.
 */
export function weakened(
  context: MeContext,
  { me, current, others, factors }: Standing,
  factor: Factor,
  isLast: boolean,
): Change[] {
  const { now } = context;
  const before = stateOf(factors);
  const codes = isLast && factors.recovery ? [remove(recoveryCodes, factors.recovery)] : [];
  return [
    ...codes,
    ...inNewEpoch(me, isLast ? null : current, now),
    ...endSessions(isLast ? [...others, current] : others, "factor-changed", now),
    ...told(context, me, factor, "removed", {
      ...before,
      ...(factor === "authenticator" ? { totp: 0 } : { passkeys: before.passkeys - 1 }),
      recoveryCodesLeft: isLast ? 0 : before.recoveryCodesLeft,
    }),
  ];
}

function told(
  { accounts, now }: MeContext,
  me: Row<typeof users>,
  factor: Factor,
  change: "added" | "removed",
  after: FactorCounts,
): Change[] {
  const data = { at: timestamp(now), factor, change, securityLink: `${accounts.issuer}/second-factor` };
  return [
    ...tell(change === "added" ? "mfa.enrolled" : "mfa.removed", me.id, { factor, ...after }),
    mailTo({ kind: "factor-changed", to: me.email, data, userId: me.id }, now),
  ];
}
