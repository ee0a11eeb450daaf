import { and, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { update } from "#db/changes.ts";
import { many } from "#db/queries.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { timestamp } from "#lib/time.ts";
import { Alert, AlertId, AlertKind } from "./schema.ts";
import { alerts } from "./table.ts";

const params = z.object({ alertId: AlertId });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/alerts",
  summary: "List what the business was alerted of, newest first; of one kind",
  can: "security:read",
  store: "cell",
  query: z.strictObject({ ...pageQuery, kind: AlertKind.optional() }),
  returns: pageOf(Alert),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query: { limit, cursor, kind } }) {
    const after = await cursors.open(cursor, { kind });
    if (after instanceof Refusal) return after;
    const where = and(
      kind === undefined ? undefined : eq(alerts.kind, kind),
      after === null ? undefined : sql`${alerts.id} < ${after}`,
    );
    const indexedBy = kind === undefined ? {} : { indexedBy: "alerts_by_kind" };
    const { rows } = await tenant.read({ rows: many(alerts, { where, ...indexedBy, limit: limit + 1 }) });
    return await cursors.page(
      rows,
      limit,
      { kind },
      (row) => row.id,
      (row) => row,
    );
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/alerts/{alertId}",
  summary: "Read an alert",
  can: "security:read",
  store: "cell",
  params,
  returns: Alert,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    return (await tenant.get(alerts, params.alertId)) ?? refuse("not-found");
  },
});

export const acknowledge = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/alerts/{alertId}/acknowledge",
  summary: "Say that somebody has seen to an alert; what happens after it is another one",
  can: "security:write",
  store: "cell",
  params,
  returns: Alert,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { params }) {
    const row = await tenant.get(alerts, params.alertId);
    if (!row) return refuse("not-found");
    if (row.acknowledgedAt !== null) return commit(row);
    const patch = { acknowledgedAt: timestamp(now), acknowledgerId: principal.id };
    const seen = update(alerts, row, patch, now);
    return commit(seen.row, seen);
  },
});
