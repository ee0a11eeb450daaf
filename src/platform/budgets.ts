import type { BudgetRpc, Env } from "./env.ts";

/**
 * The one place where a budget is made or found. It stands beside the directory, which has no jurisdiction; names are
 * logged, so a name is an HMAC and nothing that was given.
 */
export function budgetOf(env: Env, name: string): DurableObjectStub<BudgetRpc> {
  return env.BUDGETS.getByName(name);
}

/** Is the namespace bound at all; whether its objects answer is for each text to see. */
export function hasBudgets(env: Env): boolean {
  return typeof env.BUDGETS?.getByName === "function";
}
