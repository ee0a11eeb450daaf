import { sql } from "drizzle-orm";
import { many } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { mostRecipients } from "#gate/owners.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { operatorNotices } from "./operator-table.ts";
import { groupedForMs } from "./rules.ts";
import { alertNotices, alerts } from "./table.ts";

/** As many alerts are told of in one go; more wait for the next. */
const mostUntold = 200;
const mostRecent = 500;
/** More than a day can have of all kinds. */
const mostNotices = 500;
/** As many notices are passed on in one go. */
export const mostPending = 20;

/** What a tenant's new findings are held against. */
export function standingQueries(now: number) {
  return {
    recent: many(alerts, {
      where: sql`${alerts.lastAt} >= ${timestamp(now - groupedForMs)}`,
      indexedBy: "alerts_recent",
      order: sql`${alerts.lastAt} desc`,
      limit: mostRecent,
    }),
    untold: many(alerts, {
      where: sql`${alerts.tellAt} is not null`,
      indexedBy: "alerts_untold",
      order: sql`${alerts.tellAt}`,
      limit: mostUntold,
    }),
    notices: many(alertNotices, {
      where: sql`${alertNotices.createdAt} > ${timestamp(now - dayMs)}`,
      indexedBy: "alert_notices_by_time",
      order: sql`${alertNotices.createdAt} desc`,
      limit: mostNotices,
    }),
  };
}

/** Notices that somebody is still to be told, the oldest first. */
export const pendingNotices = {
  /** The operator. */
  notPassedOn: many(alertNotices, {
    where: sql`${alertNotices.passedOnAt} is null`,
    indexedBy: "alert_notices_pending",
    order: sql`${alertNotices.createdAt}`,
    limit: mostPending,
  }),
  /** The owners. */
  notMailed: many(alertNotices, {
    where: sql`${alertNotices.mailedAt} is null`,
    indexedBy: "alert_notices_pending",
    order: sql`${alertNotices.createdAt}`,
    limit: mostPending,
  }),
};

/** The alerts that a notice sums up and no later one has told of, the newest first. */
export function alertsOfNotice({ kind, fromAt, createdAt }: Row<typeof alertNotices>) {
  return many(alerts, {
    where: sql`${alerts.lastAt} >= ${fromAt} and ${alerts.toldAt} = ${createdAt} and ${alerts.kind} = ${kind}`,
    indexedBy: "alerts_recent",
    order: sql`${alerts.lastAt} desc`,
    limit: mostRecipients,
  });
}

/** As many notices to the operator are found due at once. */
const mostDue = 500;

/** Notices to the operator to be tried by then, the longest due first. */
export function dueOperatorNotices(by: number) {
  return many(operatorNotices, {
    where: sql`${operatorNotices.nextTryAt} <= ${timestamp(by)}`,
    indexedBy: "operator_notices_due",
    order: sql`${operatorNotices.nextTryAt}`,
    limit: mostDue,
  });
}

/** The notice of a carrier and kind that waits for its turn and sums up those that come meanwhile. */
export function gatheringNotice(
  { carrier, kind, id }: Pick<Row<typeof operatorNotices>, "carrier" | "kind" | "id">,
  now: number,
) {
  const { attempts, nextTryAt } = operatorNotices;
  return many(operatorNotices, {
    where: sql`${nextTryAt} > ${timestamp(now)} and ${attempts} = 0 and ${operatorNotices.carrier} = ${carrier} and ${operatorNotices.kind} = ${kind} and ${operatorNotices.id} <> ${id}`,
    indexedBy: "operator_notices_due",
    order: sql`${nextTryAt}`,
    limit: 1,
  });
}
