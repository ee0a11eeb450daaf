import type { MailKind, TextKind } from "#mail/kinds.ts";

/** A site whose name would break markup that is not escaped. */
export const site = { name: "Harbour & Sons", origin: "https://harbour.example" };
export const link = "https://harbour.example/do?token=a&b=%22";
const at = "2026-11-23T00:31:00.000Z";

/** By hand: what fills each mail in, its subject, and what its reader must find in it. */
export const letters: {
  readonly [K in Exclude<MailKind, "reset-unknown" | TextKind>]: [
    data: object,
    subject: string,
    words: string[],
  ];
} = {
  "verify-email": [
    { link, validMinutes: 1440 },
    "Confirm your e-mail address for Harbour & Sons",
    [link, "for 1 day"],
  ],
  "sign-up": [
    { link, validMinutes: 1440, signInLink: `${link}&in`, resetLink: `${link}&reset` },
    "Confirm your e-mail address for Harbour & Sons",
    [link, "for 1 day"],
  ],
  "reset-password": [
    { link, validMinutes: 60 },
    "Choose a new password for Harbour & Sons",
    [link, "for 1 hour"],
  ],
  "password-changed": [
    { at, resetLink: link },
    "Your password for Harbour & Sons was changed",
    [link, "When: 23 November 2026, 00:31 UTC"],
  ],
  "email-changed": [
    { at },
    "Your e-mail address at Harbour & Sons was changed",
    ["When: 23 November 2026, 00:31 UTC", "answer this mail"],
  ],
  "new-device": [
    { at, device: "Firefox on <Linux>", place: "Lisbon", sessionsLink: link },
    "A new sign-in to your account at Harbour & Sons",
    [link, "Device: Firefox on <Linux>", "Place: Lisbon"],
  ],
  "locked-out": [{ link, validMinutes: 90 }, "Sign in to Harbour & Sons again", [link, "for 90 minutes"]],
  "arrival-code": [
    { code: "k7mpq-x2vwz", validMinutes: 10 },
    "Your code for Harbour & Sons",
    ["Code: k7mpq-x2vwz", "for 10 minutes", "Give it to nobody"],
  ],
  "identity-changed": [
    { at, issuer: "accounts.google.com", change: "connected", accountLink: link },
    "Another way to sign in to Harbour & Sons was connected",
    [link, "What: accounts.google.com connected"],
  ],
  invitation: [
    { link, validMinutes: 10_080, business: "harbour" },
    "harbour invites you to Harbour & Sons",
    [link, "harbour", "for 7 days"],
  ],
  "key-leaked": [
    { at, business: "harbour", keyId: "key_01jd5r0t6vf3h8k2m4n6p8q0rs", homeLink: link },
    "A key of harbour leaked and was revoked",
    [link, "harbour", "Key: key_01jd5r0t6vf3h8k2m4n6p8q0rs", "When: 23 November 2026, 00:31 UTC"],
  ],
  alert: [
    {
      kind: "new-country",
      business: "harbour",
      subjectId: "key_01jd5r0t6vf3h8k2m4n6p8q0rs",
      count: 15,
      from: "2026-11-22T10:02:00.000Z",
      to: at,
      homeLink: link,
    },
    "harbour: a new country",
    [
      link,
      "harbour",
      "a country that it had never come from before",
      "About: key_01jd5r0t6vf3h8k2m4n6p8q0rs",
      "When: 23 November 2026, 00:31 UTC",
      "And: 14 more of these since 22 November 2026, 10:02 UTC",
    ],
  ],
  "operator-alert": [
    {
      sourceId: "ntc_01jd5r0t6vf3h8k2m4n6p8q0rs",
      kind: "impossible-travel",
      severity: "critical",
      tenantId: "ten_01jd5r0t6vf3h8k2m4n6p8q0rs",
      count: 3,
      from: "2026-11-22T10:02:00.000Z",
      to: at,
    },
    "Harbour & Sons: impossible-travel, which is critical",
    [
      "What: impossible-travel",
      "Business: ten_01jd5r0t6vf3h8k2m4n6p8q0rs",
      "Times: 3",
      "From: 22 November 2026, 10:02 UTC",
      "Source: ntc_01jd5r0t6vf3h8k2m4n6p8q0rs",
    ],
  ],
  "recovery-code-used": [
    { at, securityLink: link },
    "A recovery code of your account at Harbour & Sons was used",
    [link, "When: 23 November 2026, 00:31 UTC"],
  ],
  "factor-changed": [
    { at, factor: "passkey", change: "removed", securityLink: link },
    "Passkey removed at Harbour & Sons",
    [link, "What: Passkey removed"],
  ],
};
