import { secondMs } from "#lib/time.ts";

// A holder that is this late was killed with its timer.
const lateMs = secondMs;

/** What a request that adds something gives: its time, how long that may wait, and what keeps its work alive. */
export interface Adding {
  readonly now: number;
  readonly waitMs: number;
  readonly waitUntil: (work: Promise<void>) => void;
}

/** What is gathered, and where it goes. `send` is not to throw. */
export interface Gathering<T> {
  readonly begin: () => T;
  readonly isFull: (gathered: T) => boolean;
  readonly send: (gathered: T) => Promise<void>;
}

interface Filling<T> {
  readonly startedAt: number;
  readonly gathered: T;
  isTaken: boolean;
}

/**
 * What the requests of one isolate send somewhere, gathered for a while and sent together. To add is a push; the request
 * that begins holds a timer, and whoever fills it sends it. Best effort: an isolate that is killed takes it along.
 */
export class Gatherer<T> {
  readonly #gathering: Gathering<T>;
  #filling: Filling<T> | null = null;

  constructor(gathering: Gathering<T>) {
    this.#gathering = gathering;
  }

  add(put: (gathered: T) => void, { now, waitMs, waitUntil }: Adding): void {
    const filling = this.#filling;
    if (!filling) {
      const begun: Filling<T> = { startedAt: now, gathered: this.#gathering.begin(), isTaken: false };
      put(begun.gathered);
      this.#filling = begun;
      waitUntil(this.#sendAfter(waitMs, begun));
      return;
    }
    put(filling.gathered);
    const isLate = now - filling.startedAt > waitMs + lateMs;
    if (!this.#gathering.isFull(filling.gathered) && !isLate) return;
    this.#filling = null;
    // By a timer too, so that the request that filled it is answered first.
    waitUntil(this.#sendAfter(0, filling));
  }

  async #sendAfter(ms: number, filling: Filling<T>): Promise<void> {
    // No wait at all is by the platform's own timer: where tests hold setTimeout still, what is full goes nevertheless.
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    else await scheduler.wait(0);
    if (filling.isTaken) return;
    filling.isTaken = true;
    if (this.#filling === filling) this.#filling = null;
    await this.#gathering.send(filling.gathered);
  }
}
