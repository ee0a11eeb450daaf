import { type SweepStart, tenantsToAlert, tenantsToTell } from "./alert-progress.ts";
import { type Forgettable, forgettableRows } from "./forgetting.ts";
import { type cellKinds, type Expired, expiredRows, kernelKinds } from "./retention.ts";
import type { Statement } from "./statement.ts";
import type { Store } from "./store.ts";
import { endpointsAtOnce } from "./webhooks/queue.ts";

/** A file that a sweeper is to deal with. */
export interface DueFile {
  readonly tenantId: string;
  readonly fileId: string;
}

/** Where somebody agreed to share something of theirs. */
export interface SharedRecord {
  readonly tenantId: string;
  readonly customerId: string;
}

/**
 * The closed list of reads across tenants. They return ids only; the work goes on through that tenant's own session.
 */
export class CellSystem {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Hydration: whose key this is. */
  async tenantOfApiKey(keyId: string): Promise<string | null> {
    const [id] = await this.#ids("select tenant_id as id from api_keys where id = ? limit 1", [keyId]);
    return id ?? null;
  }

  /**
   * Sweeper: tenants with events that no queue message has led to within a while. From tenant to tenant along the index,
   * so that one's many events keep nobody else's from being found.
   */
  async tenantsWithPendingEvents(before: string): Promise<string[]> {
    const first = "select min(tenant_id) from events indexed by events_pending where dispatched_at is null";
    const next =
      "select min(events.tenant_id) from events indexed by events_pending where events.dispatched_at is null and events.tenant_id > pending.tenant_id";
    const oldest =
      "select events.created_at from events indexed by events_pending where events.tenant_id = pending.tenant_id and events.dispatched_at is null order by events.seq limit 1";
    return await this.#ids(
      `with recursive pending (tenant_id) as (${first} union all select (${next}) from pending where pending.tenant_id is not null) select tenant_id as id from pending where (${oldest}) <= ? limit 1000`,
      [before],
    );
  }

  /** Sweeper: tenants with audit rows that are no leaves of their log yet. */
  async tenantsWithUnloggedAudit(): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from counters indexed by counters_unlogged where name = 'audit' and value > logged and tenant_id > '' limit 1000",
    );
  }

  /** Sweeper: tenants with audit rows, alerts that were held back until now, or notices of before then to see to. */
  async tenantsToAlert(now: string, before: string, start: SweepStart): Promise<string[]> {
    return await this.#tenants(tenantsToAlert(now, before, start));
  }

  /** Doctor: tenants with alerts, or notices, that were to be told of by then. */
  async tenantsToTell(before: string): Promise<string[]> {
    return await this.#tenants(tenantsToTell(before, before));
  }

  /**
   * Consent: where else in the cell this person agreed to share one of these fields. Only a consent has a token, so
   * whoever gave none is nowhere, and a tenant holds at most one of each person. Those that share nothing wanted are none
   * of the ten, or their tenants would keep the others' from being found.
   */
  async consentsOf(
    identityToken: string,
    exceptTenantId: string,
    wanted: readonly string[],
  ): Promise<SharedRecord[]> {
    const rows = await this.#rows(
      "select tenant_id, id from customer_consents indexed by customer_consents_by_identity where identity_token = ? and tenant_id <> ? and exists (select 1 from json_each(fields) where value in (select value from json_each(?))) and exists (select 1 from tenant_state where tenant_state.tenant_id = customer_consents.tenant_id and state = 'active') order by tenant_id limit 10",
      [identityToken, exceptTenantId, JSON.stringify(wanted)],
    );
    return rows.map((row) => ({ tenantId: String(row.tenant_id), customerId: String(row.id) }));
  }

  /** Sweeper: effects that were intended and never settled. */
  async staleIntents(now: string): Promise<{ tenantId: string; intentId: string }[]> {
    const rows = await this.#rows(
      "select tenant_id, id from intents indexed by intents_due where state = 'intended' and due_at <= ? order by due_at limit 500",
      [now],
    );
    return rows.map((row) => ({ tenantId: String(row.tenant_id), intentId: String(row.id) }));
  }

  /**
   * Sweeper: files to be checked by now, each tenant's first before anybody's second. A tenant can have only so many
   * that wait for it.
   */
  async filesToCheck(now: string): Promise<DueFile[]> {
    const turns =
      "select tenant_id, id, sweep_at, row_number() over (partition by tenant_id order by sweep_at) as turn from files indexed by files_to_check where state = 'checking' and deleted_at is null and sweep_at <= ?";
    return await this.#files(`select tenant_id, id from (${turns}) order by turn, sweep_at limit 25`, now);
  }

  /** Sweeper: files to be purged by now, the oldest first. */
  async filesToPurge(now: string): Promise<DueFile[]> {
    return await this.#files(
      "select tenant_id, id from files indexed by files_due where sweep_at <= ? and (state <> 'checking' or deleted_at is not null) order by sweep_at limit 200",
      now,
    );
  }

  async #files(text: string, now: string): Promise<DueFile[]> {
    const rows = await this.#rows(text, [now]);
    return rows.map((row) => ({ tenantId: String(row.tenant_id), fileId: String(row.id) }));
  }

  /** Sweeper: endpoints whose deliveries are due and that nobody is serving, of tenants that may have more served. */
  async endpointsWithDueDeliveries(now: string): Promise<{ tenantId: string; endpointId: string }[]> {
    const rows = await this.#rows(
      `select tenant_id, endpoint_id from webhook_queues indexed by webhook_queues_due where next_due_at <= ? and (leased_until is null or leased_until <= ?) and (select count(*) from webhook_queues as served where served.tenant_id = webhook_queues.tenant_id and served.leased_until > ?) < ${endpointsAtOnce} order by next_due_at limit 1000`,
      [now, now, now],
    );
    return rows.map((row) => ({ tenantId: String(row.tenant_id), endpointId: String(row.endpoint_id) }));
  }

  /** Vault: endpoints that sign with a secret of before this time, of which their tenants were not told yet; the oldest first. */
  async endpointsToTellOfSecrets(before: string): Promise<{ tenantId: string; endpointId: string }[]> {
    const rows = await this.#rows(
      "select tenant_id, id from webhook_endpoints indexed by webhook_endpoints_to_tell where coalesce(secret_created_at, created_at) <= ? and state = 'enabled' and secret_told_version < secret_version and exists (select 1 from tenant_state where tenant_state.tenant_id = webhook_endpoints.tenant_id and tenant_state.state = 'active') order by coalesce(secret_created_at, created_at) limit 1000",
      [before],
    );
    return rows.map((row) => ({ tenantId: String(row.tenant_id), endpointId: String(row.id) }));
  }

  /** Vault: endpoints that sign with a secret of before this time, some of them. */
  async endpointsWithOldSecrets(before: string): Promise<string[]> {
    return await this.#ids(
      "select id from webhook_endpoints indexed by webhook_endpoints_by_secret where coalesce(secret_created_at, created_at) <= ? and state = 'enabled' limit 1000",
      [before],
    );
  }

  /** Single sign-on: verified domains that DNS was last asked for before this time, the oldest first. */
  async domainsToCheck(before: string): Promise<{ tenantId: string; domainId: string }[]> {
    const rows = await this.#rows(
      "select tenant_id, id from sso_domains indexed by sso_domains_to_check where state = 'verified' and checked_at <= ? order by checked_at limit 500",
      [before],
    );
    return rows.map((row) => ({ tenantId: String(row.tenant_id), domainId: String(row.id) }));
  }

  /** Keys: rotated, and used in the last quarter of their overlap, which is now; of whom their tenants were not told. */
  async keysStillUsed(now: string): Promise<{ tenantId: string; keyId: string }[]> {
    const quarter = "julianday(retires_at) - (julianday(retires_at) - julianday(rotated_at)) / 4";
    return await this.#keys(
      `select tenant_id, id from api_keys indexed by api_keys_retiring where retires_at > ? and still_used_told_at is null and revoked_at is null and julianday(?) >= ${quarter} and julianday(last_used_at) >= ${quarter} and exists (select 1 from tenant_state where tenant_state.tenant_id = api_keys.tenant_id and tenant_state.state = 'active') order by retires_at limit 500`,
      [now, now],
    );
  }

  /** Keys: at four fifths of the longest age that their tenants ask for, of which those were not told. */
  async keysNearingAge(now: string): Promise<{ tenantId: string; keyId: string }[]> {
    const old =
      "select api_keys.tenant_id, api_keys.id, row_number() over (partition by api_keys.tenant_id order by api_keys.created_at) as turn from security_policies indexed by security_policies_key_age cross join api_keys indexed by api_keys_by_age on api_keys.tenant_id = security_policies.tenant_id and api_keys.created_at <= strftime('%Y-%m-%dT%H:%M:%fZ', ?, '-' || (security_policies.longest_key_age * 19.2) || ' hours') where security_policies.longest_key_age is not null and api_keys.revoked_at is null and api_keys.successor_id is null and (coalesce(api_keys.age_told, 0) <> security_policies.longest_key_age or (coalesce(api_keys.overdue_told, 0) <> security_policies.longest_key_age and api_keys.created_at <= strftime('%Y-%m-%dT%H:%M:%fZ', ?, '-' || (security_policies.longest_key_age * 21.6) || ' hours'))) and (api_keys.expires_at is null or api_keys.expires_at > ?) and exists (select 1 from tenant_state where tenant_state.tenant_id = api_keys.tenant_id and tenant_state.state = 'active')";
    // Each tenant's oldest before anybody's second: one with thousands, or whose keys do not open, keeps no other from being told.
    return await this.#keys(`select tenant_id, id from (${old}) order by turn limit 500`, [now, now, now]);
  }

  async #keys(text: string, params: readonly string[]): Promise<{ tenantId: string; keyId: string }[]> {
    const rows = await this.#rows(text, params);
    return rows.map((row) => ({ tenantId: String(row.tenant_id), keyId: String(row.id) }));
  }

  /** Retention: rows of business past their time, a bounded number of each kind. */
  async rowsToForget(
    kinds: readonly Forgettable[],
    now: number,
  ): Promise<{ tenantId: string; id: string; of: Forgettable }[]> {
    const results = await this.#store.batch(kinds.map((kind) => forgettableRows(kind, now)));
    return kinds.flatMap((of, index) =>
      (results[index] ?? []).map((row) => ({ tenantId: String(row.tenant_id), id: String(row.id), of })),
    );
  }

  /** Retention: keys of technical rows past their time, a bounded number of each kind, by tenant. */
  async expired(
    now: number,
    kinds: readonly (typeof cellKinds)[number][] = kernelKinds,
  ): Promise<ReadonlyMap<string, Expired>> {
    const results = await this.#store.batch(expiredRows(kinds, now));
    const byTenant = new Map<string, Expired>();
    for (const [index, kind] of kinds.entries()) {
      for (const { tenant_id: tenantId, ...key } of results[index] ?? []) {
        const expired = byTenant.get(String(tenantId)) ?? {};
        expired[kind] = [...(expired[kind] ?? []), Object.values(key)];
        byTenant.set(String(tenantId), expired);
      }
    }
    return byTenant;
  }

  /** Vault: tenants with a key that is not wrapped by the key of this id, some of them at a time. */
  async tenantsNotWrappedBy(kid: string): Promise<string[]> {
    const [first, end] = [`v1.${kid}.`, `v1.${kid}/`];
    const text = (where: string) =>
      `select tenant_id as id from tenant_keys indexed by tenant_keys_by_wrap where ${where} order by wrapped limit 100`;
    const results = await this.#store.batch([
      { text: text("wrapped < ?"), params: [first] },
      { text: text("wrapped >= ?"), params: [end] },
    ]);
    return [...new Set(results.flat().map((row) => String(row.id)))];
  }

  /** Vault: tenants whose keys nobody has looked at since. */
  async tenantsWithUncheckedKeys(since: string): Promise<string[]> {
    return await this.#ids(
      "select distinct tenant_id as id from tenant_keys indexed by tenant_keys_by_check where checked_at <= ? limit 50",
      [since],
    );
  }

  /** Vault: keys and clients' secrets that were made with this pepper and may still be used: some to count, or one that tells there are any. */
  async keysOfPepper(version: number, now: string, most: 1 | 1000): Promise<string[]> {
    return await this.#ids(
      `select id from api_keys indexed by api_keys_by_pepper where pepper_version = ? and revoked_at is null and (expires_at is null or expires_at > ?) union all select id from oauth_clients indexed by oauth_clients_by_pepper where pepper_version = ? and deleted_at is null limit ${most}`,
      [version, now, version],
    );
  }

  /** Vault: tenants whose rows are being moved to a newer key. */
  async tenantsInRotation(): Promise<string[]> {
    return await this.#ids(
      "select tenant_id as id from key_rotations indexed by key_rotations_pending where finished_at is null order by tenant_id limit 20",
    );
  }

  async #tenants(statements: readonly Statement[]): Promise<string[]> {
    const results = await this.#store.batch(statements);
    return [...new Set(results.flat().map((row) => String(row.id)))];
  }

  async #ids(text: string, params: readonly unknown[] = []): Promise<string[]> {
    return (await this.#rows(text, params)).map((row) => String(row.id));
  }

  async #rows(text: string, params: readonly unknown[] = []) {
    const [rows = []] = await this.#store.batch([{ text, params }]);
    return rows;
  }
}
