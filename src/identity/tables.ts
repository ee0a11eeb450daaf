import { integer, text } from "drizzle-orm/sqlite-core";
import { assignee, digest, internal, none, open, personal, secret, tenantTable } from "#db/tenant-table.ts";

/** Somebody who has yet to prove that the address is theirs. Nobody's account, so it lies under the month's strangers. */
export const signUps = tenantTable(
  "sign_ups",
  {
    strangerId: internal(text("stranger_id").notNull()),
    name: personal(text("name").notNull()),
    email: personal(text("email").notNull()),
    passwordHash: secret(text("password_hash").notNull()),
    mustRecheck: internal(integer("must_recheck").notNull()),
    isStrong: internal(integer("is_strong").notNull()),
    state: open(text("state", { enum: ["pending", "verified"] }).notNull()),
    expiresAt: open(text("expires_at").notNull()),
  },
  {
    entity: "sign-up",
    scope: none("nobody's yet: who has the link's token is asked, and no principal"),
    store: "directory",
    subject: "strangerId",
  },
);

export const passwords = tenantTable(
  "passwords",
  {
    userId: open(text("user_id").notNull()),
    /** A PHC string of Argon2id. */
    hash: secret(text("hash").notNull()),
    /** 1 where it could not be asked whether it was breached. */
    mustRecheck: internal(integer("must_recheck").notNull()),
    /** 1 where it is as those of privileged people must be. */
    isStrong: internal(integer("is_strong").notNull()),
  },
  { entity: "password", scope: assignee("userId"), store: "directory" },
);

/** An address that a user wants to have, and has yet to prove to be theirs. */
export const emailChanges = tenantTable(
  "email_changes",
  {
    userId: open(text("user_id").notNull()),
    email: personal(text("email").notNull()),
    state: open(text("state", { enum: ["open", "done"] }).notNull()),
    expiresAt: open(text("expires_at").notNull()),
  },
  { entity: "email-change", scope: assignee("userId"), store: "directory", subject: "userId" },
);

export const linkPurposes = ["reset-password", "clear-lock"] as const;
export type LinkPurpose = (typeof linkPurposes)[number];

/** A link in a mail: once, and not for long. */
export const oneTimeLinks = tenantTable(
  "one_time_links",
  {
    /** Null where a link was asked for by an address that nobody has: the work is the same. */
    userId: open(text("user_id")),
    purpose: open(text("purpose", { enum: linkPurposes }).notNull()),
    state: open(text("state", { enum: ["unused", "used", "void"] }).notNull()),
    expiresAt: open(text("expires_at").notNull()),
  },
  { entity: "one-time-link", scope: assignee("userId"), store: "directory" },
);

/** A shared secret of an authenticator app (RFC 6238). */
export const totpFactors = tenantTable(
  "totp_factors",
  {
    userId: open(text("user_id").notNull()),
    /** Base32, as the app has it. */
    secret: secret(text("secret").notNull()),
    state: open(text("state", { enum: ["pending", "active"] }).notNull()),
    /** Of the last code that was taken; -1 before the first. */
    lastStep: internal(integer("last_step").notNull()),
  },
  { entity: "totp-factor", scope: assignee("userId"), store: "directory" },
);

export const recoveryCodes = tenantTable(
  "recovery_codes",
  {
    userId: open(text("user_id").notNull()),
    /** JSON array of keyed hashes. */
    hashes: secret(text("hashes").notNull()),
  },
  { entity: "recovery-codes", scope: assignee("userId"), store: "directory" },
);

/** A key pair of the user's device (WebAuthn). That none is another user's is not asked: each is looked up at its user. */
export const passkeys = tenantTable(
  "passkeys",
  {
    userId: open(text("user_id").notNull()),
    name: personal(text("name").notNull()),
    credentialId: personal(text("credential").notNull()),
    /** COSE, base64url. */
    publicKey: internal(text("public_key").notNull()),
    /** How often it was used, as some count; the others say 0. */
    counter: internal(integer("counter").notNull()),
    isSynced: open(integer("is_synced").notNull()),
    /** JSON array of how a browser reaches it. */
    transports: internal(text("transports").notNull()),
    lastChallenge: internal(text("last_challenge").notNull()),
    lastUsedAt: open(text("last_used_at")),
  },
  { entity: "passkey", scope: assignee("userId"), store: "directory", subject: "userId" },
);

/** A telephone that codes are sent to. The weakest of factors: at businesses that allow it, and of nobody who is privileged. */
export const smsFactors = tenantTable(
  "sms_factors",
  {
    userId: open(text("user_id").notNull()),
    /** E.164. */
    number: personal(text("number").notNull()),
    state: open(text("state", { enum: ["pending", "active"] }).notNull()),
  },
  { entity: "sms-factor", scope: assignee("userId"), store: "directory", subject: "userId" },
);

/** What a code is sent for. */
export const smsPurposes = ["enrolment", "sign-in", "step-up"] as const;
export type SmsPurpose = (typeof smsPurposes)[number];

/** The one code that is good for it now; its row is gone once it was taken, or another was sent. */
export const smsCodes = tenantTable(
  "sms_codes",
  {
    userId: open(text("user_id").notNull()),
    purpose: open(text("purpose", { enum: smsPurposes }).notNull()),
    hash: digest(text("hash").notNull()),
    expiresAt: open(text("expires_at").notNull()),
  },
  { entity: "sms-code", scope: assignee("userId"), store: "directory" },
);

/** Between the two steps of a sign-in. */
export const signInChallenges = tenantTable(
  "sign_in_challenges",
  {
    userId: open(text("user_id").notNull()),
    sessionEpoch: internal(integer("session_epoch").notNull()),
    /** JSON array of what was proved so far (RFC 8176). */
    methods: open(text("methods").notNull()),
    /** As the session's that it ends in. */
    sso: open(text("sso")),
    /** Who they are at another issuer, which they are known by once the second step is taken: JSON. */
    connects: personal(text("connects")),
    expiresAt: open(text("expires_at").notNull()),
  },
  { entity: "sign-in-challenge", scope: assignee("userId"), store: "directory", subject: "userId" },
);

/** Who a user is at another issuer (OpenID Connect Core, section 2: `iss` and `sub` together), and through whom it speaks. */
export const federatedIdentities = tenantTable(
  "federated_identities",
  {
    userId: open(text("user_id").notNull()),
    source: open(text("source").notNull()),
    issuer: open(text("issuer").notNull()),
    subject: personal(text("subject").notNull()),
    subjectToken: digest(text("subject_token")),
    lastUsedAt: open(text("last_used_at").notNull()),
  },
  {
    entity: "federated-identity",
    scope: assignee("userId"),
    store: "directory",
    subject: "userId",
    exact: { subjectToken: { from: "subject", normalise: (subject) => subject } },
  },
);

/** Somebody whose issuer does not prove that the address is theirs; nobody's account yet, so it lies under the month's strangers. */
export const federatedArrivals = tenantTable(
  "federated_arrivals",
  {
    strangerId: internal(text("stranger_id").notNull()),
    source: open(text("source").notNull()),
    issuer: open(text("issuer").notNull()),
    subject: personal(text("subject").notNull()),
    name: personal(text("name").notNull()),
    email: personal(text("email").notNull()),
    /** These three by versions of before alone: the next migration takes them out. */
    methods: open(text("methods")),
    isStrong: internal(integer("is_strong")),
    provedAt: open(text("proved_at")),
    expiresAt: open(text("expires_at").notNull()),
  },
  {
    entity: "federated-arrival",
    scope: none("nobody's yet: who has its token and the mailed code is asked, and no principal"),
    store: "directory",
    subject: "strangerId",
  },
);
