import { sql } from "drizzle-orm";
import { one, type Query, type QueryContext } from "./queries.ts";
import type { Reach } from "./scope.ts";
import type { Keys } from "./sealing.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { ResultRows } from "./store.ts";
import type { TenantDriver } from "./tenant-driver.ts";
import type { AnyTenantTable, Row } from "./tenant-table.ts";

/** The rights this request was let in with are no longer the ones in the cell: hydrate the gate and start over. */
export class EpochMoved extends Error {
  constructor() {
    super("The tenant's epoch or state moved.");
    this.name = "EpochMoved";
  }
}

export type Decoded<Q> = { [K in keyof Q]: Q[K] extends Query<infer R> ? R : never };

/** What a handler may do with its tenant's data: read rows. Writes are changes, returned to the door. */
export interface TenantDb {
  get<T extends AnyTenantTable>(table: T, id: string): Promise<Row<T> | null>;
  /** All the named queries in one round trip. */
  read<Q extends Record<string, Query<unknown>>>(queries: Q): Promise<Decoded<Q>>;
}

/** A tenant's data within one request: built by the door from the principal, and by jobs for the system. */
export class TenantSession implements QueryContext {
  readonly tenantId: string;
  readonly reach: Reach;
  readonly keys: Keys;
  /**
   * The epoch the request's rights were read at. null for the system, which is held to the tenant's state alone; "any"
   * for the system where it comes from another tenant: this one must be active, as for a request.
   */
  readonly epoch: number | "any" | null;
  readonly #driver: TenantDriver;
  readonly #reads: TenantDriver;
  readonly #riders: Query<unknown>[] = [];

  /** `driver` is where the epoch lies and commits go; `reads` where the queries run, the same unless told. */
  constructor(
    driver: TenantDriver,
    given: { reach: Reach; keys: Keys; epoch: number | "any" | null; reads?: TenantDriver },
  ) {
    this.#driver = driver;
    this.#reads = given.reads ?? driver;
    this.tenantId = driver.tenantId;
    this.reach = given.reach;
    this.keys = given.keys;
    this.epoch = given.epoch;
  }

  async execute(statements: readonly Statement[]): Promise<ResultRows[]> {
    return await this.#driver.execute(statements);
  }

  /** A query that shall ride in the next read's round trip. */
  ride(query: Query<unknown>): void {
    this.#riders.push(query);
  }

  /** @throws EpochMoved */
  async get<T extends AnyTenantTable>(table: T, id: string): Promise<Row<T> | null> {
    return (await this.read({ row: one(table, id) })).row;
  }

  /** All the named queries, and the riders, in one round trip. @throws EpochMoved */
  async read<Q extends Record<string, Query<unknown>>>(queries: Q): Promise<Decoded<Q>> {
    const named = Object.entries(queries);
    const all = [...named.map(([, query]) => query), ...this.#riders.splice(0)];
    const results = await this.#guarded(all);
    const answers: unknown[] = [];
    for (const [index, query] of all.entries()) answers.push(await query.decode(this, results[index] ?? []));
    // Each answer was decoded by its own query, to that query's type.
    return Object.fromEntries(named.map(([name], index) => [name, answers[index]])) as Decoded<Q>;
  }

  // No answer leaves before the epoch was read in the same transaction, so a revocation that was answered before this
  // request began is seen by it.
  async #guarded(queries: readonly Query<unknown>[]): Promise<readonly ResultRows[]> {
    if (this.epoch === null) return await this.#reads.execute(await this.#statements(queries));
    if (this.#reads !== this.#driver) return await this.#guardedApart(queries);
    const bearer = queries.findIndex(({ besideState }) => besideState);
    const statements = await this.#statements(queries, bearer);
    const isBorne = bearer >= 0;
    const results = await this.execute(isBorne ? statements : [...statements, this.#stateStatement()]);
    this.#assertState(results.at(isBorne ? bearer : -1)?.[0]);
    return results;
  }

  // Another database knows no epoch: it is read in its own beside the queries, with those that are the cell's, which
  // costs no second trip in time.
  async #guardedApart(queries: readonly Query<unknown>[]): Promise<readonly ResultRows[]> {
    const ofCell = await this.#statements(queries.filter(({ isOfCell }) => isOfCell));
    const others = await this.#statements(queries.filter(({ isOfCell }) => !isOfCell));
    const [[state, ...here], there] = await Promise.all([
      this.execute([this.#stateStatement(), ...ofCell]),
      this.#reads.execute(others),
    ]);
    this.#assertState(state?.[0]);
    return queries.map(({ isOfCell }) => (isOfCell ? here : there).shift() ?? []);
  }

  #statements(queries: readonly Query<unknown>[], bearer = -1): Promise<Statement[]> {
    return Promise.all(
      queries.map((query, index) =>
        index === bearer && query.besideState ? query.besideState(this) : query.statement(this),
      ),
    );
  }

  #stateStatement(): Statement {
    return statementOf(
      sql`select "tenant_state"."state" as "$state", "tenant_state"."epoch" as "$epoch" from "tenant_state" where "tenant_state"."tenant_id" = ${this.tenantId}`,
    );
  }

  #assertState(row: Readonly<Record<string, unknown>> | undefined): void {
    const epoch = this.epoch === "any" ? row?.$epoch : this.epoch;
    if (row?.$epoch !== epoch || row?.$state !== "active") throw new EpochMoved();
  }
}

/** The handler's view of a session. */
export function tenantDb(session: TenantSession): TenantDb {
  return { get: (table, id) => session.get(table, id), read: (queries) => session.read(queries) };
}
