import { integer, text } from "drizzle-orm/sqlite-core";
import { digest, internal, none, open, secret, tenantTable } from "#db/tenant-table.ts";
import { normaliseEmail } from "#lib/normalise.ts";
import { mailKinds } from "./kinds.ts";

const global = none("the directory has no locations; nobody reads mails but what sends them");

/**
 * A mail on its way, or a text to a telephone, as its kind says. To whom and what lies under the directory's key, as there may be no user it belongs to; the row is
 * gone within a day, and its audit copies neither.
 */
export const outgoingMails = tenantTable(
  "outgoing_mails",
  {
    kind: open(text("kind", { enum: mailKinds }).notNull()),
    recipient: secret(text("recipient").notNull()),
    /** JSON of the kind's variables; its links hold tokens. */
    data: secret(text("data").notNull()),
    userId: open(text("user_id")),
    attempts: internal(integer("attempts").notNull()),
    /** Until then it is somebody's who tries, or waits for the next try. */
    nextTryAt: internal(text("next_try_at").notNull()),
  },
  { entity: "outgoing-mail", scope: global, store: "directory" },
);

/** An address that takes no mail, or whose owner called ours spam: nothing leaves for it. */
export const mailSuppressions = tenantTable(
  "mail_suppressions",
  {
    recipient: secret(text("recipient").notNull()),
    recipientToken: digest(text("recipient_token")),
    reason: open(text("reason", { enum: ["bounced", "complained", "inactive"] }).notNull()),
  },
  {
    entity: "mail-suppression",
    scope: global,
    store: "directory",
    exact: { recipientToken: { from: "recipient", normalise: normaliseEmail } },
  },
);
