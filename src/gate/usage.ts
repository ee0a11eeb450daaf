import { z } from "zod";
import type { CountMessage } from "#lib/call-record.ts";
import { dayMs, hourStart, minuteMs, secondMs } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { recordArrival, recordElsewhere } from "./arrivals.ts";

// Shorter than any object must be idle to be evicted, and none is while a timer runs.
const idleMs = 5 * secondMs;

export interface Principal {
  readonly cell: string;
  readonly tenantId: string;
  readonly principalId: string;
}

/** Seals from where a principal came, when that is to be kept: at most some times a minute, however many calls there are. */
export type Origin = () => Promise<string | null>;

const Kept = z.object({
  cell: z.string(),
  tenantId: z.string(),
  principalId: z.string(),
  /** ms since 1970; null for who was not let in. */
  usedAt: z.number().nullable(),
  /** From where it came then, sealed; null where that is not known. */
  origin: z.string().nullable().default(null),
  /** When it was last refused for its address, ms since 1970; null where it was not. */
  elsewhereAt: z.number().nullable().default(null),
  /** How many calls each hour had, by its start in ms since 1970. */
  hours: z.array(z.tuple([z.number(), z.int()])).default([]),
});
type Kept = z.output<typeof Kept>;

/**
 * A principal's calls by the hour and its last use, kept by the gate and told to the cell at most once a minute.
 * The alarm outlives the object, so what it needs is stored with it: when it is set, and whenever the calls pause. So an
 * eviction forgets nothing, and a breakdown at worst a minute.
 */
export class Usage {
  readonly #storage: DurableObjectStorage;
  /** What was stored before this object began, or flushed since; read once. */
  #before: Promise<Kept | null> | null = null;
  #principal: Principal | null = null;
  #usedAt: number | null = null;
  #origin: Origin | null = null;
  #elsewhereAt: number | null = null;
  #hours = new Map<number, number>();
  #isPending = false;
  #isWatched = false;
  #noted = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Costs memory alone but at the start of a minute; the caller's answer does not wait for that either. */
  note(principal: Principal, at: number, origin: Origin | null): void {
    this.#principal = principal;
    if (origin) {
      this.#usedAt = at;
      this.#origin = origin;
    }
    const hour = hourStart(at);
    this.#hours.set(hour, (this.#hours.get(hour) ?? 0) + 1);
    this.#noted += 1;
    if (!this.#isPending) {
      this.#isPending = true;
      void this.#schedule(at);
    } else if (!this.#isWatched) void this.#watch();
  }

  /** That it came with all that it needs but from where it is not let in: before the call itself is noted. */
  noteElsewhere(at: number): void {
    this.#elsewhereAt = at;
  }

  // Each call but the last is followed by another, which costs no timer of its own.
  async #watch(): Promise<void> {
    this.#isWatched = true;
    for (let noted = -1; noted !== this.#noted; ) {
      noted = this.#noted;
      await scheduler.wait(idleMs);
    }
    this.#isWatched = false;
    await this.#keep();
  }

  // An alarm may be left from before an eviction: set anew at each return, it would never ring.
  async #schedule(at: number): Promise<void> {
    await this.#keep();
    if ((await this.#storage.getAlarm()) !== null) return;
    void this.#storage.setAlarm(at + minuteMs, { allowUnconfirmed: true });
  }

  async #keep(): Promise<void> {
    const kept = await this.#total();
    if (kept) void this.#storage.put("use", kept, { allowUnconfirmed: true });
  }

  async #total(): Promise<Kept | null> {
    this.#before ??= this.#storage.get("use").then((stored) => Kept.safeParse(stored).data ?? null);
    const before = await this.#before;
    if (!this.#principal) return before;
    const origin = this.#origin;
    const sealed = origin ? await origin().catch(unsealed) : (before?.origin ?? null);
    if (origin && this.#origin === origin) this.#origin = () => Promise.resolve(sealed);
    const hours = new Map(before?.hours);
    for (const [hour, calls] of this.#hours) hours.set(hour, (hours.get(hour) ?? 0) + calls);
    return {
      ...this.#principal,
      usedAt: this.#usedAt ?? before?.usedAt ?? null,
      origin: sealed,
      elsewhereAt: this.#elsewhereAt ?? before?.elsewhereAt ?? null,
      hours: [...hours],
    };
  }

  /** Tells what stands so far. Where it throws, the alarm rings again and tells no less. */
  async flush(env: Env): Promise<void> {
    this.#isPending = false;
    const total = await this.#total();
    const cell = total && cellOf(env, total.cell);
    if (!cell) return;
    this.#goOnFrom(total);
    this.#hours = new Map();
    this.#usedAt = null;
    this.#origin = null;
    this.#elsewhereAt = null;
    const { tenantId, principalId, usedAt, origin, elsewhereAt } = total;
    // One that is older was written long ago: it only stood here for this hour to go on from.
    const hours = total.hours.filter(([hour]) => hour > systemNow() - dayMs);
    const counted: CountMessage = { v: 1, tenantId, actorId: principalId, hours };
    await Promise.all([
      // By the calls' own queue: written one by one, a busy cell's gates alone would keep its log's database busy.
      cell.calls.send(counted),
      usedAt === null ? null : recordArrival(env, cell, { tenantId, principalId, usedAt, origin }),
      elsewhereAt === null ? null : recordElsewhere(cell, { tenantId, principalId }, elsewhereAt),
    ]);
    // The latest hour may go on; of what was noted meanwhile nothing stands in `total`.
    this.#goOnFrom({ ...total, usedAt: null, origin: null, elsewhereAt: null, hours: hours.slice(-1) });
    await this.#keep();
  }

  #goOnFrom(kept: Kept): void {
    this.#before = Promise.resolve(kept);
  }
}

// That it came is told without where it came from.
function unsealed(error: unknown): null {
  log("warn", "from where a principal came could not be sealed", errorFields(error));
  return null;
}
