import { integer, text } from "drizzle-orm/sqlite-core";
import {
  digest,
  internal,
  location,
  none,
  open,
  peopleAtPlaces,
  personal,
  tenantTable,
  via,
} from "#db/tenant-table.ts";

// What decides who may do what. A change of any of these moves the tenant's epoch, and with it every cached right.

export const tenants = tenantTable(
  "tenants",
  {
    slug: open(text("slug").notNull()),
    name: open(text("name").notNull()),
    trade: open(text("trade").notNull()),
    plan: open(text("plan", { enum: ["free", "pro", "enterprise"] }).notNull()),
    currency: open(text("currency").notNull()),
    timezone: open(text("timezone").notNull()),
    /** JSON array of origins whose pages may call the API. */
    allowedOrigins: open(text("allowed_origins").notNull()),
  },
  {
    entity: "tenant",
    scope: none("one row, of which every member sees what their capabilities say"),
    movesEpoch: true,
  },
);

export const locations = tenantTable(
  "locations",
  {
    name: open(text("name").notNull()),
    timezone: open(text("timezone").notNull()),
  },
  { entity: "location", scope: location("id") },
);

export const roles = tenantTable(
  "roles",
  {
    name: open(text("name").notNull()),
    capabilities: open(text("capabilities").notNull()),
    /** Whoever has it sees all of the tenant, or their locations of it; or what is assigned to them. */
    scope: open(text("scope", { enum: ["tenant", "assigned"] }).notNull()),
  },
  { entity: "role", scope: none("roles are the tenant's, not a location's"), movesEpoch: true },
);

export const members = tenantTable(
  "members",
  {
    userId: internal(text("user_id").notNull()),
    /** As their account had it when that was last told; null where it never was. */
    name: personal(text("name")),
    email: personal(text("email")),
    /** One of the fixed roles, or "custom" beside `roleId`. */
    role: open(text("role").notNull()),
    roleId: open(text("role_id")),
    grants: open(text("grants").notNull()),
    denials: open(text("denials").notNull()),
    state: open(text("state", { enum: ["active", "suspended"] }).notNull()),
    allLocations: open(integer("all_locations").notNull()),
    removedAt: open(text("removed_at")),
  },
  {
    entity: "member",
    scope: peopleAtPlaces(() => memberLocations, "memberId"),
    subject: "id",
    movesEpoch: true,
  },
);

export const memberLocations = tenantTable(
  "member_locations",
  {
    memberId: open(text("member_id").notNull()),
    locationId: open(text("location_id").notNull()),
  },
  { entity: "member-location", scope: location("locationId"), movesEpoch: true },
);

export const apiKeys = tenantTable(
  "api_keys",
  {
    name: personal(text("name").notNull()),
    scopes: open(text("scopes").notNull()),
    secretHash: digest(text("secret_hash").notNull()),
    pepperVersion: internal(integer("pepper_version").notNull()),
    allLocations: open(integer("all_locations").notNull()),
    /** JSON array of CIDRs; empty admits every address. */
    ipAllowList: open(text("ip_allow_list").notNull()),
    /** JSON array of origins; empty admits every one that the tenant lists. */
    allowedOrigins: open(text("allowed_origins").notNull()),
    creatorId: open(text("creator_id").notNull()),
    expiresAt: open(text("expires_at")),
    revokedAt: open(text("revoked_at")),
    lastUsedAt: open(text("last_used_at")),
    leakedAt: open(text("leaked_at")),
    /** The key that takes its place. */
    successorId: open(text("successor_id")),
    rotatedAt: open(text("rotated_at")),
    /** Until when it is let in beside its successor. */
    retiresAt: open(text("retires_at")),
    /** When its tenant was told that it is still used near its end. */
    stillUsedToldAt: internal(text("still_used_told_at")),
    /** The longest age, in days, of which its tenant was told that it nears it. */
    ageTold: internal(integer("age_told")),
    /** The same of being overdue by it. */
    overdueTold: internal(integer("overdue_told")),
  },
  {
    entity: "api-key",
    scope: none("keys are managed for the whole tenant by those who hold api-keys:*"),
    subject: "id",
    movesEpoch: true,
  },
);

export const apiKeyLocations = tenantTable(
  "api_key_locations",
  {
    apiKeyId: open(text("api_key_id").notNull()),
    locationId: open(text("location_id").notNull()),
  },
  { entity: "api-key-location", scope: via(apiKeys, "apiKeyId"), movesEpoch: true },
);

/** Programs of others: they act for a member who consented, or for themselves. */
export const oauthClients = tenantTable(
  "oauth_clients",
  {
    name: personal(text("name").notNull()),
    type: open(text("type", { enum: ["public", "confidential"] }).notNull()),
    /** JSON array. */
    redirectUris: open(text("redirect_uris").notNull()),
    /** JSON array. */
    grantTypes: open(text("grant_types").notNull()),
    /** The most that it can be let do, for whomever. */
    scopes: open(text("scopes").notNull()),
    secretHash: digest(text("secret_hash")),
    pepperVersion: internal(integer("pepper_version")),
    /** Goes up with its name and redirect URIs, which are what people judge it by. */
    shownVersion: open(integer("shown_version").notNull()),
    creatorId: open(text("creator_id").notNull()),
    deletedAt: open(text("deleted_at")),
    lastUsedAt: open(text("last_used_at")),
  },
  {
    entity: "oauth-client",
    scope: none("clients are managed for the whole tenant by those who hold integrations:manage"),
    subject: "id",
    movesEpoch: true,
  },
);

/** What a member allowed a client, until either side thinks better of it. */
export const oauthConsents = tenantTable(
  "oauth_consents",
  {
    memberId: open(text("member_id").notNull()),
    clientId: open(text("client_id").notNull()),
    scope: open(text("scope").notNull()),
    /** Of the client as they saw it. */
    shownVersion: open(integer("shown_version").notNull()),
  },
  {
    entity: "oauth-consent",
    scope: none("seen by those who hold integrations:manage, and each member's own by its user"),
  },
);
