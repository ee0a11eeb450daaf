import { z } from "zod";
import { alertKindNames, severities } from "#db/alert-kinds.ts";

/** Every link of a mail leads to a page of ours. */
const Link = z.url({ protocol: /^https?$/, error: "is an http(s) URL" }).max(2000);
const Instant = z.iso.datetime();
/** For how long a link works. */
const validMinutes = z.int().min(1).max(10_080);
/** What a business is called in addresses: nobody's free text. */
const Slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const SubjectId = z.string().regex(/^[a-z]{2,4}_[0-9a-z]{26}$/);
/** A device in words of ours, or a place in the platform's: nothing that a browser sent. */
const Guessed = z.string().max(200);

/**
 * Every mail there is, and what fills it in. None has a place for a text that strangers choose and somebody else reads, such
 * as a name given at sign-up: that would let anybody write to anybody in our name.
 */
export const mailVariables = {
  /** Whether the address has an account by then decides which of two letters it is; `sign-up` says which link is right. */
  "sign-up": z.strictObject({ link: Link, validMinutes, signInLink: Link, resetLink: Link }),
  "verify-email": z.strictObject({ link: Link, validMinutes }),
  "reset-password": z.strictObject({ link: Link, validMinutes }),
  /** Somebody would reset what is no account's password: written like any other, and it never leaves. */
  "reset-unknown": z.strictObject({}),
  "password-changed": z.strictObject({ at: Instant, resetLink: Link }),
  /** To the address that was the account's before. */
  "email-changed": z.strictObject({ at: Instant }),
  "new-device": z.strictObject({ at: Instant, device: Guessed, place: Guessed, sessionsLink: Link }),
  /** Its link lets the account's owner in again at once. */
  "locked-out": z.strictObject({ link: Link, validMinutes }),
  /** To prove that the address is theirs whom another issuer vouches for without speaking for the address. */
  "arrival-code": z.strictObject({ code: z.string().regex(/^[0-9a-z]{5}-[0-9a-z]{5}$/), validMinutes }),
  "identity-changed": z.strictObject({
    at: Instant,
    issuer: z.hostname(),
    change: z.enum(["connected", "removed"]),
    accountLink: Link,
  }),
  /** To whom a business asks to join it, which is named by its address here alone: that is nobody's free text. */
  invitation: z.strictObject({
    link: Link,
    validMinutes,
    business: Slug,
  }),
  /** To the owners of a business whose key is where it should not be, and was revoked. */
  "key-leaked": z.strictObject({
    at: Instant,
    business: Slug,
    keyId: z.string().regex(/^key_[0-9a-z]{26}$/),
    homeLink: Link,
  }),
  /** To the owners of a business, of what happened there so often since they were last told. */
  alert: z.strictObject({
    kind: z.enum(alertKindNames),
    business: Slug,
    /** What or whom the newest is about: an id; null: the business as a whole. */
    subjectId: SubjectId.nullable(),
    /** Whom the others are about, the newest first; there may be more. */
    otherIds: z.array(SubjectId).max(10).default([]),
    count: z.int().min(1),
    from: Instant,
    to: Instant,
    homeLink: Link,
  }),
  /** To whoever runs the deployment, of what happened at a business of it or is amiss with the platform. */
  "operator-alert": z.strictObject({
    sourceId: z.string().regex(/^[\w-]{1,64}$/),
    kind: z.string().regex(/^[a-z-]{1,64}$/),
    severity: z.enum(severities),
    tenantId: z
      .string()
      .regex(/^ten_[0-9a-z]{26}$/)
      .nullable(),
    count: z.int().min(1),
    from: Instant,
    to: Instant,
  }),
  "recovery-code-used": z.strictObject({ at: Instant, securityLink: Link }),
  "factor-changed": z.strictObject({
    at: Instant,
    factor: z.enum(["authenticator", "passkey", "recovery-codes", "text-messages"]),
    change: z.enum(["added", "removed", "renewed"]),
    securityLink: Link,
  }),
  /** No mail: a text to a telephone. */
  "sms-code": z.strictObject({ code: z.string().regex(/^[0-9]{6}$/) }),
} as const;

/** What goes to a telephone, whose recipient is a number. */
export const textKinds = ["sms-code"] as const satisfies readonly (keyof typeof mailVariables)[];
export type TextKind = (typeof textKinds)[number];

export function isText(kind: MailKind): kind is TextKind {
  return textKinds.some((each) => each === kind);
}

export type MailKind = keyof typeof mailVariables;
export type MailData<K extends MailKind> = z.output<(typeof mailVariables)[K]>;

// Object.keys forgets them.
export const mailKinds = Object.keys(mailVariables) as [MailKind, ...MailKind[]];
