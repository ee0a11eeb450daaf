import { integer, text } from "drizzle-orm/sqlite-core";
import { internal, none, open, secret, tenantTable } from "#db/tenant-table.ts";

/** An issuer (OpenID Connect) that a business lets its people sign in by. */
export const ssoConnections = tenantTable(
  "sso_connections",
  {
    name: open(text("name").notNull()),
    /** https, in its one spelling: tokens are compared with it by their text. */
    issuer: open(text("issuer").notNull()),
    clientId: open(text("client_id").notNull()),
    clientSecret: secret(text("client_secret").notNull()),
    /** What whoever comes by it for the first time is; never an elevated role. */
    defaultRole: open(text("default_role").notNull()),
    allLocations: open(integer("all_locations").notNull()),
    /** 1: whoever comes by it and is no member yet is made one. */
    addsMembers: open(integer("adds_members").notNull()),
    state: open(text("state", { enum: ["active", "off"] }).notNull()),
  },
  { entity: "sso-connection", scope: none("how people sign in is decided for the whole business") },
);

/** A domain whose addresses this business speaks for, once DNS has said so. */
export const ssoDomains = tenantTable(
  "sso_domains",
  {
    connectionId: open(text("connection_id").notNull()),
    /** Lower case, ASCII (punycode). */
    domain: open(text("domain").notNull()),
    /** What the TXT record at `_keyline.<domain>` must say. */
    proof: open(text("proof").notNull()),
    state: open(text("state", { enum: ["pending", "verified", "lapsed"] }).notNull()),
    /** 1: who has an address of it signs in by the connection alone. Only while it is verified. */
    isEnforced: open(integer("is_enforced").notNull()),
    verifiedAt: open(text("verified_at")),
    /** When DNS was last asked and answered. Technical where nothing else changes. */
    checkedAt: open(text("checked_at")),
    /** Since when the record of a verified domain has not been found; null while it is there. */
    missingSince: internal(text("missing_since")),
  },
  { entity: "sso-domain", scope: none("how people sign in is decided for the whole business") },
);
