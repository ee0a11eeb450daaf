import { type Change, insert } from "#db/changes.ts";
import type { users } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { VisitorContext } from "#http/account-operation.ts";
import { Refusal } from "#http/outcome.ts";
import type { Known } from "#identity/federation/connect.ts";
import { tell } from "#identity/identity-events.ts";
import { signInChallenges } from "#identity/tables.ts";
import { minuteMs, timestamp } from "#lib/time.ts";

const challengeLivesMs = 10 * minuteMs;

interface FirstStep {
  /** RFC 8176. */
  readonly proved: readonly string[];
  /** By what the second step can be taken. */
  readonly choices: readonly string[];
  /** As the session's that it ends in. */
  readonly sso: string | null;
  /** What is connected to the account once the second is taken. */
  readonly connects?: Known | null;
}

/** The first step was right: what the second goes on from. */
export async function challengeFor(
  { accounts, newId, now }: VisitorContext,
  { id: userId, sessionEpoch }: Row<typeof users>,
  { proved, choices, sso, connects = null }: FirstStep,
  changes: readonly Change[],
): Promise<Refusal> {
  const id = newId("sic");
  const expiresAt = timestamp(now + challengeLivesMs);
  const begun = {
    id,
    userId,
    sessionEpoch,
    methods: JSON.stringify(proved),
    sso,
    connects: connects && JSON.stringify(connects),
    expiresAt,
  };
  const challenge = await accounts.makeToken("challenge", { id, turn: 0 });
  const accepted = proved.includes("pwd") ? "user.password_accepted" : "user.identity_accepted";
  return new Refusal("second-factor-required", { challenge, methods: [...choices] }, [
    ...changes,
    insert(signInChallenges, begun, now),
    ...tell(accepted, userId, { methods: choices.join(" ") }),
  ]);
}
