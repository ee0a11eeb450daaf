/** Every fact that is told, by what it is about. A type never changes its meaning; what emits a new one adds it here. */
const told = {
  alert: ["raised"],
  api_key: ["created", "rotated", "still_used", "rotation_due", "leaked", "revoked", "limit_changed"],
  customer: ["created", "updated", "deleted", "restored"],
  customer_consent: ["given", "withdrawn"],
  customer_dietary: ["updated", "deleted", "revealed"],
  file: ["created", "uploaded", "rejected", "updated", "deleted", "restored", "purged"],
  invitation: ["created", "resent", "revoked"],
  location: ["created", "updated", "deleted"],
  member: ["joined", "updated", "suspended", "reinstated", "removed", "ownership_transferred"],
  mfa: ["enrolled", "removed", "recovery_used", "recovery_renewed", "code_sent"],
  oauth_client: ["created", "updated", "secret_rotated", "deleted"],
  role: ["created", "updated", "deleted"],
  order: ["created", "updated", "placed", "in_production", "ready", "completed", "cancelled"],
  security_policy: ["updated", "ip_allow_list_changed"],
  settings: ["updated"],
  sso_connection: ["created", "updated", "deleted"],
  sso_domain: ["verified", "lapsed", "deleted"],
  support: ["granted", "grant_ended", "session_started", "session_ended"],
  tenant: ["created"],
  user: [
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "session_ended",
    "refresh_reused",
    "locked_out",
    "lock_cleared",
    "password_accepted",
    "password_breached",
    "password_changed",
    "password_reset_asked",
    "password_reset",
    "email_verified",
    "email_change_asked",
    "email_changed",
    "account_closed",
    "stepped_up",
    "identity_accepted",
    "identity_connected",
    "identity_removed",
  ],
  vault: ["open_failed"],
  webhook_endpoint: [
    "created",
    "updated",
    "deleted",
    "enabled",
    "disabled",
    "secret_rotated",
    "secret_rotation_due",
    "tested",
    "replay_requested",
  ],
} as const;

/** What an event can be about: the part of its type before the dot. */
export type EventSubject = keyof typeof told;

export type EventType = { [S in EventSubject]: `${S}.${(typeof told)[S][number]}` }[EventSubject];

/** What the platform's own stream tells besides, which no tenant hears. */
export type PlatformEventType = "audit.broken" | "schema.altered";

// Each text is put together from the table that the type is made of.
export const eventTypes = Object.entries(told).flatMap(([subject, verbs]) =>
  verbs.map((verb) => `${subject}.${verb}`),
) as EventType[];

/** What it is about; null for a type that this version does not know, as during a deploy. */
export function subjectOf(type: string): EventSubject | null {
  const subject = type.slice(0, type.indexOf("."));
  return isSubject(subject) ? subject : null;
}

function isSubject(text: string): text is EventSubject {
  return Object.hasOwn(told, text);
}
