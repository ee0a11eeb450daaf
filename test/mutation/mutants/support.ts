import { conjunct, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const visits = ["test/resources/support/visits.test.ts"];
const grants = ["test/resources/support/grants.test.ts"];
const everyOperation = ["test/every-operation/support.test.ts"];
const rights = ["test/gate/rights.test.ts"];
const ofSession = "src/gate/support-rights.ts";
const visit = "src/identity/support/visit.ts";

/** Whoever helps a business for those who run the deployment. */
export const support: readonly Mutant[] = [
  {
    name: "that a session which was ended lets nobody in",
    cut: conjunct(ofSession, "supportRow", '"support_sessions"."ended_at" is null'),
    caughtBy: visits,
  },
  {
    name: "that whoever gave the grant is an owner still",
    cut: conjunct(ofSession, "supportRow", `"members"."role" = 'owner'`),
    caughtBy: visits,
  },
  {
    name: "what a grant may name",
    cut: replaced("src/gate/rights.ts", "underSupport", "CallExpression", "intersect(named", "named"),
    caughtBy: rights,
  },
  {
    name: "the role of the agent",
    cut: replaced("src/gate/rights.ts", "underSupport", "CallExpression", "intersect(granted", "granted"),
    caughtBy: rights,
  },
  {
    name: "that support writes nothing without a grant",
    cut: never("src/db/audit-rows.ts", "grantOf", "support?.grantId"),
    caughtBy: ["test/db/commit.test.ts"],
  },
  {
    name: "the masks of an answer",
    cut: operand("src/http/execute.ts", "answered", "support === null"),
    caughtBy: everyOperation,
  },
  {
    name: "that what cannot be masked is not answered",
    cut: never("src/http/door.ts", "authorized", "isMaskedFor"),
    caughtBy: everyOperation,
  },
  {
    name: "who acts, on every answer",
    cut: never("src/http/caller.ts", "admit", "sayWhoActs"),
    caughtBy: everyOperation,
  },
  {
    name: "that an owner gives a grant",
    cut: replaced("src/resources/support/grants.ts", "create", "BinaryExpression", "mine?.role", "!mine"),
    caughtBy: grants,
  },
  {
    name: "that a session ends with its grant",
    cut: replaced("src/resources/support/grants.ts", "end", "CallExpression", "sessions.flatMap", "[]"),
    caughtBy: grants,
  },
  {
    name: "that an agent proved a second factor of their own",
    cut: operand(visit, "unprovedFactor", "restsOnSms"),
    caughtBy: visits,
  },
  {
    name: "that an agent proved it of late",
    cut: replaced(visit, "unprovedFactor", "ConditionalExpression", "isRecent", "null"),
    caughtBy: visits,
  },
  {
    name: "that the sweeper goes on with nothing of a visit that is over",
    cut: replaced(
      "src/jobs/sweep-intents.ts",
      "resume",
      "ConditionalExpression",
      "isUndone",
      "([] as never[])",
    ),
    caughtBy: ["test/resources/support/late.test.ts"],
  },
  {
    name: "that signing out ends an agent's visits",
    cut: replaced("src/identity/sessions/end-in-cells.ts", "told", "AwaitExpression", "endVisits", "true"),
    caughtBy: visits,
  },
];
