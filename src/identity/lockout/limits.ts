import { dayMs, hourMs, minuteMs } from "#lib/time.ts";
import type { LockoutLimit } from "./lockout-rules.ts";

/** Whatever somebody could try by guessing, or ask for too often. Each has counters of its own. */
export const purposes = ["sign-in", "federation", "sign-up", "second-factor", "reset", "sms-code"] as const;
export type Purpose = (typeof purposes)[number];

/** Whom tries count against: who or what is tried (an e-mail, a user, a code), and the network they come from. */
export const kinds = ["identifier", "address"] as const;
export type Kind = (typeof kinds)[number];

// Five wrong, then one try after each lock: some sixteen tries in the first day, and one a day after that.
const guesses: LockoutLimit = {
  free: 5,
  again: 1,
  firstLockMs: minuteMs,
  longestLockMs: dayMs,
  quietMs: dayMs,
  forgetsOnSuccess: true,
};

// Five for good: it is locked for longer than a code lives, and there is another after that.
const ofOneCode: LockoutLimit = {
  free: 5,
  again: 1,
  firstLockMs: 10 * minuteMs,
  longestLockMs: 10 * minuteMs,
  quietMs: 10 * minuteMs,
  forgetsOnSuccess: false,
};

// A whole office, or a provider's customers, may stand behind one address: many more, and never locked for long, as no
// link clears it.
const guessesOfAddress: LockoutLimit = {
  free: 100,
  again: 20,
  firstLockMs: minuteMs,
  longestLockMs: hourMs,
  quietMs: dayMs,
  forgetsOnSuccess: false,
};

// What has no success counts each time. Not for long: it is also the way out of a lock.
const messages: LockoutLimit = {
  free: 3,
  again: 1,
  firstLockMs: 5 * minuteMs,
  longestLockMs: hourMs,
  quietMs: dayMs,
  forgetsOnSuccess: false,
};

const messagesOfAddress: LockoutLimit = { ...messages, free: 30, again: 10 };

/** The whole policy. */
export const limits: Readonly<Record<Purpose, Readonly<Record<Kind, LockoutLimit>>>> = {
  "sign-in": { identifier: guesses, address: guessesOfAddress },
  // What comes back from an issuer and is not to be believed. Apart from passwords: an issuer that is set up wrongly shall
  // not keep a whole office from the other way in.
  federation: { identifier: guesses, address: guessesOfAddress },
  // TOTP, recovery codes and codes by SMS together: another way to prove oneself gives no more tries.
  "second-factor": { identifier: guesses, address: guessesOfAddress },
  "sign-up": { identifier: messages, address: messagesOfAddress },
  reset: { identifier: messages, address: messagesOfAddress },
  "sms-code": { identifier: ofOneCode, address: guessesOfAddress },
};
