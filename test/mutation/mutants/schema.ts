import { disarmed } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const triggers = [
  "audit_log_refuses_update",
  "audit_log_refuses_delete",
  "audit_log_refuses_replace",
  "purge_permits_refuse_update",
  "purge_permits_refuse_delete",
  "purge_permits_refuse_replace",
];

/** What keeps the audit append-only, in a cell and in the directory. */
export const schema: readonly Mutant[] = ["cell", "directory"].flatMap((kind) =>
  triggers.map((trigger) => ({
    name: `the trigger ${trigger}`,
    cut: disarmed(`migrations/${kind}/0001_kernel.sql`, trigger),
    caughtBy: ["test/db/audit.test.ts", "test/db/purge-permits.test.ts"],
  })),
);
