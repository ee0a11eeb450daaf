import { exactToken } from "#crypto/blind-index.ts";
import { networkOf } from "#lib/cidr.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { askLockout } from "./ask-lockout.ts";
import { type Kind, kinds, type Purpose } from "./limits.ts";
import type { TryOutcome } from "./lockout-rules.ts";
import { ReserveAnswer, SettleAnswer } from "./messages.ts";

/** What is about to be tried. */
export interface Try {
  readonly purpose: Purpose;
  /** Whom it is tried at, in one spelling: an e-mail's token, a user's id. It need not exist, and is locked no less. */
  readonly identifier: string;
  /** Where the request came from. */
  readonly address: string | null;
}

export type Reservation =
  | { readonly outcome: "admitted"; readonly settle: (outcome: TryOutcome) => Promise<Settled> }
  /** Answer as if it had been wrong: a lock is silent. ms since 1970. */
  | { readonly outcome: "refused"; readonly by: readonly Kind[]; readonly until: number }
  /** A counter did not answer. Nothing may be tried uncounted: 503. */
  | { readonly outcome: "unavailable" };

export interface Settled {
  /** ms since 1970 where this very try locked the identifier: the time to mail them a link. */
  readonly lockedUntil: number | null;
}

// Those whose address nobody knows share one limit.
const unknownNetwork = "unknown";

/**
 * Takes a place for one try, at the identifier's limit and at the network's, before anything is hashed or compared. What
 * is never settled counts as a failure a minute later, so what has no success (mails asked for) needs no settling. A try
 * that one of the two refuses is not counted by the other: a locked network locks nobody, and tries at somebody who is
 * locked cost their whole office nothing.
 */
export async function reserveTry(env: Env, indexKey: CryptoKey, asked: Try): Promise<Reservation> {
  const places = await Promise.all(kinds.map((kind) => placeOf(env, indexKey, asked, kind)));
  const answers = await Promise.all(places.map((place) => told(() => place.reserve())));
  const settleAll = async (outcome: TryOutcome): Promise<Settled> => {
    const admitted = places.filter((_, index) => answers[index]?.outcome === "admitted");
    const settled = await Promise.all(
      admitted.map(async (place) => ({ kind: place.kind, answer: await told(() => place.settle(outcome)) })),
    );
    return { lockedUntil: settled.find(({ kind }) => kind === "identifier")?.answer?.lockedUntil ?? null };
  };
  const refusals = places.flatMap(({ kind }, index) => {
    const answer = answers[index];
    return answer?.outcome === "refused" ? [{ kind, until: answer.until }] : [];
  });
  if (answers.includes(null) || refusals.length > 0) await settleAll("released");
  if (answers.includes(null)) return { outcome: "unavailable" };
  if (refusals.length === 0) return { outcome: "admitted", settle: settleAll };
  const until = Math.max(...refusals.map((refusal) => refusal.until));
  return { outcome: "refused", by: refusals.map(({ kind }) => kind), until };
}

/**
 * For whoever followed a link that was mailed to them. Of passwords alone: else a mailbox would give as many tries at the
 * second factor as one likes, whose lock ends by itself. A network's is not cleared either: one's own mailbox would.
 * @throws Error where the counter does not answer
 */
export async function clearSignIn(env: Env, indexKey: CryptoKey, identifier: string): Promise<void> {
  const counted = { purpose: "sign-in", kind: "identifier" } as const;
  const name = await nameOf(indexKey, counted, identifier);
  await askLockout(env, name, (lockout) => lockout.clear({ v: 1, ...counted }));
}

async function placeOf(env: Env, indexKey: CryptoKey, { purpose, identifier, address }: Try, kind: Kind) {
  const counted = { v: 1, purpose, kind } as const;
  const what = kind === "identifier" ? identifier : (networkOf(address ?? "") ?? unknownNetwork);
  const name = await nameOf(indexKey, counted, what);
  const id = newId("try");
  return {
    kind,
    reserve: async () =>
      ReserveAnswer.parse(await askLockout(env, name, (lockout) => lockout.reserve({ ...counted, id }))),
    settle: async (outcome: TryOutcome) =>
      SettleAnswer.parse(
        await askLockout(env, name, (lockout) => lockout.settle({ ...counted, id, outcome })),
      ),
  };
}

/** Names are logged: this one says what it limits, and whom to nobody without the key. */
async function nameOf(
  indexKey: CryptoKey,
  { purpose, kind }: { readonly purpose: Purpose; readonly kind: Kind },
  what: string,
): Promise<string> {
  return `${purpose}-${kind}-${await exactToken(indexKey, `lockout ${purpose} ${kind}`, what)}`;
}

async function told<T>(asking: () => Promise<T>): Promise<T | null> {
  try {
    return await asking();
  } catch (error) {
    log("error", "a lockout did not answer", errorFields(error));
    return null;
  }
}
