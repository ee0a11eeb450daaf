import { body, conjunct, never, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const store = "src/platform/object-lock-store.ts";
const copies = "test/jobs/audit-sinks/copies.test.ts";

/** Copies of the transparency log: where they were named, each head after what it covers, nothing overwritten. */
export const auditSinks: readonly Mutant[] = [
  {
    name: "the owners that a sink names",
    cut: body("src/platform/audit-sinks.ts", "auditSinksFor", "return auditSinks(env);"),
    caughtBy: [copies, "test/platform/audit-sinks.test.ts"],
  },
  {
    name: "the comparison with what a sink holds already",
    cut: never(store, "compared", "expected.length"),
    caughtBy: ["test/platform/object-lock-store.test.ts"],
  },
  {
    name: "the condition that a sink holds nothing under a key yet",
    cut: replaced(store, "put", "Property", '"if-none-match"', '"if-match": "*"'),
    caughtBy: ["test/platform/object-lock-store.test.ts"],
  },
  {
    name: "the lock of what is put",
    cut: replaced(store, "put", "Property", '"x-amz-object-lock-mode"', '"x-amz-meta-mode": ""'),
    caughtBy: ["test/platform/object-lock-store.test.ts"],
  },
  {
    name: "the end of a copying at the first file that is not there",
    cut: never("src/jobs/audit-sinks/copy-log.ts", "copyStep", "at !== -1"),
    caughtBy: [copies],
  },
  {
    name: "the condition that nobody has copied further meanwhile",
    cut: conjunct("src/db/sink-progress.ts", "advanceCopy", "from.size}"),
    caughtBy: [copies],
  },
  {
    name: "the state that a copying goes on from",
    cut: replaced(
      "src/jobs/audit-sinks/copy-log.ts",
      "copyHeads",
      "ConditionalExpression",
      "state.nextFiles",
      "32",
    ),
    caughtBy: [copies],
  },
];
