import { type BuildColumns, getTableColumns, type SQL, type Table } from "drizzle-orm";
import {
  integer,
  type SQLiteColumn,
  type SQLiteColumnBuilderBase,
  type SQLiteTableWithColumns,
  sqliteTable,
  text,
} from "drizzle-orm/sqlite-core";

/**
 * How a column is protected. personal and sensitive: sealed under the row's subject; secret: sealed under the tenant's
 * key; digest: one-way (key hashes, index tokens), never copied anywhere; internal: never leaves through an answer
 * by itself; public: may.
 */
export type Classification = "personal" | "sensitive" | "secret" | "digest" | "internal" | "public";

interface Classified<B extends SQLiteColumnBuilderBase> {
  readonly classification: Classification;
  readonly builder: B;
}

function classify(classification: Classification) {
  return <B extends SQLiteColumnBuilderBase>(builder: B): Classified<B> => ({ classification, builder });
}

export const personal = classify("personal");
export const sensitive = classify("sensitive");
export const secret = classify("secret");
export const digest = classify("digest");
export const internal = classify("internal");
export const open = classify("public");

/** Which rows a limited principal sees. Undeclared does not build; `none` says why nobody needs to be limited. */
export type Scope =
  | { readonly kind: "none"; readonly because: string }
  | { readonly kind: "rows"; readonly location?: string; readonly assignee?: string }
  | { readonly kind: "via"; readonly parent: AnyTenantTable; readonly column: string }
  | {
      readonly kind: "places";
      readonly of: () => AnyTenantTable;
      readonly column: string;
      readonly isWho: boolean;
    };

export const none = (because: string): Scope => ({ kind: "none", because });
export const location = (column: string): Scope => ({ kind: "rows", location: column });
export const assignee = (column: string): Scope => ({ kind: "rows", assignee: column });
export const locationAndAssignee = (locationColumn: string, assigneeColumn: string): Scope => ({
  kind: "rows",
  location: locationColumn,
  assignee: assigneeColumn,
});
/** What is at locations by rows of another table, whose column names what each is of. */
export const places = (of: () => AnyTenantTable, column: string): Scope => ({
  kind: "places",
  of,
  column,
  isWho: false,
});
/** The same of those who see things by their assignments: a row is somebody, and seen by themselves. */
export const peopleAtPlaces = (of: () => AnyTenantTable, column: string): Scope => ({
  kind: "places",
  of,
  column,
  isWho: true,
});
export const via = (parent: AnyTenantTable, column: string): Scope => ({ kind: "via", parent, column });

interface ExactIndex {
  readonly from: string;
  readonly normalise: (text: string) => string | null;
}

export interface TableMeta {
  readonly name: string;
  readonly entity: string;
  readonly scope: Scope;
  readonly classification: ReadonlyMap<string, Classification>;
  /** The column that names the subject whose key seals this row's personal columns. */
  readonly subject: string | null;
  /** Digest columns and what they are the blind index token of. */
  readonly exact: Readonly<Record<string, ExactIndex>>;
  /** A digest column that tells, beyond this tenant, whose row it is; null where nothing must, as once they are erased. */
  readonly identity: string | null;
  /** The column whose words stand in the blind full-text index. */
  readonly search: string | null;
  /** True where a change alters what somebody may do: the tenant's epoch moves in the same batch. */
  readonly movesEpoch: boolean;
  readonly store: "cell" | "directory";
}

const metas = new WeakMap<object, TableMeta>();
const registry = new Map<string, AnyTenantTable>();

type Columns = Record<string, Classified<SQLiteColumnBuilderBase>>;

const standardColumns = {
  tenantId: open(text("tenant_id").notNull()),
  id: open(text("id").notNull()),
  version: open(integer("version").notNull()),
  createdAt: open(text("created_at").notNull()),
  updatedAt: open(text("updated_at").notNull()),
};

type StandardColumns = typeof standardColumns;
type Builders<C extends Columns> = { [K in keyof C]: C[K]["builder"] };

/** Only tenantTable() gives it, to types alone: a plain Drizzle table of the same columns is none of ours. */
declare const made: unique symbol;

export type TenantTable<N extends string, C extends Columns> = SQLiteTableWithColumns<{
  name: N;
  schema: undefined;
  columns: BuildColumns<N, Builders<StandardColumns & C>, "sqlite">;
  dialect: "sqlite";
}> & { readonly [made]: true };

export interface AnyTenantTable {
  readonly [made]: true;
  readonly tenantId: SQLiteColumn;
  readonly id: SQLiteColumn;
  readonly version: SQLiteColumn;
  readonly $inferSelect: Record<string, unknown>;
  getSQL(): SQL;
}

/**
 * Declares an audited table of tenant data. Every column says how it is protected and the table says who may see which
 * rows; tenant_id, id, version, created_at and updated_at are the handle's to fill.
 */
export function tenantTable<N extends string, C extends Columns>(
  name: N,
  columns: C,
  options: {
    entity: string;
    scope: Scope;
    subject?: "id" | (keyof C & string);
    exact?: Readonly<Record<string, ExactIndex>>;
    identity?: keyof C & string;
    search?: keyof C & string;
    movesEpoch?: boolean;
    store?: "directory";
  },
): TenantTable<N, C> {
  const all: Columns = { ...standardColumns, ...columns };
  const builders = Object.fromEntries(Object.entries(all).map(([key, column]) => [key, column.builder]));
  const table = asDeclared<TenantTable<N, C>>(sqliteTable(name, builders));
  metas.set(table, {
    name,
    entity: options.entity,
    scope: options.scope,
    classification: new Map(Object.entries(all).map(([key, column]) => [key, column.classification])),
    subject: options.subject ?? null,
    exact: options.exact ?? {},
    identity: options.identity ?? null,
    search: options.search ?? null,
    movesEpoch: options.movesEpoch ?? false,
    store: options.store ?? "cell",
  });
  registry.set(name, table);
  return table;
}

// Object.fromEntries forgets the keys; the builders are exactly those of the declared columns.
function asDeclared<T>(table: unknown): T {
  return table as T;
}

export function metaOf(table: object): TableMeta {
  const meta = metas.get(table);
  if (!meta) throw new Error("This table was not made by tenantTable().");
  return meta;
}

export function isTenantTable(name: string): boolean {
  return registry.has(name);
}

export function tenantTables(): ReadonlyMap<string, AnyTenantTable> {
  return registry;
}

const columnsByTable = new WeakMap<object, ReadonlyMap<string, SQLiteColumn>>();

/** The table's columns by property name, in the order of declaration. */
export function columnsOf(table: AnyTenantTable): ReadonlyMap<string, SQLiteColumn> {
  const known = columnsByTable.get(table);
  if (known) return known;
  // Only tenantTable() makes these, from sqliteTable, so they are Drizzle tables with SQLite columns.
  const columns = Object.entries(getTableColumns(table as unknown as Table)) as [string, SQLiteColumn][];
  const byName = new Map(columns);
  columnsByTable.set(table, byName);
  return byName;
}

export function columnOf(table: AnyTenantTable, key: string): SQLiteColumn {
  const found = columnsOf(table).get(key);
  if (!found) throw new Error(`${metaOf(table).name} has no column ${key}.`);
  return found;
}

/** A row as it is read: sealed columns opened. */
export type Row<T extends AnyTenantTable> = T["$inferSelect"];

type HandleColumns = "tenantId" | "version" | "createdAt" | "updatedAt";

type Nullish<R> = { [K in keyof R]-?: null extends R[K] ? K : never }[keyof R];
type Insertable<R> = Omit<R, Nullish<R>> & Partial<Pick<R, Nullish<R>>>;

/** What an insert gives: everything but what the handle fills; nullable columns may be left out. */
export type NewRow<T extends AnyTenantTable> = Insertable<Omit<Row<T>, HandleColumns>>;

type Changeable<T extends AnyTenantTable> = Omit<Row<T>, HandleColumns | "id">;

/** What an update may change; what is undefined stays as it is. */
export type Patch<T extends AnyTenantTable> = { [K in keyof Changeable<T>]?: Changeable<T>[K] | undefined };
