import type { Store } from "./store.ts";

/** The closed list of reads across tenants that copies of the audit's logs need, beside those of CellSystem. */
export class CellSinks {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Sweeper: copies of logs to go on with by now. */
  async sinksDue(now: string): Promise<{ tenantId: string; sink: string }[]> {
    const rows = await this.#rows(
      "select tenant_id, sink from audit_sink_progress indexed by audit_sink_progress_due where due_at <= ? order by due_at limit 1000",
      [now],
    );
    return rows.map((row) => ({ tenantId: String(row.tenant_id), sink: String(row.sink) }));
  }

  /**
   * Sweeper: tenants with a head that this sink neither has nor is known to lack, as one that was configured later.
   * From tenant to tenant along the key.
   */
  async tenantsUnknownToSink(sink: string): Promise<string[]> {
    const next =
      "select min(audit_checkpoints.tenant_id) from audit_checkpoints where audit_checkpoints.tenant_id > owners.tenant_id";
    const newest =
      "select max(size) from audit_checkpoints where audit_checkpoints.tenant_id = owners.tenant_id";
    const known = `select 1 from audit_sink_progress where audit_sink_progress.tenant_id = owners.tenant_id and sink = ? and (due_at is not null or size >= (${newest}))`;
    return await this.#ids(
      `with recursive owners (tenant_id) as (select min(tenant_id) from audit_checkpoints union all select (${next}) from owners where owners.tenant_id is not null) select tenant_id as id from owners where tenant_id is not null and not exists (${known}) limit 100`,
      [sink],
    );
  }

  /** Retention: the sinks that have rows, configured or not. */
  async sinksKnown(): Promise<string[]> {
    const first = "select min(sink) from audit_sink_progress indexed by audit_sink_progress_by_sink";
    const next = `${first} where audit_sink_progress.sink > known.sink`;
    const rows = await this.#rows(
      `with recursive known (sink) as (${first} union all select (${next}) from known where known.sink is not null) select sink from known where sink is not null limit 100`,
    );
    return rows.map((row) => String(row.sink));
  }

  /** Retention: tenants with rows of this sink. */
  async tenantsOfSink(sink: string): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from audit_sink_progress indexed by audit_sink_progress_by_sink where sink = ? limit 100",
      [sink],
    );
  }

  /** Lag: the tenant whose oldest head that this sink lacks is the oldest of all. */
  async furthestBehindAtSink(sink: string): Promise<string | null> {
    const [id] = await this.#ids(
      "select tenant_id as id from audit_sink_progress indexed by audit_sink_progress_by_sink where sink = ? and behind_since > '' order by behind_since limit 1",
      [sink],
    );
    return id ?? null;
  }

  async #ids(text: string, params: readonly unknown[] = []): Promise<string[]> {
    return (await this.#rows(text, params)).map((row) => String(row.id));
  }

  async #rows(text: string, params: readonly unknown[] = []) {
    const [rows = []] = await this.#store.batch([{ text, params }]);
    return rows;
  }
}
