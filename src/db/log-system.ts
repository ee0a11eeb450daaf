import { z } from "zod";
import type { Store } from "./store.ts";

/** One tenant's hour, by its start as RFC 3339. */
export interface TenantHour {
  readonly tenantId: string;
  readonly hour: string;
}

/**
 * The closed list of reads across the tenants of a log. They return ids and hours only, a bounded number of them; the
 * work goes on through each tenant's own driver.
 */
export class LogSystem {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Hours from `from` up to `until` whose calls are not all archived yet. */
  async hoursToArchive(from: string, until: string): Promise<TenantHour[]> {
    return await this.#hours(
      "select tenant_id, hour from call_hours indexed by call_hours_unarchived where archived < logged and hour >= ? and hour < ? order by hour limit 200",
      [from, until],
    );
  }

  /** Hours before `before` that still have rows. */
  async hoursToPurge(before: string): Promise<TenantHour[]> {
    return await this.#hours(
      "select tenant_id, hour from call_hours indexed by call_hours_unpurged where purged = 0 and hour < ? order by hour limit 200",
      [before],
    );
  }

  /** Hours before `before` whose rows are gone, and of which nothing else shall be left. */
  async hoursToForget(before: string): Promise<TenantHour[]> {
    return await this.#hours(
      "select tenant_id, hour from call_hours indexed by call_hours_by_age where purged = 1 and hour < ? order by hour limit 200",
      [before],
    );
  }

  /** Tenants that have uses of capabilities which ended before this day. */
  async tenantsWithOldUses(day: string): Promise<string[]> {
    const [rows] = await this.#store.batch([
      {
        text: "select distinct tenant_id from capability_uses indexed by capability_uses_by_age where last_day < ? limit 200",
        params: [day],
      },
    ]);
    return Tenants.parse(rows);
  }

  async #hours(text: string, params: readonly unknown[]): Promise<TenantHour[]> {
    const [rows] = await this.#store.batch([{ text, params }]);
    return Hours.parse(rows);
  }
}

const Tenants = z.array(z.object({ tenant_id: z.string() }).transform((row) => row.tenant_id));

const Hours = z.array(
  z
    .object({ tenant_id: z.string(), hour: z.string() })
    .transform(({ tenant_id: tenantId, hour }) => ({ tenantId, hour })),
);
