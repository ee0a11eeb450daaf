import { assertOwnTenant } from "./firewall.ts";
import type { Statement } from "./statement.ts";
import type { ResultRows, Store } from "./store.ts";

/** The driver of one tenant's statements: nothing reaches the database but through the firewall. */
export class TenantDriver {
  readonly tenantId: string;
  readonly #store: Store;

  constructor(store: Store, tenantId: string) {
    this.#store = store;
    this.tenantId = tenantId;
  }

  /** One transaction, one round trip. @throws FirewallError */
  async execute(statements: readonly Statement[]): Promise<ResultRows[]> {
    for (const statement of statements) assertOwnTenant(statement, this.tenantId);
    return await this.#store.batch(statements);
  }

  bookmark(): string | null {
    return this.#store.bookmark();
  }
}

/**
 * The statements of several tenants as one transaction and one round trip, for what is gathered from all of them: each
 * passes the firewall as its own tenant's. @throws FirewallError
 */
export async function executeTogether(
  store: Store,
  byTenant: ReadonlyMap<string, readonly Statement[]>,
): Promise<ResultRows[]> {
  for (const [tenantId, statements] of byTenant)
    for (const statement of statements) assertOwnTenant(statement, tenantId);
  return await store.batch([...byTenant.values()].flat());
}
