import { DurableObject } from "cloudflare:workers";
import type { z } from "zod";
import { systemNow } from "#platform/clock.ts";
import type { Env, LockoutRpc } from "#platform/env.ts";
import { limits } from "./limits.ts";
import {
  aged,
  cleared,
  type LockoutState,
  nextChange,
  noFailures,
  reserve,
  settle,
} from "./lockout-rules.ts";
import {
  ClearRequest,
  Kept,
  type ReserveAnswer,
  ReserveRequest,
  type SettleAnswer,
  SettleRequest,
  type TakeAnswer,
  TakeRequest,
} from "./messages.ts";
import { noRequests, takeRequest } from "./request-rules.ts";

type Counted = Pick<Kept, "purpose" | "kind">;

/**
 * The failures of one identifier, or of one network, for one purpose. Stored before anything is answered, so that no
 * restart forgives any; gone when it is back to nothing, so that what strangers type does not pile up. Objects of another
 * name count what one user asks for.
 */
export class Lockout extends DurableObject<Env> implements LockoutRpc {
  #lastMs = 0;
  #requests = noRequests;

  /** May one more be tried now. */
  async reserve(payload: unknown): Promise<z.input<typeof ReserveAnswer>> {
    const { purpose, kind, id } = ReserveRequest.parse(payload);
    const before = this.#state();
    const { state, refusedUntil } = reserve(before, limits[purpose][kind], id, this.#now());
    // A flood of tries that are refused writes nothing.
    if (state !== before) await this.#keep({ purpose, kind }, state);
    if (refusedUntil === null) return { v: 1, outcome: "admitted" };
    return { v: 1, outcome: "refused", until: refusedUntil };
  }

  /** How it ended. */
  async settle(payload: unknown): Promise<z.input<typeof SettleAnswer>> {
    const { purpose, kind, id, outcome } = SettleRequest.parse(payload);
    const before = this.#state();
    const state = settle(before, limits[purpose][kind], { id, outcome }, this.#now());
    if (state !== before) await this.#keep({ purpose, kind }, state);
    return { v: 1, lockedUntil: state.lockedUntil > before.lockedUntil ? state.lockedUntil : null };
  }

  /** Whoever was counted has proven who they are, in another way. */
  async clear(payload: unknown): Promise<void> {
    await this.#keep(ClearRequest.parse(payload), cleared(this.#state()));
  }

  /** One more request of this session's user; in memory, as a bucket is full again before its object can be evicted. */
  async take(payload: unknown): Promise<z.input<typeof TakeAnswer>> {
    const { sessionId } = TakeRequest.parse(payload);
    const { by, outcome, state } = takeRequest(this.#requests, sessionId, this.#now());
    this.#requests = state;
    const { remaining, resetSeconds, retryAfterSeconds } = outcome;
    return { v: 1, by, rate: { remaining, resetSeconds, retryAfterSeconds } };
  }

  override async alarm(): Promise<void> {
    const kept = this.#kept();
    if (kept) await this.#keep(kept, aged(kept.state, limits[kept.purpose][kept.kind], this.#now()));
  }

  // A clock that steps back shall not make a lock longer.
  #now(): number {
    this.#lastMs = Math.max(this.#lastMs, systemNow());
    return this.#lastMs;
  }

  #state(): LockoutState {
    return this.#kept()?.state ?? noFailures;
  }

  // What another version stored and this one cannot read is forgotten: nobody is locked out by it for good.
  #kept(): Kept | null {
    return Kept.safeParse(this.ctx.storage.kv.get("lockout")).data ?? null;
  }

  // State and alarm without a pause between: they are written as one, and nobody else's try comes between them.
  async #keep({ purpose, kind }: Counted, state: LockoutState): Promise<void> {
    const { storage } = this.ctx;
    const changesAt = nextChange(state, limits[purpose][kind]);
    if (changesAt === null) {
      await Promise.all([storage.deleteAlarm(), storage.deleteAll()]);
      return;
    }
    storage.kv.put("lockout", { v: 1, purpose, kind, state } satisfies z.input<typeof Kept>);
    await storage.setAlarm(changesAt);
  }
}
