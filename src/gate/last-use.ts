import { z } from "zod";
import { recordLastUse } from "#db/last-use.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { minuteMs } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";

const Use = z.object({ cell: z.string(), tenantId: z.string(), principalId: z.string(), usedAt: z.number() });
type Use = z.output<typeof Use>;

/**
 * A key's last use, kept by its gate and written to the cell at most once a minute. The alarm outlives the object, so
 * what it needs is stored with it; the time of later uses is memory, and at worst a minute of it is lost.
 */
export class LastUse {
  readonly #storage: DurableObjectStorage;
  #latest: Use | null = null;
  #isPending = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Costs a write only when none is on its way; the caller's answer does not wait for it. */
  note(use: Use): void {
    this.#latest = use;
    if (this.#isPending) return;
    this.#isPending = true;
    void this.#schedule(use);
  }

  // An alarm may be left from before an eviction: set anew at each return, it would never ring.
  async #schedule(use: Use): Promise<void> {
    if ((await this.#storage.getAlarm()) !== null) return;
    void this.#storage.put("use", use, { allowUnconfirmed: true });
    void this.#storage.setAlarm(use.usedAt + minuteMs, { allowUnconfirmed: true });
  }

  async flush(env: Env): Promise<void> {
    this.#isPending = false;
    const use = this.#latest ?? Use.parse(await this.#storage.get("use"));
    this.#latest = null;
    const cell = cellOf(env, use.cell);
    if (!cell) return;
    const driver = new TenantDriver(new Store(cell.database, "first-primary"), use.tenantId);
    await recordLastUse(driver, use.principalId, use.usedAt);
  }
}
