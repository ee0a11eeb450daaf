import { disarmed, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const triggers = [
  "audit_log_refuses_update",
  "audit_log_refuses_delete",
  "purge_permits_refuse_update",
  "purge_permits_refuse_delete",
  "purge_permits_refuse_replace",
];

const later = ["audit_log_refuses_replace", "audit_log_refuses_second_id"];
const migrations = { cell: "0008_audit_triggers.sql", directory: "0004_audit_triggers.sql" };

/** What keeps the audit append-only, in a cell and in the directory. */
const appendOnly: readonly Mutant[] = Object.entries(migrations).flatMap(([kind, latest]) => [
  ...triggers.map((trigger) => mutant(`migrations/${kind}/0001_kernel.sql`, trigger)),
  ...later.map((trigger) => mutant(`migrations/${kind}/${latest}`, trigger)),
]);

const check = "src/db/schema-check.ts";
const guard = ["test/jobs/guard-schema.test.ts"];

/** The same, and the guard that tells where any of it was altered. */
export const schema: readonly Mutant[] = [
  ...appendOnly,
  {
    name: "the comparison of how an object of the schema was made",
    cut: replaced(check, "faultsOf", "BinaryExpression", "digest", "true"),
    caughtBy: guard,
  },
  {
    name: "the bound on how long a database may be ahead of its code",
    cut: replaced(check, "schemaState", "BinaryExpression", "isFresh", "true"),
    caughtBy: guard,
  },
];

function mutant(path: string, trigger: string): Mutant {
  return {
    name: `the trigger ${trigger}`,
    cut: disarmed(path, trigger),
    caughtBy: ["test/db/audit.test.ts", "test/db/purge-permits.test.ts"],
  };
}
