import { eq, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { exactToken, queryTokens } from "#crypto/blind-index.ts";
import { type Reach, scoped } from "./scope.ts";
import { type Keys, openRow } from "./sealing.ts";
import { oncePerTable, type Statement, statementOf } from "./statement.ts";
import type { ResultRows } from "./store.ts";
import { destroyedKid, subjectKeyColumns, subjectKeyJoin } from "./subject-keys.ts";
import { type AnyTenantTable, columnOf, columnsOf, metaOf, type Row } from "./tenant-table.ts";

export interface QueryContext {
  readonly tenantId: string;
  readonly reach: Reach;
  readonly keys: Keys;
}

/** An inert description of a read; only a tenant's handle executes one, within that tenant and reach. */
export interface Query<R> {
  statement(context: QueryContext): Promise<Statement>;
  /**
   * The same with the tenant's state and epoch in columns `$state` and `$epoch`, where the query finds at
   * most one row: a row then comes always, without an id if none was found. A statement of their own costs more.
   */
  besideState?(context: QueryContext): Promise<Statement>;
  decode(context: QueryContext, rows: ResultRows): Promise<R>;
  /** It reads the tenant's cell, whatever the store of the operation is. */
  readonly isOfCell?: true;
}

/** The same in the cell, for an operation whose store is another: both databases are asked at once. */
export function inCell<R>(query: Query<R>): Query<R> {
  return { ...query, isOfCell: true };
}

export interface ListOptions {
  readonly where?: SQL | undefined;
  /** Names the index that serves this filter and order; SQLite refuses the statement if it cannot. */
  readonly indexedBy?: string;
  /** Newest first unless told. */
  readonly order?: SQL;
  readonly limit: number;
}

/**
 * The index that SQLite made of a table's unique columns, by the name that it gives it
 * (https://www.sqlite.org/fileformat2.html#intschema), for a look-up by the first of them. Unless told, SQLite, which knows
 * nothing of how many rows there are, goes through all of the tenant's.
 */
export function uniqueIndexOf(table: AnyTenantTable): { readonly indexedBy: string } {
  return { indexedBy: `sqlite_autoindex_${metaOf(table).name}_2` };
}

/** The row with this id, or null. */
export function one<T extends AnyTenantTable>(table: T, id: string): Query<Row<T> | null> {
  return {
    statement: async (context) => select(context, table, { where: eq(table.id, id), limit: 1 }),
    besideState: async (context) => oneBesideState(context, table, id),
    async decode(context, rows) {
      const found = rows.filter((row) => row.id !== null);
      return (await decodeAll<T>(context, table, found))[0] ?? null;
    },
  };
}

/** The rows of one list, at most `limit`. */
export function many<T extends AnyTenantTable>(table: T, options: ListOptions): Query<Row<T>[]> {
  return {
    statement: async (context) => select(context, table, options),
    decode: (context, rows) => decodeAll<T>(context, table, rows),
  };
}

/** The rows whose exact blind index `column` holds this value; none where the value cannot be normalised. */
export function exactly<T extends AnyTenantTable>(
  table: T,
  column: string,
  text: string,
  options: ListOptions,
): Query<Row<T>[]> {
  const index = metaOf(table).exact[column];
  if (!index) throw new Error(`${metaOf(table).name}.${column} is not an exact index.`);
  return {
    async statement(context) {
      const normalised = index.normalise(text);
      const tokens =
        normalised === null
          ? [""]
          : await Promise.all(
              context.keys.ring.indexKeys().map((key) => exactToken(key, index.from, normalised)),
            );
      const where = sql`${anyOf(columnOf(table, column), tokens)} and ${options.where ?? sql`1`}`;
      return select(context, table, { ...options, where });
    },
    decode: (context, rows) => decodeAll<T>(context, table, rows),
  };
}

/** The rows whose searched column has words that start as each word of the text does. */
export function matching<T extends AnyTenantTable>(
  table: T,
  text: string,
  options: ListOptions,
): Query<Row<T>[]> {
  return {
    async statement(context) {
      const byKey = await Promise.all(context.keys.ring.indexKeys().map((key) => queryTokens(key, text)));
      const phrases = byKey.map((tokens) => tokens.map((token) => `"${token}"`).join(" AND "));
      const match = phrases.map((phrase) => `(${phrase || '""'})`).join(" OR ");
      const { tenantId, reach } = context;
      // CROSS JOIN keeps the order: the index once, then the rows it names, on every page.
      const from = sql`"search_index" cross join "search_rows" on "search_rows"."tenant_id" = ${tenantId} and "search_rows"."number" = "search_index"."rowid" cross join ${table} on ${scoped(table, tenantId, reach)} and ${table.id} = "search_rows"."entity_id"`;
      const where = sql`"search_index" match ${match} and "search_rows"."entity" = ${metaOf(table).entity} and (${options.where ?? sql`1`})`;
      return statementOf(
        sql`select ${selection(context, table)} from ${from}${subjectJoin(context, table)} where ${where} order by ${orderOf(table, options)} limit ${options.limit}`,
      );
    },
    decode: (context, rows) => decodeAll<T>(context, table, rows),
  };
}

/** A page of rows as they lie, by id, of those made until a time, with their subjects' keys: for the vault's own upkeep of the whole tenant. */
export function storedPage(
  context: QueryContext,
  table: AnyTenantTable,
  { after, until, limit }: { after: string; until: string; limit: number },
): Statement {
  const where = sql`${table.id} > ${after} and ${columnOf(table, "createdAt")} <= ${until}`;
  return select(context, table, { where, order: sql`${table.id}`, limit });
}

/** A row of it opened; null where its subject was erased. @throws SealError */
export async function openWithKey(
  { keys }: QueryContext,
  table: AnyTenantTable,
  row: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>> | null> {
  await rememberSubject(keys, table, row);
  const { subject } = metaOf(table);
  const isErased = subject !== null && keys.subjects.get(String(row[subject])) === null;
  return isErased ? null : await openRow(keys, table, row);
}

function anyOf(column: SQLiteColumn, tokens: readonly string[]): SQL {
  const [first = "", ...others] = tokens;
  if (others.length === 0) return eq(column, first);
  const values = tokens.map((token) => sql`${token}`);
  return sql`${column} in (${sql.join(values, sql`, `)})`;
}

function select(context: QueryContext, table: AnyTenantTable, options: ListOptions): Statement {
  const indexed = options.indexedBy ? sql` indexed by ${sql.identifier(options.indexedBy)}` : sql``;
  return statementOf(
    sql`select ${selection(context, table)} from ${table}${indexed}${subjectJoin(context, table)} where ${scoped(table, context.tenantId, context.reach)} and (${options.where ?? sql`1`}) order by ${orderOf(table, options)} limit ${options.limit}`,
  );
}

function oneBesideState(context: QueryContext, table: AnyTenantTable, id: string): Statement {
  const { tenantId, reach } = context;
  return statementOf(
    sql`select "tenant_state"."state" as "$state", "tenant_state"."epoch" as "$epoch", ${selection(context, table)} from "tenant_state" left join ${table} on ${scoped(table, tenantId, reach)} and ${table.id} = ${id}${subjectJoin(context, table)} where "tenant_state"."tenant_id" = ${tenantId}`,
  );
}

// Ids are TypeIDs, so their order is that of their making.
function orderOf(table: AnyTenantTable, { order }: ListOptions): SQL {
  return order ?? sql`${table.id} desc`;
}

const ownColumns = oncePerTable((table: AnyTenantTable): SQL => {
  const columns = [...columnsOf(table)].map(([key, column]) => sql`${column} as ${sql.identifier(key)}`);
  return sql.join(columns, sql`, `);
});

function selection({ tenantId }: QueryContext, table: AnyTenantTable): SQL {
  const { subject } = metaOf(table);
  const own = ownColumns(table);
  return subject === null
    ? own
    : sql`${own}, ${subjectKeyColumns(tenantId, sql`${columnOf(table, subject)}`)}`;
}

function subjectJoin({ tenantId }: QueryContext, table: AnyTenantTable): SQL {
  const { subject } = metaOf(table);
  return subject === null ? sql`` : subjectKeyJoin(tenantId, sql`${columnOf(table, subject)}`);
}

async function decodeAll<T extends AnyTenantTable>(
  context: QueryContext,
  table: T,
  rows: ResultRows,
): Promise<Row<T>[]> {
  const decoded: Row<T>[] = [];
  for (const row of rows) {
    await rememberSubject(context.keys, table, row);
    decoded.push(await openRow(context.keys, table, row));
  }
  return decoded;
}

async function rememberSubject(
  keys: Keys,
  table: AnyTenantTable,
  row: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { subject } = metaOf(table);
  if (subject === null || typeof row.$kid !== "string") return;
  const subjectId = String(row[subject]);
  if (keys.subjects.has(subjectId)) return;
  if (row.$kid === destroyedKid) keys.subjects.set(subjectId, null);
  if (typeof row.$wrapped !== "string") return;
  keys.subjects.set(
    subjectId,
    await keys.ring.openSubjectKey(subjectId, { id: row.$kid, wrapped: row.$wrapped }),
  );
}
