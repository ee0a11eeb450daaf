import { body, conjunct, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const telling = ["test/jobs/alerts/telling.test.ts"];
const watched = ["test/jobs/alerts/watched-calls.test.ts"];
const critical = ["test/jobs/alerts/critical.test.ts"];
const arrivals = ["test/gate/arrivals.test.ts"];
const operator = ["test/jobs/operator.test.ts"];
const rules = "src/resources/alerts/rules.ts";
const tell = "src/jobs/alerts/tell.ts";
const watch = "src/jobs/alerts/watch-calls.ts";
const passing = "src/jobs/operator/tell-operator.ts";

/** Alerts: none lost, none told twice, not too often, and nothing of whom to the operator. */
export const alertMutants: readonly Mutant[] = [
  {
    name: "the guard of how far an audit was gone through",
    cut: replaced(
      "src/db/alert-progress.ts",
      "goneThrough",
      "TaggedTemplateExpression",
      "not exists",
      "sql`0`",
    ),
    caughtBy: telling,
  },
  {
    name: "the record that the owners were written to",
    cut: replaced(
      tell,
      "mailOwners",
      "CallExpression",
      "onceWithin",
      "onceWithin(recordsKeptMs, job, crypto.randomUUID(), run.now)",
    ),
    caughtBy: telling,
  },
  {
    name: "how often a business is told of a kind, and in a day",
    cut: body(rules, "nextNoticeAt", "void [times, mostOfDay]; return 0;"),
    caughtBy: telling,
  },
  {
    name: "that an alert which somebody has seen to is over",
    cut: operand(rules, "planned", "acknowledgedAt"),
    caughtBy: ["test/resources/alerts.test.ts"],
  },
  {
    name: "that who founds a business is no news",
    cut: body("src/jobs/alerts/findings.ts", "newsOf", "void session; return rows;"),
    caughtBy: critical,
  },
  {
    name: "what a thing was like before",
    cut: conjunct("src/db/alert-progress.ts", "rowBefore", '"audit_log"."seq" <'),
    caughtBy: critical,
  },
  {
    name: "how close to each other lockouts are that are a storm",
    cut: body("src/jobs/alerts/findings.ts", "within", "void [atLeast, ms]; return [...instants];"),
    caughtBy: critical,
  },
  {
    name: "the record that a burst was found",
    cut: replaced(watch, "tell", "CallExpression", "onceWithin", "null"),
    caughtBy: watched,
  },
  {
    name: "the beginning of a window of calls",
    cut: conjunct("src/db/watched-calls.ts", "refusedSince", '"calls"."id" >='),
    caughtBy: watched,
  },
  {
    name: "how fast somebody came",
    cut: body("src/gate/arrival-rules.ts", "speedOf", "void [from, to]; return 0;"),
    caughtBy: arrivals,
  },
  {
    name: "what a gate forgets when its cell remembers",
    cut: replaced("src/gate/arrival-rules.ts", "judged", "LogicalExpression", "at > last.at", "true"),
    caughtBy: arrivals,
  },
  {
    name: "the record that what an arrival shows was found",
    cut: replaced("src/gate/arrivals.ts", "found", "CallExpression", "onceAnHour", "null"),
    caughtBy: arrivals,
  },
  {
    name: "the wait of a notice to the operator between its tries",
    cut: operand(passing, "tellOperator", "nextTryAt"),
    caughtBy: operator,
  },
  {
    name: "how far the audit of the platform was gone through",
    cut: replaced(
      "src/jobs/operator/platform-alerts.ts",
      "alertOperator",
      "CallExpression",
      "goneThrough(",
      "goneThrough(platformTenant, { from: progress.from, to: progress.from })",
    ),
    caughtBy: operator,
  },
];
