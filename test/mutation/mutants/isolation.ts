import { body, type Cut, conjunct, element, never, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const foreign = "test/every-operation/foreign.test.ts";
const reach = "test/every-operation/reach.test.ts";
const rows = "test/db/reach.test.ts";
const revocation = "test/gate/revocation.test.ts";
const events = "test/resources/events.test.ts";
const eventRows = "src/db/webhooks/events.ts";
const audit = "test/db/audit.test.ts";

/** The fourth wall, down. */
export const noFirewall: Cut = body("src/db/firewall.ts", "assertOwnTenant", "");

/**
 * Who may see which rows: the handle's own predicates. Not here, as no answer changes without it, is tenant_id beside an
 * id that only one tenant can have: an intent's, a commit's, a subject's, a principal's (idempotency, places, roles), a
 * row's number in the cell's one search index, whose rows are joined to the handle's own; and in `tenants`, where it is
 * the id. The firewall asks for it there all the same. What else `isWithinReach` asks only lets more in.
 */
export const isolation: readonly Mutant[] = [
  {
    name: "tenant_id = ? on every statement of the handle",
    // But those of the system, by which the tests' tenants are made.
    cut: replaced(
      "src/db/scope.ts",
      "scoped",
      "CallExpression",
      "eq(",
      "(reach === wholeTenant ? eq(table.tenantId, tenantId) : sql`1`)",
    ),
    wallsDown: [noFirewall],
    caughtBy: [foreign],
  },
  {
    name: "tenant_id = ? on the audit's rows",
    cut: conjunct("src/db/audit-query.ts", "withinReach", '"audit_log"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: [audit, "test/every-operation/canaries.test.ts"],
  },
  ...(["members", "api_keys"] as const).map((table) => ({
    name: `tenant_id = ? on the row of ${table} that a gate is hydrated from`,
    cut: conjunct(
      "src/gate/hydrate.ts",
      table === "members" ? "memberRow" : "keyRow",
      `"${table}"."tenant_id"`,
    ),
    wallsDown: [noFirewall],
    caughtBy: ["test/gate/hydrate.test.ts"],
  })),
  {
    name: "the comparison of the token's tenant with the gate's",
    cut: never("src/gate/gate.ts", "#isGenuine", "request.tenantId"),
    caughtBy: [foreign],
  },
  {
    name: "the comparison of the URL's tenant with the gate's",
    cut: never("src/http/caller.ts", "admit", "!isTheirs"),
    caughtBy: [foreign],
  },
  {
    name: "the location of a limited principal",
    cut: replaced("src/db/scope.ts", "reachOf", "ConditionalExpression", "isAmong", "undefined"),
    caughtBy: [reach],
  },
  {
    name: "the assignee of a limited principal",
    cut: replaced(
      "src/db/scope.ts",
      "reachOf",
      "ConditionalExpression",
      "scope.assignee && reach.assigneeId",
      "undefined",
    ),
    caughtBy: [reach],
  },
  {
    name: "the parent's scope of a table declared via its parent",
    cut: replaced("src/db/scope.ts", "reachOf", "ReturnStatement", "reachThrough", "return undefined;"),
    caughtBy: [rows, reach],
  },
  {
    name: "the guard that a new row is within the principal's reach",
    cut: element("src/db/commit.ts", "commitChanges", "say.codes.reach"),
    caughtBy: [reach],
  },
  {
    name: "the location of a new row",
    cut: replaced(
      "src/db/scope.ts",
      "isWithinReach",
      "LogicalExpression",
      "reach.locations.includes",
      "true",
    ),
    caughtBy: [rows],
  },
  {
    name: "the assignee of a new row",
    cut: replaced("src/db/scope.ts", "isWithinReach", "LogicalExpression", "=== row[assignee]", "true"),
    caughtBy: [rows],
  },
  {
    name: "the location of a limited principal in the audit",
    cut: never("src/db/audit-query.ts", "withinReach", "reach.locations"),
    caughtBy: [audit, reach],
  },
  {
    name: "the assignee of a limited principal in the audit",
    cut: never("src/db/audit-query.ts", "withinReach", "reach.assigneeId"),
    caughtBy: [reach],
  },
  {
    name: "tenant_id = ? on the events that are pulled",
    cut: conjunct(eventRows, "eventsAfter", '"events"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: [events],
  },
  {
    name: "tenant_id = ? on the rows that become leaves of a tenant's log",
    cut: conjunct("src/db/audit-entries.ts", "entriesAfter", '"audit_log"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: ["test/jobs/audit-tree.test.ts"],
  },
  {
    name: "tenant_id = ? on the rows beside a log's leaves",
    cut: conjunct("src/db/audit-query.ts", "auditEntries", '"audit_log"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: ["test/resources/audit-proofs.test.ts"],
  },
  {
    name: "the refusal of a log's leaves to whoever sees some of the rows",
    cut: never("src/resources/audit/leaves.ts", "leaves", "principal.locations"),
    caughtBy: ["test/resources/audit-proofs.test.ts"],
  },
  {
    name: "tenant_id = ? on the published heads",
    cut: conjunct("src/db/audit-query.ts", "checkpoints", '"audit_checkpoints"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: ["test/resources/audit-proofs.test.ts"],
  },
  {
    name: "tenant_id = ? on how far a log's copies are",
    cut: conjunct("src/db/sink-progress.ts", "sinkProgress", '"audit_sink_progress"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: ["test/jobs/audit-sinks/lag.test.ts"],
  },
  {
    name: "the location of a limited principal in the events",
    cut: never(eventRows, "eventsAfter", "reach.locations"),
    caughtBy: [events],
  },
  {
    name: "the assignee of a limited principal in the events",
    cut: never(eventRows, "eventsAfter", "reach.assigneeId"),
    caughtBy: [events],
  },
  {
    name: "tenant_id = ? on the events that endpoints are told of",
    cut: conjunct(eventRows, "undispatchedEvents", '"events"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: ["test/jobs/webhooks/deliveries.test.ts"],
  },
  {
    name: "tenant_id = ? on the events that are sent once more",
    cut: conjunct(eventRows, "unsentEvents", '"events"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: ["test/jobs/webhooks/replay.test.ts"],
  },
  {
    name: "an endpoint's locations in the events that are sent once more",
    cut: replaced(eventRows, "unsentEvents", "ConditionalExpression", "given.locationIds === null", "sql``"),
    caughtBy: ["test/jobs/webhooks/replay.test.ts"],
  },
  {
    name: "the key whose locations a gate is hydrated from",
    cut: conjunct("src/gate/hydrate.ts", "keyPlaces", '"api_key_locations"."api_key_id"'),
    caughtBy: [reach],
  },
  {
    name: "the member whose locations a gate is hydrated from",
    cut: conjunct("src/gate/hydrate.ts", "memberPlaces", '"member_locations"."member_id"'),
    caughtBy: ["test/gate/hydrate.test.ts"],
  },
  {
    name: "tenant_id = ? on the epoch of every read",
    cut: conjunct("src/db/tenant-db.ts", "#stateStatement", '"tenant_state"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: [revocation],
  },
  {
    name: "tenant_id = ? on the epoch that a row brings along",
    cut: conjunct("src/db/queries.ts", "oneBesideState", '"tenant_state"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: [revocation],
  },
  {
    name: "tenant_id = ? in the state guard of every commit",
    cut: conjunct("src/db/commit-statements.ts", "stateGuard", '"tenant_state"."tenant_id"'),
    wallsDown: [noFirewall],
    caughtBy: ["test/db/commit.test.ts"],
  },
  ...(["tenant_state", "tenant_keys"] as const).map((table) => ({
    name: `tenant_id = ? on the rows of ${table} that a gate is hydrated from`,
    cut: conjunct("src/gate/hydrate.ts", "common", `"${table}"."tenant_id"`),
    wallsDown: [noFirewall],
    caughtBy: [revocation],
  })),
];
