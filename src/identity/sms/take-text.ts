import { exactToken } from "#crypto/blind-index.ts";
import { networkOf } from "#lib/cidr.ts";
import { secondMs } from "#lib/time.ts";
import { budgetOf } from "#platform/budgets.ts";
import { inTime } from "#platform/deadline.ts";
import type { BudgetRpc, Env } from "#platform/env.ts";
import { isRetryable } from "#platform/gates.ts";
import { errorFields, log } from "#platform/log.ts";
import { TakeAnswer } from "./budget-messages.ts";
import type { Payer } from "./budgets.ts";

/** A text that is about to be sent. */
export interface AskedText {
  /** The request's own: asked twice, it is paid once. */
  readonly id: string;
  /** E.164, in its one spelling. */
  readonly number: string;
  readonly userId: string;
  /** Where the request came from. */
  readonly address: string | null;
  /** Whose budget it counts against: a business, or what is beyond its own; null where its user has none. */
  readonly payer: string | null;
}

export type TakenText =
  | { readonly outcome: "admitted" }
  /** ms since 1970. */
  | { readonly outcome: "refused"; readonly until: number }
  /** A budget did not answer. Nothing is sent that nobody counts: 503. */
  | { readonly outcome: "unavailable" };

const deadlineMs = 5 * secondMs;

/**
 * Takes one text of every budget that it counts against, or of none. The business's comes last: what the others refuse
 * shall not hold a place of it, not even for a moment.
 */
export async function takeText(env: Env, indexKey: CryptoKey, asked: AskedText): Promise<TakenText> {
  const { id, number, userId, address, payer } = asked;
  const groups: readonly (readonly [Payer, string])[][] = [
    [
      ["number", number],
      ["user", userId],
      // Those whose address nobody knows share one.
      ["network", networkOf(address ?? "") ?? "unknown"],
    ],
    [["tenant", payer ?? "nobody's"]],
  ];
  const taken: { readonly giveBack: () => Promise<unknown> }[] = [];
  for (const group of groups) {
    const places = await Promise.all(group.map((each) => placeOf(env, indexKey, each, id)));
    const answers = await Promise.all(places.map((place) => told(place.take)));
    // Of one that did not answer nobody knows whether it counted.
    taken.push(...places.filter((_, index) => answers[index]?.outcome !== "refused"));
    const refusals = answers.flatMap((answer) => (answer?.outcome === "refused" ? [answer.until] : []));
    const isUnknown = answers.includes(null);
    if (!isUnknown && refusals.length === 0) continue;
    await Promise.all(taken.map(({ giveBack }) => told(giveBack)));
    return isUnknown ? { outcome: "unavailable" } : { outcome: "refused", until: Math.max(...refusals) };
  }
  return { outcome: "admitted" };
}

async function placeOf(env: Env, indexKey: CryptoKey, [payer, what]: readonly [Payer, string], id: string) {
  // Names are logged: this one says which budget it is, and whose to nobody without the key.
  const name = `texts-${payer}-${await exactToken(indexKey, `texts of ${payer}`, what)}`;
  const asking = { v: 1, payer, id } as const;
  return {
    take: async () => TakeAnswer.parse(await ask(env, name, (budget) => budget.take(asking))),
    giveBack: () => ask(env, name, (budget) => budget.giveBack(asking)),
  };
}

// Asked twice, a budget does once: what is spent is known by its id.
async function ask<T>(
  env: Env,
  name: string,
  asking: (budget: Pick<BudgetRpc, "take" | "giveBack">) => Promise<T>,
): Promise<T> {
  const once = () => inTime(deadlineMs, "A budget", asking(budgetOf(env, name)));
  try {
    return await once();
  } catch (error) {
    if (!isRetryable(error)) throw error;
    // A stub is of no use after an exception: ask by a new one.
    return await once();
  }
}

async function told<T>(asking: () => Promise<T>): Promise<T | null> {
  try {
    return await asking();
  } catch (error) {
    log("error", "a budget did not answer", errorFields(error));
    return null;
  }
}
