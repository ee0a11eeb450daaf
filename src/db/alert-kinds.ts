/** What a business's owners are told of, and how much it matters. A kind never changes its meaning. */
export const alertKinds = {
  "owner-changed": "critical",
  "admin-added": "critical",
  "rights-added": "critical",
  "second-factor-off": "critical",
  "policy-relaxed": "critical",
  "sso-changed": "critical",
  "key-leaked": "critical",
  "key-elsewhere": "critical",
  "support-session": "critical",
  lockouts: "critical",
  "not-opened": "critical",
  "impossible-travel": "critical",
  "mass-reading": "critical",
  "new-country": "warning",
  refusals: "warning",
  "dormant-key": "warning",
  "rotation-overdue": "warning",
} as const satisfies Readonly<Record<string, Severity>>;

export const severities = ["critical", "warning"] as const;
export type Severity = (typeof severities)[number];
export type AlertKind = keyof typeof alertKinds;

// Object.keys forgets them.
export const alertKindNames = Object.keys(alertKinds) as [AlertKind, ...AlertKind[]];
