import { conjunct, element, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const commit = "test/db/commit.test.ts";
const orders = "test/resources/orders.test.ts";
const locations = "test/resources/locations.test.ts";
const reach = "test/every-operation/reach.test.ts";
const audit = "test/db/audit.test.ts";
const outbox = "test/db/outbox.test.ts";
const revocation = "test/gate/revocation.test.ts";
const moved = "test/gate/rights-moved.test.ts";
const sweep = "test/jobs/sweep-intents.test.ts";
const idempotency = "test/http/idempotency.test.ts";
const ofAccounts = "test/http/account-idempotency.test.ts";
const preconditions = "test/http/preconditions.test.ts";
const lostConnections = "test/http/lost-connections.test.ts";
const storedAnswers = "test/http/stored-answers.test.ts";
const statements = "src/db/commit-statements.ts";

/** What one batch holds besides the write, and what every read carries. */
export const commits: readonly Mutant[] = [
  {
    name: "the epoch on every read",
    cut: operand("src/db/tenant-db.ts", "#assertState", "row?.$epoch !== epoch"),
    caughtBy: [revocation],
  },
  {
    name: "the tenant's state on every read",
    cut: operand("src/db/tenant-db.ts", "#assertState", "row?.$state"),
    caughtBy: [moved],
  },
  {
    name: "the state guard of every commit",
    cut: element("src/db/commit.ts", "commitChanges", "say.stateGuard"),
    caughtBy: [revocation],
  },
  {
    name: "the epoch in a request's state guard",
    cut: conjunct(statements, "stateGuard", '"tenant_state"."epoch"'),
    caughtBy: [revocation],
  },
  {
    name: "the tenant's state in a request's state guard",
    cut: conjunct(statements, "stateGuard", `"tenant_state"."state" = 'active'`),
    caughtBy: [commit],
  },
  {
    name: "the tenant's state in the system's state guard",
    cut: conjunct(statements, "stateGuard", `"tenant_state"."state" <> 'closing'`),
    caughtBy: [sweep],
  },
  {
    name: "the new epoch when rights change",
    cut: replaced("src/db/commit.ts", "bodyOf", "IfStatement", "say.epochBump", ""),
    wallsDown: [
      replaced("src/http/after-commit.ts", "changedPrincipals", "ReturnStatement", "before.id", "return [];"),
    ],
    caughtBy: [revocation],
  },
  {
    name: "the guards of a commit",
    cut: element("src/db/commit.ts", "commitChanges", "...guards.map"),
    caughtBy: [orders],
  },
  {
    name: "the guard that a row exists",
    cut: replaced(statements, "rowGuard", "TaggedTemplateExpression", "not $", "sql`0`"),
    caughtBy: [orders],
  },
  {
    name: "the guard that a row is absent",
    cut: replaced(statements, "rowGuard", "ConditionalExpression", ": found", "sql`0`"),
    caughtBy: [locations],
  },
  {
    name: "the principal's reach in the guard that a row exists",
    cut: replaced(statements, "rowGuard", "MemberExpression", "session.reach", "wholeTenant"),
    caughtBy: [reach],
  },
  {
    name: "the whole tenant in the guard that a row is absent",
    cut: replaced(statements, "rowGuard", "ConditionalExpression", "wholeTenant", "session.reach"),
    caughtBy: [commit],
  },
  {
    name: "the version of a changed row",
    cut: conjunct(statements, "versionGuard", "table.version"),
    caughtBy: [idempotency, preconditions],
  },
  {
    name: "the guard that an intent is still open",
    cut: element("src/db/intent-rows.ts", "intentGuards", "guardStatement"),
    caughtBy: [sweep],
  },
  {
    name: "the open state in the intent's guard",
    cut: conjunct("src/db/intent-rows.ts", "intentGuards", `"intents"."state" = 'intended'`),
    caughtBy: [sweep],
  },
  {
    name: "the due time when a sweeper claims an intent",
    cut: conjunct("src/db/intent-rows.ts", "claimIntent", `"intents"."due_at" <=`),
    caughtBy: [sweep],
  },
  {
    name: "the commit id that tells whether a lost batch was committed",
    cut: element("src/db/commit.ts", "commitChanges", "say.commitRow"),
    caughtBy: [lostConnections],
  },
  {
    name: "the audit row of a changed row",
    cut: replaced(
      "src/db/commit.ts",
      "bodyOf",
      "CallExpression",
      "audited.of(change)",
      "audited.of(change).slice(0, 0)",
    ),
    caughtBy: [audit],
  },
  {
    name: "the events of a commit",
    cut: replaced("src/db/commit.ts", "bodyOf", "CallExpression", "eventStatements", "[]"),
    caughtBy: [outbox],
  },
  {
    name: "the record of what somebody did to their own account",
    cut: replaced("src/http/account-write.ts", "written", "ConditionalExpression", "accountRecord", "null"),
    caughtBy: [ofAccounts],
  },
  {
    name: "the look for that record before anything is tried or counted",
    cut: replaced(
      "src/http/account-door.ts",
      "servedMe",
      "AwaitExpression",
      "recordOf(run, key)",
      "(null as Awaited<ReturnType<typeof recordOf>>)",
    ),
    caughtBy: [ofAccounts],
  },
  {
    name: "that a password is hashed before it is made part of a fingerprint",
    cut: replaced(
      "src/http/account-replay.ts",
      "withoutPasswords",
      "ConditionalExpression",
      "passwordTag",
      "value",
    ),
    caughtBy: [ofAccounts],
  },
  {
    name: "the idempotency record of a commit",
    cut: replaced("src/db/commit.ts", "commitChanges", "ConditionalExpression", "say.recordRow", "[]"),
    caughtBy: [idempotency],
  },
  {
    name: "the fingerprint of a replayed request",
    cut: never("src/http/idempotency-key.ts", "replayOf", "key.fingerprint"),
    caughtBy: [idempotency],
  },
  {
    name: "the principal of a replay",
    cut: conjunct("src/db/replay.ts", "replayQuery", '"idempotency"."principal_id"'),
    caughtBy: [idempotency],
  },
  {
    name: "the operation of a replay",
    cut: conjunct("src/db/replay.ts", "replayQuery", '"idempotency"."operation"'),
    caughtBy: [idempotency],
  },
  {
    name: "the look for an earlier answer before a refusal",
    cut: replaced("src/http/write.ts", "refused", "ConditionalExpression", "lookUp", "null"),
    caughtBy: [idempotency],
  },
  {
    name: "the null in place of what is shown once",
    cut: replaced("src/http/write.ts", "recordOf", "CallExpression", "withoutShownOnce", "draft.json"),
    caughtBy: [storedAnswers],
  },
];
