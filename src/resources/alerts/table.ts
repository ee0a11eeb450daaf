import { integer, text } from "drizzle-orm/sqlite-core";
import { alertKindNames, severities } from "#db/alert-kinds.ts";
import { internal, none, open, tenantTable } from "#db/tenant-table.ts";

const whole = none("what concerns the whole business, for those who hold security:read");

/** What happened to one subject within a while, how often, and how many of these have been told of. */
export const alerts = tenantTable(
  "alerts",
  {
    kind: open(text("kind", { enum: alertKindNames }).notNull()),
    severity: open(text("severity", { enum: severities }).notNull()),
    /** The id of what or whom it is about; null where it is the business as a whole. */
    subjectId: open(text("subject_id")),
    count: open(integer("count").notNull()),
    told: open(integer("told").notNull()),
    firstAt: open(text("first_at").notNull()),
    lastAt: open(text("last_at").notNull()),
    toldAt: open(text("told_at")),
    /** When those that have not been told of are to be; null where there are none. */
    tellAt: internal(text("tell_at")),
    acknowledgedAt: open(text("acknowledged_at")),
    /** A member or an API key. */
    acknowledgerId: open(text("acknowledger_id")),
  },
  { entity: "alert", scope: whole },
);

/** What was told at once, of one or more alerts of a kind: the sum of all counts is that of what has been told of. */
export const alertNotices = tenantTable(
  "alert_notices",
  {
    /** The newest of the alerts. */
    alertId: open(text("alert_id").notNull()),
    kind: open(text("kind", { enum: alertKindNames }).notNull()),
    count: open(integer("count").notNull()),
    fromAt: open(text("from_at").notNull()),
    toAt: open(text("to_at").notNull()),
    /** When the owners' mails were written, or found to be needless; null until then. */
    mailedAt: internal(text("mailed_at")),
    /** The same of what the operator gets. */
    passedOnAt: internal(text("passed_on_at")),
  },
  { entity: "alert-notice", scope: whole },
);
