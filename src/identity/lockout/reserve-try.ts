import { exactToken } from "#crypto/blind-index.ts";
import type { Reservation, Settled } from "#http/account-operation.ts";
import { networkOf } from "#lib/cidr.ts";
import { answerOf, askObject } from "#platform/ask-object.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { lockoutOf } from "#platform/lockouts.ts";
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
  const answers = await Promise.all(places.map((place) => place.reserve()));
  const settleAll = async (outcome: TryOutcome): Promise<Settled> => {
    const admitted = places.filter((_, index) => answers[index]?.outcome === "admitted");
    const settled = await Promise.all(
      admitted.map(async (place) => ({ kind: place.kind, answer: await place.settle(outcome) })),
    );
    return { lockedUntil: settled.find(({ kind }) => kind === "identifier")?.answer?.lockedUntil ?? null };
  };
  if (answers.every((answer) => answer?.outcome === "admitted"))
    return { outcome: "admitted", settle: settleAll };
  await settleAll("released");
  return { outcome: answers.includes(null) ? "unavailable" : "refused" };
}

/**
 * For whoever followed a link that was mailed to them. Of passwords alone: else a mailbox would give as many tries at the
 * second factor as one likes, whose lock ends by itself. A network's is not cleared either: one's own mailbox would.
 * @throws Error where the counter does not answer
 */
export async function clearSignIn(env: Env, indexKey: CryptoKey, identifier: string): Promise<void> {
  const counted = { purpose: "sign-in", kind: "identifier" } as const;
  const name = await nameOf(indexKey, counted, identifier);
  await askObject("a lockout", () => lockoutOf(env, name).clear({ v: 1, ...counted }));
}

async function placeOf(env: Env, indexKey: CryptoKey, { purpose, identifier, address }: Try, kind: Kind) {
  const counted = { v: 1, purpose, kind } as const;
  const what = kind === "identifier" ? identifier : (networkOf(address ?? "") ?? unknownNetwork);
  const name = await nameOf(indexKey, counted, what);
  const id = newId("try");
  return {
    kind,
    reserve: () =>
      answerOf("a lockout", async () =>
        ReserveAnswer.parse(await lockoutOf(env, name).reserve({ ...counted, id })),
      ),
    settle: (outcome: TryOutcome) =>
      answerOf("a lockout", async () =>
        SettleAnswer.parse(await lockoutOf(env, name).settle({ ...counted, id, outcome })),
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
