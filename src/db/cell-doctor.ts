import type { Store } from "./store.ts";

/** What `keyline doctor` asks across tenants besides: ids of those with whom something is amiss, some of them. */
export class CellDoctor {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Tenants whose first audit row that is no leaf yet is as old as this, or gone. */
  async tenantsWithUnloggedAuditSince(before: string): Promise<string[]> {
    return await this.#ids(
      "select counters.tenant_id as id from counters indexed by counters_unlogged left join audit_log on audit_log.tenant_id = counters.tenant_id and audit_log.seq = counters.logged + 1 where counters.name = 'audit' and counters.value > counters.logged and counters.tenant_id > '' and coalesce(audit_log.created_at, '') <= ? limit 100",
      [before],
    );
  }

  /** Tenants that serve, and that nobody owns. */
  async tenantsWithoutOwner(): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from tenant_state where state = 'active' and not exists (select 1 from members indexed by members_owners where members.tenant_id = tenant_state.tenant_id and members.role = 'owner' and members.state = 'active') limit 100",
      [],
    );
  }

  /** Tenants with fewer audit rows than are marked as leaves. */
  async tenantsBehindTheirLog(): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from counters where name = 'audit' and logged > value limit 100",
    );
  }

  /** Tenants with a key as old as `before` that nobody has looked at since. */
  async tenantsWithForgottenKeys(before: string): Promise<string[]> {
    return await this.#ids(
      "select distinct tenant_id as id from tenant_keys indexed by tenant_keys_by_check where checked_at <= ? and created_at <= ? limit 100",
      [before, before],
    );
  }

  /** Tenants whose rows began to be moved to a newer key as long ago as this. */
  async tenantsInRotationSince(before: string): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from key_rotations indexed by key_rotations_pending where finished_at is null and started_at <= ? limit 100",
      [before],
    );
  }

  /** Tenants whose newest key is as old as this, or has sealed as often. Of all keys, so not for a request. */
  async tenantsWithSpentKeys(before: string, uses: number): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from tenant_keys where (created_at <= ? or uses >= ?) and not exists (select 1 from tenant_keys as newer where newer.tenant_id = tenant_keys.tenant_id and newer.id > tenant_keys.id) limit 100",
      [before, uses],
    );
  }

  /** Tenants of which any person's key may have sealed as often, by their counters. Of all, so not for a request. */
  async tenantsWithSpentPeople(uses: number, per: { audit: number; event: number }): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from counters group by tenant_id having sum(case name when 'audit' then value * ? when 'event' then value * ? else 0 end) >= ? limit 100",
      [per.audit, per.event, uses],
    );
  }

  async #ids(text: string, params: readonly unknown[] = []): Promise<string[]> {
    const [rows = []] = await this.#store.batch([{ text, params }]);
    return rows.map((row) => String(row.id));
  }
}
