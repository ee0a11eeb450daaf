import { dayMs, minuteMs } from "#lib/time.ts";
import type { Window } from "./budget-rules.ts";

/**
 * What texts are counted against: the number they go to, who has them sent, the network that asks, and the business that
 * allows them. Each costs money, and who makes a deployment send many to numbers of their own is paid for it. And what
 * invitations are: the address they go to, by however many businesses.
 */
export const payers = ["number", "user", "network", "tenant", "invited"] as const;
export type Payer = (typeof payers)[number];

const quarterMs = 15 * minuteMs;

/** The whole policy. */
export const budgets: Readonly<Record<Payer, readonly Window[]>> = {
  number: [
    { most: 3, perMs: quarterMs },
    { most: 8, perMs: dayMs },
  ],
  // Whoever tries one number after the other.
  user: [
    { most: 5, perMs: quarterMs },
    { most: 12, perMs: dayMs },
  ],
  // A whole office may stand behind one.
  network: [
    { most: 30, perMs: quarterMs },
    { most: 100, perMs: dayMs },
  ],
  tenant: [{ most: 200, perMs: dayMs }],
  invited: [{ most: 5, perMs: dayMs }],
};
