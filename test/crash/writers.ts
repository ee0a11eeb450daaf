import { randomUUID } from "node:crypto";

/** One write that a client wants done exactly once, and what it has heard of it. */
export interface Wish {
  readonly idempotencyKey: string;
  readonly kind: "customer" | "order";
  readonly body: object;
  /** The id that was answered; null while unacknowledged. */
  id: string | null;
}

export interface Shop {
  readonly base: string;
  readonly key: string;
  readonly customerId: string;
  readonly locationId: string;
}

/** Clients that write as fast as they are answered, and remember every wish whatever becomes of it. */
export class Writers {
  readonly wishes: Wish[] = [];
  readonly unacknowledged: Wish[] = [];
  inFlight = 0;
  readonly #shop: () => Shop;
  #isStopped = false;

  constructor(shop: () => Shop) {
    this.#shop = shop;
  }

  /** Resolves when every client has seen its connection die or was told to stop. */
  async run(clients: number): Promise<void> {
    this.#isStopped = false;
    await Promise.all(Array.from({ length: clients }, () => this.#client()));
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #client(): Promise<void> {
    while (!this.#isStopped) {
      const wish = this.#newWish();
      this.wishes.push(wish);
      this.inFlight += 1;
      const answer = await send(this.#shop(), wish).finally(() => {
        this.inFlight -= 1;
      });
      if (wish.id === null) this.unacknowledged.push(wish);
      if (answer === "dead") return;
    }
  }

  #newWish(): Wish {
    const { customerId, locationId } = this.#shop();
    const idempotencyKey = randomUUID();
    if (this.wishes.length % 2 === 0)
      return { idempotencyKey, kind: "customer", body: { name: `Walk-in ${idempotencyKey}` }, id: null };
    const lines = [
      { description: "Banner", quantityThousandths: 1000, unitPrice: 4200 },
      { description: "Fitting", quantityThousandths: 1500, unitPrice: 6000 },
    ];
    return { idempotencyKey, kind: "order", body: { customerId, locationId, lines }, id: null };
  }
}

/** Sends a wish and notes its id when it is acknowledged. */
export async function send(
  { base, key }: Shop,
  wish: Wish,
): Promise<"new" | "replayed" | "refused" | "dead"> {
  try {
    const answer = await fetch(`${base}/${wish.kind}s`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${key}`,
        "Content-Type": "application/json",
        "Idempotency-Key": wish.idempotencyKey,
      },
      body: JSON.stringify(wish.body),
    });
    const text = await answer.text();
    if (answer.status !== 201) return "refused";
    wish.id = String(JSON.parse(text).id);
    return answer.headers.get("idempotency-replayed") === "true" ? "replayed" : "new";
  } catch {
    return "dead";
  }
}
