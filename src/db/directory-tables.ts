import { integer, text } from "drizzle-orm/sqlite-core";
import { normaliseEmail } from "#lib/normalise.ts";
import { assignee, digest, internal, none, open, personal, secret, tenantTable } from "./tenant-table.ts";

/** The owner of every row of the directory: its own audit, events and keys are the platform's. */
export const platformTenant = "platform";

/**
 * How many peppers, and how many keys that signed heads, are read and told of at most. All of them are needed for as long
 * as they stand, and one is made in 30 days at most: nobody has so many within 16 years, by cron alone not in 199.
 */
export const mostKeysKept = 200;

const global = none("the directory has no locations; nobody reads it but the platform");

export const directoryTenants = tenantTable(
  "directory_tenants",
  {
    slug: open(text("slug").notNull()),
    cell: open(text("cell").notNull()),
    state: open(text("state", { enum: ["claimed", "active", "closed"] }).notNull()),
  },
  { entity: "tenant", scope: global, store: "directory" },
);

export const users = tenantTable(
  "users",
  {
    name: personal(text("name").notNull()),
    email: personal(text("email").notNull()),
    emailToken: digest(text("email_token")),
    state: open(text("state", { enum: ["active", "closed"] }).notNull()),
    emailVerifiedAt: open(text("email_verified_at")),
    /** Moves where all sessions end: those of an earlier one are over. */
    sessionEpoch: internal(integer("session_epoch").notNull()),
  },
  {
    entity: "user",
    scope: assignee("id"),
    store: "directory",
    subject: "id",
    exact: { emailToken: { from: "email", normalise: normaliseEmail } },
  },
);

export const memberships = tenantTable(
  "memberships",
  {
    userId: open(text("user_id").notNull()),
    memberTenantId: open(text("member_tenant_id").notNull()),
  },
  { entity: "membership", scope: assignee("userId"), store: "directory" },
);

/** Why a session is over. */
export const sessionEnds = [
  "signed-out",
  "revoked",
  "refresh-reused",
  "password-changed",
  "factor-changed",
  "account-closed",
  "expired",
] as const;
export type SessionEnd = (typeof sessionEnds)[number];

export const sessions = tenantTable(
  "sessions",
  {
    userId: open(text("user_id").notNull()),
    device: personal(text("device").notNull()),
    deviceToken: digest(text("device_token")),
    address: personal(text("address")),
    place: personal(text("place")),
    /** JSON array of how its user signed in (RFC 8176). */
    methods: open(text("methods").notNull()),
    signedInAt: open(text("signed_in_at").notNull()),
    /** When its user last proved a second factor; null: never in it. */
    strongAt: open(text("strong_at")),
    /** When its user last proved, by all that is asked of them, that it is them; null: when it began. */
    provedAt: open(text("proved_at")),
    sessionEpoch: internal(integer("session_epoch").notNull()),
    /** The connection of a business's own sign-in, which it is good for alone; null: it is its user's own. */
    sso: open(text("sso")),
    expiresAt: open(text("expires_at").notNull()),
    state: open(text("state", { enum: ["active", "ended"] }).notNull()),
    endedAt: open(text("ended_at")),
    endedBecause: open(text("ended_because", { enum: sessionEnds })),
  },
  {
    entity: "session",
    scope: assignee("userId"),
    store: "directory",
    subject: "userId",
    exact: { deviceToken: { from: "device", normalise: (device) => device } },
  },
);

export const signingKeys = tenantTable(
  "signing_keys",
  {
    kid: open(text("kid").notNull()),
    publicJwk: open(text("public_jwk").notNull()),
    privateJwk: secret(text("private_jwk").notNull()),
    signsFrom: open(text("signs_from").notNull()),
    expiresAt: open(text("expires_at").notNull()),
  },
  { entity: "signing-key", scope: global, store: "directory" },
);

export const keyPeppers = tenantTable(
  "key_peppers",
  {
    pepperVersion: internal(integer("pepper_version").notNull()),
    pepper: secret(text("pepper").notNull()),
    /** Every isolate knows it by then; empty for the first, which nobody waits for. */
    mintsFrom: internal(text("mints_from").notNull()),
  },
  { entity: "key-pepper", scope: global, store: "directory" },
);

/** What signs the heads of the audit's trees: Ed25519, base64url. The public halves are told for ever. */
export const checkpointKeys = tenantTable(
  "checkpoint_keys",
  {
    publicKey: open(text("public_key").notNull()),
    seed: secret(text("seed").notNull()),
    signsFrom: open(text("signs_from").notNull()),
  },
  { entity: "checkpoint-key", scope: global, store: "directory" },
);

/** Whose key seals what unknown callers leave behind: one a month, destroyed when its time is over. */
export const strangerMonths = tenantTable(
  "stranger_months",
  {
    /** `2026-11` */
    month: open(text("month").notNull()),
  },
  { entity: "stranger-month", scope: global, store: "directory", subject: "id" },
);

/** Which tenant an organization of an outside issuer is; at most one at a time, and one per tenant and issuer. */
export const outsideOrganizationClaims = tenantTable(
  "outside_organization_claims",
  {
    issuer: open(text("issuer").notNull()),
    organization: open(text("organization").notNull()),
    ownerId: open(text("owner_id").notNull()),
    state: open(text("state", { enum: ["linked", "ended"] }).notNull()),
  },
  { entity: "outside-organization-claim", scope: global, store: "directory" },
);

/** A person as an outside issuer knows them. The id is a user's: who is known this way alone has no other row. */
export const outsideIdentities = tenantTable(
  "outside_identities",
  {
    issuer: open(text("issuer").notNull()),
    subject: personal(text("subject").notNull()),
    subjectToken: digest(text("subject_token")),
    /** Ended for good: an issuer gives no subject to a second person. */
    state: open(text("state", { enum: ["active", "ended"] }).notNull()),
  },
  {
    entity: "outside-identity",
    scope: global,
    store: "directory",
    subject: "id",
    exact: { subjectToken: { from: "subject", normalise: (subject) => subject } },
  },
);

/** Where to find the member: an index only, its id is that of the row in the cell, which is the truth. */
export const outsideMemberIndex = tenantTable(
  "outside_member_index",
  {
    organizationId: open(text("organization_id").notNull()),
    identityId: open(text("identity_id").notNull()),
    memberId: open(text("member_id").notNull()),
  },
  { entity: "outside-member-index", scope: global, store: "directory" },
);

/** Which tenant speaks for a domain; at most one at a time. Its id is that of the row in the cell, which is the truth. */
export const ssoDomainClaims = tenantTable(
  "sso_domain_claims",
  {
    domain: open(text("domain").notNull()),
    ownerId: open(text("owner_id").notNull()),
    connectionId: open(text("connection_id").notNull()),
    state: open(text("state", { enum: ["live", "ended"] }).notNull()),
    /** When it was last held against its row in the cell. Technical where nothing else changes. */
    checkedAt: internal(text("checked_at").notNull()),
  },
  { entity: "sso-domain-claim", scope: global, store: "directory" },
);

/** Whoever helps businesses for those who run this deployment: an account of their own, of nobody who is a member. */
export const supportAgents = tenantTable(
  "support_agents",
  {
    userId: open(text("user_id").notNull()),
    role: open(text("role").notNull()),
    state: open(text("state", { enum: ["active", "removed"] }).notNull()),
  },
  { entity: "support-agent", scope: assignee("userId"), store: "directory" },
);

/** Why a visit is over. */
export const visitEnds = ["agent", "business", "grant", "operator", "expired"] as const;
export type VisitEnd = (typeof visitEnds)[number];

/** How a visit ended, as its row says it; RFC 3339. */
export interface VisitOver {
  readonly endedAt: string;
  readonly endedBecause: VisitEnd;
}

/** When an agent was at a business. Its id is that of the session in the cell, which is the truth. */
export const supportVisits = tenantTable(
  "support_visits",
  {
    agentId: open(text("agent_id").notNull()),
    userId: open(text("user_id").notNull()),
    /** In which they were signed in: it ends with that. */
    sessionId: open(text("session_id").notNull()),
    visitedTenantId: open(text("visited_tenant_id").notNull()),
    grantId: open(text("grant_id").notNull()),
    /** Whose rights and places bound it. */
    memberId: open(text("member_id").notNull()),
    ticket: open(text("ticket").notNull()),
    expiresAt: open(text("expires_at").notNull()),
    endedAt: open(text("ended_at")),
    endedBecause: open(text("ended_because", { enum: visitEnds })),
  },
  { entity: "support-visit", scope: assignee("userId"), store: "directory" },
);
