import { type SchemaFault, said, schemaState } from "#db/schema-check.ts";
import type { DatabaseKind } from "#db/technical-columns.ts";
import { type Cell, cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { log } from "#platform/log.ts";
import { alertPlatform } from "./alert-platform.ts";

/** One database of this deployment, as its migrations' folder and operators call it. */
export interface NamedDatabase {
  readonly name: string;
  readonly kind: DatabaseKind;
  /** @throws where it is not bound */
  open(): D1Database;
}

export function namedDatabases(env: Env): NamedDatabase[] {
  return [directoryOf(env), ...cellsOf(env).flatMap(databasesOfCell)];
}

export function directoryOf(env: Env): NamedDatabase {
  return { name: "directory", kind: "directory", open: () => env.DIRECTORY };
}

export function databasesOfCell(cell: Cell): NamedDatabase[] {
  return [
    { name: `cell-${cell.id}`, kind: "cell", open: () => cell.database },
    { name: `log-${cell.id}`, kind: "log", open: () => cell.log },
  ];
}

const job = "jobs.guard-schema";
const mostNamed = 20;

/**
 * Is each of these databases as the migrations left it. Where one is not, the log says so at every run, and the
 * platform's own audit and events once an hour, or as soon as something else is amiss.
 */
export async function guardSchema(env: Env, databases: readonly NamedDatabase[], now: number): Promise<void> {
  for (const { name, kind, open } of databases) {
    const { faults, isAhead } = await schemaState(open(), kind);
    // Between a migration and its deploy; for longer it is somebody who hides.
    if (isAhead) log("warn", "a database is ahead of this code", { database: name });
    if (faults.length === 0) continue;
    log("error", "a schema was altered", { database: name, faults: faults.map(said).join("; ") });
    await alert(env, name, faults, now);
  }
}

async function alert(env: Env, database: string, faults: readonly SchemaFault[], now: number): Promise<void> {
  const told = faults.slice(0, mostNamed).map(said);
  const first = told.join("; ");
  await alertPlatform(
    env,
    {
      type: "schema.altered",
      job,
      entity: "schema",
      entityId: database,
      data: { database, faults: faults.length, first },
      details: { faults: faults.length, first: told },
      about: `${database} ${faults.length} ${first}`,
    },
    now,
  );
}
