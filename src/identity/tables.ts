import { integer, text } from "drizzle-orm/sqlite-core";
import { assignee, internal, none, open, personal, secret, tenantTable } from "#db/tenant-table.ts";

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
