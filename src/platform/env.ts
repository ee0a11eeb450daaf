/** The gate's methods as they cross the wire; gate/policy has the shapes. */
export interface GateRpc extends Rpc.DurableObjectBranded {
  enter(request: unknown): Promise<unknown>;
  forget(): Promise<void>;
}

/** The audit tree's methods as they cross the wire; platform/audit-trees has the shapes. */
export interface AuditTreeRpc extends Rpc.DurableObjectBranded {
  append(owner: unknown): Promise<unknown>;
  head(): Promise<unknown>;
  inclusion(index: number): Promise<unknown>;
  consistency(earlier: number, size: number): Promise<unknown>;
  leaves(from: number, count: number): Promise<unknown>;
}

/** A lockout's methods as they cross the wire; identity/lockout/messages has the shapes. */
export interface LockoutRpc extends Rpc.DurableObjectBranded {
  reserve(request: unknown): Promise<unknown>;
  settle(request: unknown): Promise<unknown>;
  clear(request: unknown): Promise<void>;
  take(request: unknown): Promise<unknown>;
}

/** A budget's methods as they cross the wire; identity/budgets/budget-messages has the shapes. */
export interface BudgetRpc extends Rpc.DurableObjectBranded {
  take(request: unknown): Promise<unknown>;
  giveBack(request: unknown): Promise<void>;
}

/** The mailbox's methods as they cross the wire; platform/mail/mailbox has the shape of a mail. */
export interface MailboxRpc extends Rpc.DurableObjectBranded {
  put(mail: unknown): Promise<void>;
  list(): Promise<unknown>;
}

/** A secret of the Worker, or of the account's Secrets Store, which can change under a running Worker. */
export type SecretText = string | SecretsStoreSecret;

/** What wrangler.toml binds; a cell's own bindings are named after it and found by platform/cells. */
export interface Env {
  readonly DIRECTORY: D1Database;
  readonly GATES: DurableObjectNamespace<GateRpc>;
  readonly AUDIT_TREES: DurableObjectNamespace<AuditTreeRpc>;
  readonly LOCKOUTS: DurableObjectNamespace<LockoutRpc>;
  readonly BUDGETS: DurableObjectNamespace<BudgetRpc>;
  /** The platform's own log; a cell's tenants have theirs in the cell's bucket. */
  readonly AUDIT_LOG_PLATFORM: R2Bucket;
  /** Mails that are to leave. */
  readonly MAILS: Queue;
  /** Where mail goes in development, and stays. */
  readonly MAILBOX: DurableObjectNamespace<MailboxRpc>;
  /** Cloudflare's Email Service; bound where MAIL is "cloudflare". */
  readonly EMAIL?: SendEmail;
  /** By IP, before authentication; a deployment may do without. */
  readonly SHIELD?: RateLimit;
  /** `us1,eu1:eu`: each cell, with its jurisdiction where it has one. */
  readonly CELLS: string;
  /** Where people reach this deployment; the issuer and audience of its tokens. */
  readonly PUBLIC_ORIGIN: string;
  /** "1.2" or "1.3". */
  readonly MIN_TLS: string;
  /** Whom to tell of a vulnerability: `mailto:`, `https:` and `tel:` URIs, separated by commas. */
  readonly SECURITY_CONTACT?: string;
  /** Milliseconds that a call's record may wait in its isolate for others. */
  readonly CALL_LOG_WAIT_MS: string;
  /** The same of a wake-up of the outbox; webhooks are so much later. */
  readonly WAKE_UP_WAIT_MS: string;
  /** Where names are looked up: a resolver that speaks DNS over HTTPS in JSON. */
  readonly DOH_URL: string;
  /** Who is asked whether a password was breached: the range API of Have I Been Pwned, or a mirror of it. */
  readonly PWNED_PASSWORDS_URL: string;
  /** "true": webhooks may go to http://localhost. `npm start` sets it. */
  readonly WEBHOOKS_TO_LOCALHOST?: string;
  /** `1:<base64url of 32 bytes>[,2:…]`; empty where a KMS holds them all. */
  readonly KEYLINE_KEKS?: SecretText;
  /** JSON: key-encryption keys that a KMS holds; none unless set (platform/kms). */
  readonly KEYLINE_KMS?: string;
  /** `<version>:<token>[,…]`: what the KMS of that key-encryption key is asked with. */
  readonly KEYLINE_KMS_TOKENS?: SecretText;
  /** JSON: whose session tokens are taken besides our own; none unless set (gate/outside-issuers). */
  readonly OUTSIDE_ISSUERS?: string;
  /** Worker secret: `<issuer's name>:whsec_…[,…]`, what outside issuers sign their webhooks with. */
  readonly OUTSIDE_ISSUER_SECRETS?: string;
  /** JSON: which issuers everybody may sign in with; none unless set (identity/federation/providers). */
  readonly SIGN_IN_PROVIDERS?: string;
  /** Worker secret, JSON: a client secret for each of them by name, or Apple's private key. */
  readonly SIGN_IN_SECRETS?: string;
  /** JSON: which other stores have copies of the audit's logs; none unless set (platform/audit-sinks). */
  readonly AUDIT_SINKS?: string;
  /** Worker secret: `<sink's name>:<access key id>:<secret access key>[,…]`. */
  readonly AUDIT_SINK_KEYS?: string;
  /** Who carries mail: "cloudflare", "postmark" or, in development, "mailbox". */
  readonly MAIL?: string;
  /** `Name <address>`: whom mail is from; the name is what it calls this deployment. */
  readonly MAIL_FROM?: string;
  /** Worker secret. */
  readonly POSTMARK_SERVER_TOKEN?: string;
  /** Worker secret: what Postmark's webhooks bring, as the user `postmark`, by basic authentication. */
  readonly POSTMARK_WEBHOOK_PASSWORD?: string;
  /** Where Postmark's API is, unless it is Postmark's own. */
  readonly POSTMARK_URL?: string;
  /** https: where the operator is told of alerts, signed with the secret; nowhere unless set. */
  readonly OPERATOR_WEBHOOK_URL?: string;
  /** Worker secret: `whsec_…`. */
  readonly OPERATOR_WEBHOOK_SECRET?: string;
  /** Whom alerts are mailed to; nobody unless set. */
  readonly OPERATOR_EMAIL?: string;
  /** Worker secret: where alerts go as Sentry's events; nowhere unless set. */
  readonly SENTRY_DSN?: string;
  /** Who carries texts to telephones: "twilio" or, in development, "mailbox"; none are sent unless it is set. */
  readonly SMS?: string;
  /** Whom texts are from: a number as `+31612345678`, or a messaging service of Twilio's, `MG…`. */
  readonly SMS_FROM?: string;
  readonly TWILIO_ACCOUNT_SID?: string;
  /** Worker secret. */
  readonly TWILIO_AUTH_TOKEN?: string;
  /** Where Twilio's API is, unless it is Twilio's own. */
  readonly TWILIO_URL?: string;
  readonly [cellBinding: string]: unknown;
}
