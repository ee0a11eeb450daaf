import { conjunct, element, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";
import { noFirewall } from "./isolation.ts";

const lists = ["test/resources/api-calls.test.ts"];
const uses = ["test/jobs/capability-uses.test.ts"];
const advice = ["test/resources/access-advice.test.ts"];
const consumer = ["test/jobs/log-calls.test.ts"];

// As the code has it, but for its last condition.
const everyCall = `sql\`(select coalesce(sum(json_each.value ->> 1), 0) from json_each(json_extract(\${calls}, '$."' || \${name} || '"')) where \${tenantId} <> '')\``;

/** The call log: whose it is, who reads it, and that each call counts once. */
export const calls: readonly Mutant[] = [
  {
    name: "tenant_id = ? on the calls",
    cut: element("src/db/call-filter.ts", "actorConditions", "tenant"),
    wallsDown: [noFirewall],
    caughtBy: lists,
  },
  {
    name: "their own calls alone for who is limited",
    cut: replaced("src/db/call-filter.ts", "actorsOf", "ConditionalExpression", "isLimited", "[]"),
    caughtBy: lists,
  },
  {
    name: "the epoch beside a read of another database",
    cut: replaced("src/db/tenant-db.ts", "#guardedApart", "ExpressionStatement", "#assertState", ""),
    caughtBy: lists,
  },
  {
    name: "the firewall in front of what several tenants gathered",
    cut: replaced(
      "src/db/tenant-driver.ts",
      "executeTogether",
      "ExpressionStatement",
      "assertOwnTenant",
      ";",
    ),
    caughtBy: ["test/db/firewall.test.ts"],
  },
  {
    name: "the counting of new rows alone",
    cut: replaced("src/db/call-rows.ts", "fresh", "TaggedTemplateExpression", "not exists", everyCall),
    caughtBy: consumer,
  },
  {
    name: "the refusal of calls whose rows could be gone",
    cut: replaced("src/jobs/log-calls.ts", "isTooOld", "BinaryExpression", "ms <=", "false"),
    caughtBy: consumer,
  },
  {
    name: "tenant_id = ? on what a principal used",
    cut: conjunct("src/db/capability-uses.ts", "usesSince", `"capability_uses"."tenant_id"`),
    wallsDown: [noFirewall],
    caughtBy: advice,
  },
  {
    name: "tenant_id = ? on the uses that are forgotten",
    cut: conjunct("src/db/capability-uses.ts", "forgetUses", `"capability_uses"."tenant_id"`),
    wallsDown: [noFirewall],
    caughtBy: uses,
  },
  {
    name: "the days of uses only going forward",
    cut: conjunct("src/db/capability-uses.ts", "useStatements", `"last_day" <`),
    caughtBy: uses,
  },
  {
    name: "the leaving out of calls that were refused by rights",
    cut: operand("src/jobs/uses-of-calls.ts", "wasLet", "refusedByRights"),
    caughtBy: uses,
  },
  {
    name: "programs being out of reach of who is limited",
    cut: never("src/resources/access-advice/operations.ts", "get", "isOutOfReach"),
    caughtBy: advice,
  },
  {
    name: "the gate's count of an hour never falling",
    cut: replaced("src/db/gate-counts.ts", "mostOf", "BinaryExpression", "count.calls >", "true"),
    caughtBy: ["test/gate/usage.test.ts"],
  },
  {
    name: "the gate's counting of a request once",
    cut: never("src/gate/gate.ts", "#note", "staleEpoch"),
    caughtBy: ["test/gate/usage.test.ts"],
  },
];
