import { z } from "zod";
import { Store } from "./store.ts";

/** The newest migration of each kind of database; a test holds it to the folder. */
export const newestMigrations = {
  directory: "0008_audit_sinks.sql",
  cell: "0015_keys_by_pepper.sql",
  log: "0001_calls.sql",
} as const;

const kernelTriggers = [
  "audit_log_refuses_delete",
  "audit_log_refuses_replace",
  "audit_log_refuses_second_id",
  "audit_log_refuses_update",
  "commit_guard_raises",
  "idempotency_forgets_the_expired",
  "purge_permits_refuse_delete",
  "purge_permits_refuse_replace",
  "purge_permits_refuse_update",
  "subject_keys_refuse_destroyed",
  "subject_tombstones_refuse_delete",
  "subject_tombstones_refuse_replace",
  "subject_tombstones_refuse_update",
];
const triggers = { directory: kernelTriggers, cell: kernelTriggers, log: [] } as const;

const Names = z.array(z.object({ name: z.string() }));

/** Is this database migrated, and are the triggers there that nothing in SQLite could keep from being dropped. */
export async function schemaFaults(
  database: D1Database,
  kind: keyof typeof newestMigrations,
): Promise<string[]> {
  const [applied, present] = await new Store(database, "first-primary").batch([
    { text: "select name from d1_migrations where name = ? limit 1", params: [newestMigrations[kind]] },
    { text: "select name from sqlite_master where type = 'trigger' order by name limit 100", params: [] },
  ]);
  const names = new Set(Names.parse(present).map(({ name }) => name));
  const faults: string[] = triggers[kind]
    .filter((trigger) => !names.has(trigger))
    .map((trigger) => `the trigger ${trigger} is missing`);
  // A newer one may be there already: migrations are applied before the code that needs them.
  if (Names.parse(applied).length === 0) faults.push(`the migration ${newestMigrations[kind]} is missing`);
  return faults;
}
