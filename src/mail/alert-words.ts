import type { AlertKind } from "#db/alert-kinds.ts";

interface Words {
  /** After the business's name and a colon. */
  readonly title: string;
  readonly what: string;
  readonly advice: string;
}

/** What people are told of each kind of alert: what happened, and what to do if it was not meant. */
export const alertWords: Readonly<Record<AlertKind, Words>> = {
  "owner-changed": {
    title: "an owner changed",
    what: "Somebody became an owner, or is one no longer.",
    advice: "If you did not expect it, look at once at who may do what.",
  },
  "admin-added": {
    title: "there is another admin",
    what: "Somebody became an admin: they may do nearly all that you may.",
    advice: "If you did not expect it, suspend them, and look in the audit at who did it.",
  },
  "rights-added": {
    title: "somebody may do what admins may",
    what: "A role of your own, or a member, was given what owners and admins alone have otherwise.",
    advice:
      "If it was not meant, take it back, and look in the audit at who gave it and what was done since.",
  },
  "second-factor-off": {
    title: "less is asked of who signs in",
    what: "A second factor was taken away, or fewer people are asked for one.",
    advice: "If it was not meant, ask for it again in the security policy, and talk to whose factor it was.",
  },
  "policy-relaxed": {
    title: "your security policy asks for less",
    what: "Codes by SMS now count, keys may grow older, or people and programs are let in from more addresses.",
    advice: "If it was not meant, change it back, and look in the audit at who did it.",
  },
  "sso-changed": {
    title: "how people sign in was changed",
    what: "An issuer or a domain by which people sign in was added, changed or removed.",
    advice: "If it was not you, turn the connection off, and look at who has signed in by it.",
  },
  "key-leaked": {
    title: "a key leaked",
    what: "An API key was reported to be where it should not be, and was revoked.",
    advice: "Make another key for the program that used it, and look in the audit at what the old one did.",
  },
  "key-elsewhere": {
    title: "a key came from elsewhere",
    what: "A key, or an OAuth client, came from an address that it is not let in from, and was refused.",
    advice: "If it was no program of yours, somebody else has it: rotate it now.",
  },
  "support-session": {
    title: "support looks at your business",
    what: "Somebody of those who run this service began to act at your business, by a grant of yours.",
    advice: "You can end it at any time; the audit says all that is done.",
  },
  lockouts: {
    title: "many are locked out",
    what: "There were so many failed attempts to sign in that several people were locked out.",
    advice: "Somebody may be guessing passwords: ask everybody for a second factor.",
  },
  "not-opened": {
    title: "stored data could not be read",
    what: "Something that is stored encrypted did not open: it was altered, or moved to where it does not belong.",
    advice: "Those who run this service have been told as well; ask them what it was.",
  },
  "impossible-travel": {
    title: "one principal at two places",
    what: "Somebody, or a key, came from two places that are too far apart for the time between.",
    advice: "If nobody uses a network that hides where they are, end the sessions, or rotate the key.",
  },
  "mass-reading": {
    title: "much personal data is read",
    what: "Somebody, or a key, reads personal data far more often than is usual.",
    advice: "If you do not know why, suspend the member or revoke the key, and look at the calls it made.",
  },
  "new-country": {
    title: "a new country",
    what: "Somebody, or a key, came from a country that it had never come from before.",
    advice: "If nobody is travelling, end the sessions, or rotate the key.",
  },
  refusals: {
    title: "many refused calls",
    what: "Many calls were refused within minutes: somebody may be trying what they can reach.",
    advice: "Look at the calls of who made them; a program that is wrongly set up does the same.",
  },
  "dormant-key": {
    title: "an old key is used again",
    what: "A key that nobody had used for 90 days or longer was used.",
    advice: "If no program of yours was turned on again, revoke it.",
  },
  "rotation-overdue": {
    title: "a key is overdue for rotation",
    what: "A key has nearly the longest age that your security policy allows, and has no successor.",
    advice: "Rotate it: once its time is over, whatever uses it is refused.",
  },
};
