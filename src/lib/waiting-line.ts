/**
 * Counts who waits for something that serves one at a time, and lets no more than so many stand in line. Whoever joined
 * longer ago than `patienceMs` is taken to be gone: a request that is cancelled runs no `finally`. Times are ms since
 * 1970.
 */
export class WaitingLine {
  readonly #joinedAt = new Map<symbol, number>();
  readonly #most: number;
  readonly #patienceMs: number;

  constructor(most: number, patienceMs: number) {
    this.#most = most;
    this.#patienceMs = patienceMs;
  }

  /** A ticket to leave with; null where the line is full. */
  join(now: number): symbol | null {
    for (const [ticket, joinedAt] of this.#joinedAt)
      if (now - joinedAt > this.#patienceMs) this.#joinedAt.delete(ticket);
    if (this.#joinedAt.size >= this.#most) return null;
    const ticket = Symbol();
    this.#joinedAt.set(ticket, now);
    return ticket;
  }

  leave(ticket: symbol): void {
    this.#joinedAt.delete(ticket);
  }
}
