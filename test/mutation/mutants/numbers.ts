import { conjunct } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";
import { noFirewall } from "./isolation.ts";

const retention = "src/db/retention.ts";
const outbox = "src/db/outbox.ts";
const hours = "src/db/call-hours.ts";
const kept = ["test/jobs/webhooks/keeping.test.ts"];
const dispatched = ["test/db/outbox.test.ts"];
const purged = ["test/jobs/call-retention.test.ts"];

/**
 * Where tenant_id is all that tells two tenants' rows apart: each counts its events from one, and hours are everybody's.
 * Elsewhere a statement of a job names ids that were found under the tenant and that nobody else can have. `hasPending`
 * only spares a consumer its way: what it goes on to do finds the tenant's own events.
 */
export const numbers: readonly Mutant[] = [
  mutant("the old events that are deleted", retention, "deleteExpiredRows", "events", kept),
  mutant("the old bodies that are deleted", retention, "deleteExpiredRows", "webhook_bodies", kept),
  mutant("the events that are marked as told", "src/db/webhooks/dispatch.ts", "markDispatched", "events", [
    "test/jobs/webhooks/deliveries.test.ts",
  ]),
  mutant("the body that is sent", "src/db/webhooks/queue.ts", "dueDeliveries", "webhook_bodies", [
    "test/jobs/webhooks/deliveries.test.ts",
  ]),
  mutant(
    "the body that a try is read with",
    "src/db/webhooks/query.ts",
    "attemptsOf",
    "webhook_bodies",
    kept,
  ),
  mutant(
    "the events of a time that is replayed",
    "src/db/webhooks/replay.ts",
    "requeueDeliveries",
    "events",
    ["test/jobs/webhooks/replay.test.ts"],
  ),
  mutant("the endpoints that are listening", outbox, "listener", "webhook_endpoints", dispatched),
  mutant("the queues that are left", outbox, "queue", "webhook_queues", dispatched),
  mutant("the hour that is archived", hours, "markArchived", "call_hours", [
    "test/jobs/archive-calls.test.ts",
  ]),
  mutant("the calls of an hour", hours, "ofHour", "calls", [...purged, "test/jobs/archive-calls.test.ts"]),
];

function mutant(
  what: string,
  path: string,
  place: string,
  table: string,
  caughtBy: readonly string[],
): Mutant {
  return {
    name: `tenant_id = ? on ${what}`,
    cut: conjunct(path, place, `"${table}"."tenant_id"`),
    wallsDown: [noFirewall],
    caughtBy,
  };
}
