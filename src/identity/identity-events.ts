import { type Change, type Emit, type EventValue, type Note, note } from "#db/changes.ts";
import { type EventType, eventTypes } from "#db/event-types.ts";

/** What happens to how somebody signs in. The list is that of all events: a tenant hears of its members' by these names. */
export type IdentityEvent = Extract<EventType, `user.${string}` | `mfa.${string}`>;

export const identityEvents: readonly IdentityEvent[] = eventTypes.filter(
  (type): type is IdentityEvent => type.startsWith("user.") || type.startsWith("mfa."),
);

/** A wrong code, and the lock that it was the last one for. */
export function secondFactorFailed(userId: string, lockedUntil: number | null): Change[] {
  const by = "second-factor";
  return [
    ...tell("user.sign_in_failed", userId, { by }),
    ...(lockedUntil === null ? [] : tell("user.locked_out", userId, { by })),
  ];
}

/**
 * Says once what happened, for the audit and for who listens, in the batch of its effect. Null where an address is
 * nobody's: the rows are the same, so that nobody can tell.
 */
export function tell(
  type: IdentityEvent,
  userId: string | null,
  details: Readonly<Record<string, EventValue>> = {},
): [Note, Emit] {
  return [
    { ...note("user", userId ?? "unknown", details), action: type },
    { kind: "emit", type, data: { userId, ...details }, locationId: null, assigneeId: userId },
  ];
}
