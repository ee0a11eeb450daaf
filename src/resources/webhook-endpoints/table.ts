import { integer, text } from "drizzle-orm/sqlite-core";
import { none, open, secret, tenantTable } from "#db/tenant-table.ts";

/** As many as a tenant may have. */
export const mostEndpoints = 50;

/** Why nothing is sent: somebody wished so, the receiver said 410 or failed for days, or its creator's rights ended. */
export const disabledReasons = [
  "by-hand",
  "gone",
  "failing",
  "creator-gone",
  "creator-lacks-rights",
] as const;
export type DisabledReason = (typeof disabledReasons)[number];

export const webhookEndpoints = tenantTable(
  "webhook_endpoints",
  {
    // Receivers' addresses often hold a token of theirs, so only the host is plain.
    url: secret(text("url").notNull()),
    host: open(text("host").notNull()),
    /** JSON array of event types. */
    eventTypes: open(text("event_types").notNull()),
    /** JSON array of the locations that its creator was limited to; null: all. */
    locationIds: open(text("location_ids")),
    /** Whose rights it is sent events under: who created it, or has changed or enabled it since. */
    creatorId: open(text("creator_id").notNull()),
    secret: secret(text("secret").notNull()),
    previousSecret: secret(text("previous_secret")),
    previousSecretUntil: open(text("previous_secret_until")),
    /** null: as old as the endpoint. */
    secretCreatedAt: open(text("secret_created_at")),
    secretVersion: open(integer("secret_version").notNull()),
    /** The newest secret of whose age the tenant was told. */
    secretToldVersion: open(integer("secret_told_version").notNull()),
    state: open(text("state", { enum: ["enabled", "disabled"] }).notNull()),
    enabledAt: open(text("enabled_at").notNull()),
    disabledAt: open(text("disabled_at")),
    disabledBecause: open(text("disabled_because", { enum: disabledReasons })),
  },
  {
    entity: "webhook-endpoint",
    scope: none(
      "managed for the whole tenant by integrations:manage; what one is sent has its creator's reach",
    ),
  },
);
