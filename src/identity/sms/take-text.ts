import { type BudgetPlace, budgetPlace } from "#identity/budgets/budget-place.ts";
import type { Payer } from "#identity/budgets/budgets.ts";
import { networkOf } from "#lib/cidr.ts";
import type { Env } from "#platform/env.ts";

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
  const taken: BudgetPlace[] = [];
  for (const group of groups) {
    const places = await Promise.all(group.map((each) => budgetPlace(env, indexKey, each, id)));
    const answers = await Promise.all(places.map((place) => place.take()));
    // Of one that did not answer nobody knows whether it counted.
    taken.push(...places.filter((_, index) => answers[index]?.outcome !== "refused"));
    const refusals = answers.flatMap((answer) => (answer?.outcome === "refused" ? [answer.until] : []));
    const isUnknown = answers.includes(null);
    if (!isUnknown && refusals.length === 0) continue;
    await Promise.all(taken.map(({ giveBack }) => giveBack()));
    return isUnknown ? { outcome: "unavailable" } : { outcome: "refused", until: Math.max(...refusals) };
  }
  return { outcome: "admitted" };
}
