import { DurableObject } from "cloudflare:workers";
import type { z } from "zod";
import { systemNow } from "#platform/clock.ts";
import type { BudgetRpc, Env } from "#platform/env.ts";
import { Kept, type TakeAnswer, TakeRequest } from "./budget-messages.ts";
import { giveBack, nextForgotten, remembered, type Spent, take } from "./budget-rules.ts";
import { budgets, type Payer } from "./budgets.ts";

/**
 * How much one number, user, network, business or invited address has cost of late. Stored before it is answered, so that of many
 * that ask at once no more are admitted than there is room for; gone when all of it is forgotten.
 */
export class Budget extends DurableObject<Env> implements BudgetRpc {
  #lastMs = 0;

  async take(payload: unknown): Promise<z.input<typeof TakeAnswer>> {
    const { payer, id } = TakeRequest.parse(payload);
    const before = this.#spent();
    const { spent, refusedUntil } = take(before, budgets[payer], id, this.#now());
    if (refusedUntil !== null) return { v: 1, outcome: "refused", until: refusedUntil };
    await this.#keep(payer, spent);
    return { v: 1, outcome: "admitted" };
  }

  /** Another budget had no room, so nothing was sent. */
  async giveBack(payload: unknown): Promise<void> {
    const { payer, id } = TakeRequest.parse(payload);
    await this.#keep(payer, giveBack(this.#spent(), id));
  }

  override async alarm(): Promise<void> {
    const kept = this.#kept();
    if (kept) await this.#keep(kept.payer, remembered(kept.spent, budgets[kept.payer], this.#now()));
  }

  // A clock that steps back shall not make room.
  #now(): number {
    this.#lastMs = Math.max(this.#lastMs, systemNow());
    return this.#lastMs;
  }

  #spent(): Spent {
    return this.#kept()?.spent ?? [];
  }

  // What another version stored and this one cannot read is forgotten: nobody is refused by it for good.
  #kept(): Kept | null {
    return Kept.safeParse(this.ctx.storage.kv.get("budget")).data ?? null;
  }

  // State and alarm without a pause between: they are written as one, and nobody else's text comes between them.
  async #keep(payer: Payer, spent: Spent): Promise<void> {
    const { storage } = this.ctx;
    const forgottenAt = nextForgotten(spent, budgets[payer]);
    if (forgottenAt === null) {
      await Promise.all([storage.deleteAlarm(), storage.deleteAll()]);
      return;
    }
    storage.kv.put("budget", { v: 1, payer, spent } satisfies z.input<typeof Kept>);
    await storage.setAlarm(forgottenAt);
  }
}
