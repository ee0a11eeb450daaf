import { integer, text } from "drizzle-orm/sqlite-core";
import { severities } from "#db/alert-kinds.ts";
import { internal, none, open, tenantTable } from "#db/tenant-table.ts";

/** What may tell whoever runs the deployment. */
export const carrierNames = ["webhook", "mail", "sentry"] as const;
export type CarrierName = (typeof carrierNames)[number];

/** What the operator is yet to be told by one carrier; it is gone once that took it, or it was given up. */
export const operatorNotices = tenantTable(
  "operator_notices",
  {
    carrier: open(text("carrier", { enum: carrierNames }).notNull()),
    /** Of what it tells, the same for every carrier: a notice of a tenant, or a row of the platform's audit. */
    sourceId: open(text("source_id").notNull()),
    /** A kind of alert, or what is amiss with the platform. */
    kind: open(text("kind").notNull()),
    severity: open(text("severity", { enum: severities }).notNull()),
    ofTenant: open(text("of_tenant")),
    count: open(integer("count").notNull()),
    fromAt: open(text("from_at").notNull()),
    toAt: open(text("to_at").notNull()),
    attempts: internal(integer("attempts").notNull()),
    /** Until then it is somebody's who tries, or waits for the next try. */
    nextTryAt: internal(text("next_try_at").notNull()),
  },
  {
    entity: "operator-notice",
    scope: none("the directory has no locations; nobody reads them but what sends them"),
    store: "directory",
  },
);
