import {
  type DatabaseKind,
  type Keeping,
  type TechnicalColumns,
  technicalColumns,
} from "./technical-columns.ts";
import { type Classification, columnOf, metaOf, tenantTables } from "./tenant-table.ts";

/** One table of one kind of database, and what keeps each of its columns. */
export interface KeptTable {
  readonly database: DatabaseKind;
  readonly name: string;
  /** By their names in SQL. */
  readonly columns: Readonly<Record<string, Keeping>>;
}

const keepingOf: Readonly<Record<Classification, Keeping>> = {
  personal: "person",
  sensitive: "person",
  secret: "tenant",
  digest: "one-way",
  internal: "plain",
  public: "plain",
};

/** Every table of every database, from what is declared beside the columns. */
export function keptTables(): KeptTable[] {
  const entities = [...tenantTables()].map(([name, table]): KeptTable => {
    const columns = [...metaOf(table).classification].map(([key, classification]): [string, Keeping] => [
      columnOf(table, key).name,
      keepingOf[classification],
    ]);
    return { database: metaOf(table).store, name, columns: Object.fromEntries(columns) };
  });
  const declared: readonly [string, TechnicalColumns][] = Object.entries(technicalColumns);
  const technical = declared.flatMap(([name, { lies, columns }]) =>
    lies.map((database) => ({ database, name, columns })),
  );
  return [...entities.toSorted((a, b) => (a.name < b.name ? -1 : 1)), ...technical];
}
