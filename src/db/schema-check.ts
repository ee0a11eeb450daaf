import { z } from "zod";
import { schemaDigestsOf, schemaQuery } from "./schema-definitions.ts";
import { schemaDigests } from "./schema-digests.ts";
import { Store } from "./store.ts";
import type { DatabaseKind } from "./technical-columns.ts";

/** The newest migration of each kind of database; a test holds it to the folder. */
export const newestMigrations = {
  directory: "0020_operator_notices.sql",
  cell: "0032_alerts.sql",
  log: "0002_capability_uses.sql",
} as const;

export interface SchemaFault {
  /** Its kind and name: `trigger audit_log_refuses_update`, `migration 0012_vault.sql`. */
  readonly object: string;
  readonly is:
    | "missing"
    | "not as the migrations left it"
    | "from no migration"
    | "unknown to this code for a day";
}

export interface SchemaState {
  readonly faults: readonly SchemaFault[];
  /** It was migrated for code that is yet to be deployed, so that only triggers that are missing or altered can be told. */
  readonly isAhead: boolean;
}

const Migrations = z.array(z.object({ name: z.string(), is_fresh: z.int() }));
const Objects = z.array(z.object({ type: z.string(), name: z.string(), sql: z.string() }));
const migrationsQuery =
  "select name, coalesce(applied_at between datetime('now', '-1 day') and datetime('now', '+1 hour'), 0) as is_fresh from d1_migrations where name >= ? order by name limit 100";

/**
 * Is this database migrated, and is each trigger, table and index as the migrations left it: nothing in SQLite could
 * keep a trigger from being dropped, or a table from being made anew without its constraints.
 */
export async function schemaState(database: D1Database, kind: DatabaseKind): Promise<SchemaState> {
  const newest = newestMigrations[kind];
  const [migrations, objects] = await new Store(database, "first-primary").batch([
    { text: migrationsQuery, params: [newest] },
    { text: schemaQuery, params: [] },
  ]);
  const applied = Migrations.parse(migrations);
  const newer = applied.filter(({ name }) => name !== newest);
  const isNewest = applied.length > newer.length;
  // Migrations are applied before the code that needs them; but whoever alters a schema could make up one to hide behind.
  const isAhead = newer.length > 0 && newer.every(({ is_fresh: isFresh }) => isFresh === 1);
  const faults = faultsOf(schemaDigests[kind], await schemaDigestsOf(Objects.parse(objects))).filter(
    // What guards the rows is made anew by hardly any migration: whoever hides behind a made-up one wants it weaker.
    ({ object, is }) =>
      (isNewest && !isAhead) || (is !== "from no migration" && object.startsWith("trigger ")),
  );
  const ofMigrations: SchemaFault[] = [
    ...(isNewest ? [] : [{ object: `migration ${newest}`, is: "missing" as const }]),
    ...(isAhead ? [] : newer).map(({ name }) => ({
      object: `migration ${name}`,
      is: "unknown to this code for a day" as const,
    })),
  ];
  return { faults: [...faults, ...ofMigrations], isAhead };
}

function faultsOf(
  expected: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): SchemaFault[] {
  const known = Object.entries(expected).flatMap(([object, digest]): SchemaFault[] => {
    if (!Object.hasOwn(found, object)) return [{ object, is: "missing" }];
    return found[object] === digest ? [] : [{ object, is: "not as the migrations left it" }];
  });
  const foreign = Object.keys(found).filter((object) => !Object.hasOwn(expected, object));
  return [...known, ...foreign.map((object): SchemaFault => ({ object, is: "from no migration" }))];
}

/** A fault as a sentence; nobody knows how long a name is that no migration gave. */
export function said({ object, is }: SchemaFault): string {
  return `the ${object.slice(0, 100)} is ${is}`;
}
