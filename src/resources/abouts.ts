import type { registry } from "./index.ts";

/** What each resource is, in the contract and its pages. A resource joins here as well. */
export const abouts: Readonly<Record<keyof typeof registry, string>> = {
  "access-advice":
    "Which of its capabilities a member, an API key or an OAuth client used of late, and which it may do without.",
  account: "The end of your account.",
  alerts:
    "What the owners should hear of: changes of what guards the business, and what detection found, grouped and counted.",
  "api-calls":
    "Who called what, and how it was answered: 7 days of calls, 90 days of hourly counts, best effort.",
  "api-keys":
    "Credentials for programs: scoped, limited to locations and addresses, held to less than the plan's rate, shown once, revoked at once.",
  audit: "Who changed what and when: one row for every changed row, append-only.",
  "customer-consent":
    "What a customer agreed to share with other venues, and what those share of the same person after consent on both sides.",
  "customer-dietary":
    "What a customer cannot or will not eat: sealed, in no other answer, told by a reveal that the audit records.",
  customers: "The people who buy. What is personal about them is kept only as ciphertext.",
  docs: "This contract, for programs and for people, and whom to tell of a vulnerability.",
  "email-changes": "Another address for your account: one that you prove to have.",
  events: "What happened, numbered without gaps, for 30 days: the pull side of webhooks.",
  factors: "What you can prove yourself with besides a password.",
  files: "Artwork, proofs and papers: streamed, checked by their bytes, versioned, purged after deletion.",
  identities: "Whom you can sign in with besides a password: Google, Apple, Microsoft or others.",
  "ip-allow-list": "From which networks a business's people and programs are let in.",
  invitations: "Who is asked by mail to become a member, as what and where.",
  me: "Your own account: who you are, where you are a member, your password.",
  locations: "Places of the business; members and keys may be limited to some.",
  mail: "What becomes of the mails that this deployment sends: told by who carries them, or shown in development.",
  members: "Who works here: what each may do and where, why, and how well their accounts are kept.",
  oauth: "OAuth 2.1 and OpenID Connect: how programs are let in, for a user who consents or for themselves.",
  "oauth-clients":
    "Programs of others: what each may be let do, where it is answered, and the secret that it proves itself by.",
  orders: "Work that was asked for, from draft to handed over, with lines, totals and gap-free numbers.",
  "passkey-challenges": "What a passkey signs, to prove whose it is.",
  passkeys: "Keys of your own devices (WebAuthn): a second factor, and a sign-in without a password.",
  "password-resets": "For whoever forgot their password: a link by mail, and a new one.",
  "recovery-codes":
    "For the day your second factor is lost: ten codes, of which one lets you in and renews all.",
  "outside-issuers": "What services that sign people in elsewhere, such as Clerk, tell of their members.",
  principal: "What the credentials of a request may do.",
  roles: "What members may do by their role: the fixed ones, and those that a business defines.",
  sandbox: "A tenant of its own beside a business, to try things out in: its keys begin with `kl_test_`.",
  "security-policy": "What a business asks of how its members sign in.",
  sessions: "Where you are signed in, on which devices, and how to end it.",
  "sign-in": "How a person proves who they are.",
  "sign-in-locks": "What stands after many wrong passwords, and how its owner lifts it.",
  "sign-ups": "How a person gets an account: an address that they prove to have.",
  "sso-connections": "Issuers that the business lets its people sign in by (OpenID Connect).",
  "sso-domains":
    "Domains whose addresses the business speaks for, as DNS says, and which of them sign in by an issuer alone.",
  settings: "What the tenant decides about itself: name, currency, time zone, origins of its web pages.",
  sms: "Codes by SMS, as a second factor at businesses that allow it.",
  "step-up": "A recent proof that it is you, for what asks for one.",
  support: "For support agents: where they help a business, as far as its owner allows, and its end.",
  "support-grants": "What an owner allows those who run this deployment, for a time, when they help.",
  "support-sessions":
    "Who of those who run this deployment was here, by which grant, as whom and why; and their end.",
  system: "The deployment itself: is it alive, can it serve, its public keys, its problems.",
  tenants: "The business that the credentials belong to.",
  tokens:
    "What a session's refresh token is exchanged for: a tenant's access token, or one of your own account.",
  totp: "Codes of an authenticator app, as a second factor (RFC 6238).",
  "webhook-endpoints":
    "Addresses that events are posted to, signed as Standard Webhooks says, and tried again.",
};
