import { exactToken } from "#crypto/blind-index.ts";
import { answerOf } from "#platform/ask-object.ts";
import { budgetOf } from "#platform/budgets.ts";
import type { Env } from "#platform/env.ts";
import { TakeAnswer } from "./budget-messages.ts";
import type { Payer } from "./budgets.ts";

/** A place in one budget. */
export interface BudgetPlace {
  /** null: it did not answer, and nobody knows whether it counted. */
  take(): Promise<TakeAnswer | null>;
  giveBack(): Promise<unknown>;
}

/** The place of `what` in the budget of its kind; the same `id` takes no other, however often it asks. */
export async function budgetPlace(
  env: Env,
  indexKey: CryptoKey,
  [payer, what]: readonly [Payer, string],
  id: string,
): Promise<BudgetPlace> {
  // Names are logged: this one says which budget it is, and whose to nobody without the key.
  const name = `${payer}-${await exactToken(indexKey, `budget of ${payer}`, what)}`;
  const asking = { v: 1, payer, id } as const;
  return {
    take: () => answerOf("a budget", async () => TakeAnswer.parse(await budgetOf(env, name).take(asking))),
    giveBack: () => answerOf("a budget", () => budgetOf(env, name).giveBack(asking)),
  };
}
