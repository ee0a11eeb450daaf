import { body, never, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const tree = "src/jobs/audit-tree/audit-tree.ts";
const caughtBy = ["test/jobs/audit-tree.test.ts"];

/** The transparency log: one writer, nothing twice, nothing changed. */
export const auditTree: readonly Mutant[] = [
  {
    name: "the refusal of a gap in the audit's rows",
    cut: never(tree, "#add", "seq !== size + at + 1"),
    caughtBy,
  },
  {
    name: "the turns that writers of one log take",
    cut: body(tree, "#inTurn", "return await work();"),
    caughtBy,
  },
  {
    name: "the comparison with what lies under a key already",
    cut: never("src/platform/create-only.ts", "putOnce", "bytes[at]"),
    caughtBy,
  },
  {
    name: "the condition that nothing lies under a key yet",
    cut: replaced("src/platform/create-only.ts", "putOnce", "ObjectExpression", "etagDoesNotMatch", "{}"),
    caughtBy,
  },
];
