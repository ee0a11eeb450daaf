// Generated from the contract by `npm run client`; do not edit.

export type AccessAdvice = {
  readonly principalId: string;
  readonly kind: "member" | "api-key" | "client";
  readonly summary: string;
  /** What it may do and was let do by calls, as the call log knows; by the capability that an operation asks for. */
  readonly used: readonly CapabilityUse[];
  /** What it may do as well, and did not: less could be enough. */
  readonly unused: readonly string[];
  /** From when on this is known: 30 days ago, or when the principal was made, or when the log began to keep it. Null: nothing is known yet. */
  readonly since: string | null;
  /** Whether the answer covers all of 30 days. If not, what is unused may have been used before. */
  readonly isWholeWindow: boolean;
};

export type AccessStep = {
  readonly by: "role" | "grants" | "denials" | "state";
  readonly says: "gives" | "takes" | "nothing";
  /** Whether it is theirs after this step. */
  readonly isHeld: boolean;
};

export type AddedPasskey = {
  /** Shown once: each lets its owner in without the second factor. Null: those before go on, or it is a replay. */
  readonly recoveryCodes: readonly string[] | null;
  readonly id: string;
};

export type Alert = {
  readonly id: string;
  /** What happened (src/resources/alerts/README.md says what each means). */
  readonly kind:
    | "owner-changed"
    | "admin-added"
    | "rights-added"
    | "second-factor-off"
    | "policy-relaxed"
    | "sso-changed"
    | "key-leaked"
    | "key-elsewhere"
    | "support-session"
    | "lockouts"
    | "not-opened"
    | "impossible-travel"
    | "mass-reading"
    | "new-country"
    | "refusals"
    | "dormant-key"
    | "rotation-overdue";
  readonly severity: "critical" | "warning";
  /** What or whom it is about; null: the business as a whole. */
  readonly subjectId: string | null;
  /** How often it happened, from `firstAt` to `lastAt`. */
  readonly count: number;
  /** Of how many of these the owners were told; the others are summed up in the next notice. */
  readonly told: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly toldAt: string | null;
  readonly acknowledgedAt: string | null;
  /** Who saw to it; null as long as nobody has. */
  readonly acknowledgerId: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type AlertPage = {
  readonly data: readonly Alert[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type ApiCall = {
  /** The request's id, as `X-Request-Id` told it. */
  readonly id: string;
  readonly at: string;
  /** The key or member that called; the prefix says which. */
  readonly actorId: string;
  readonly operation: string;
  /** The method and the path's template: never what stood in its braces, nor the query. */
  readonly route: string;
  readonly status: number;
  /** The last part of the problem's type, where it was answered with one. */
  readonly problem: string | null;
  readonly durationMs: number;
  /** More than one for refusals at the rate limit, which are gathered for about a second. */
  readonly times: number;
};

export type ApiKey = {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** False: only at the locations it was created with. */
  readonly allLocations: boolean;
  readonly ipAllowList: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly creatorId: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  /** When its leak was reported, which revoked it. */
  readonly leakedAt: string | null;
  /** The key that takes its place. */
  readonly successorId: string | null;
  readonly rotatedAt: string | null;
  /** Until when it is let in beside its successor. */
  readonly retiresAt: string | null;
  /** A minute behind at most. */
  readonly lastUsedAt: string | null;
  /** From where, then; null where that is not known, and in the answers to changes. */
  readonly lastUsedIp: string | null;
  /** City and country of that address, as the platform guesses them. */
  readonly lastUsedPlace: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type ApiKeyLimit = {
  readonly apiKeyId: string;
  /** How many calls are let through in a minute. */
  readonly perMinute: number;
  /** How many may come at once after a rest. */
  readonly burst: number;
  readonly reason: string;
  /** From that moment on the plan's rate holds again. */
  readonly expiresAt: string;
  /** Who set it; null: whoever runs this deployment, who alone may go beyond the plan. */
  readonly creatorId: string | null;
  readonly updatedAt: string;
};

export type ApiKeyPage = {
  readonly data: readonly ApiKey[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type AuditCheckpoint = {
  readonly size: number;
  /** A signed note (https://c2sp.org/signed-note): the log's origin, its size and its root hash. The keys are at /.well-known/audit-keys.json. */
  readonly checkpoint: string;
  readonly at: string;
};

export type AuditCheckpointPage = {
  readonly data: readonly AuditCheckpoint[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type AuditConsistency = {
  readonly earlier: number;
  readonly size: number;
  /** RFC 9162 section 2.1.4. */
  readonly proof: readonly string[];
};

export type AuditEntry = {
  readonly id: string;
  /** Counted per tenant, without gaps. */
  readonly seq: number;
  readonly at: string;
  readonly operation: string;
  readonly action: string;
  readonly entity: string;
  readonly entityId: string;
  /** The row as it stood after the change (before it, for a deletion); personal fields as envelopes. */
  readonly row: Readonly<Record<string, unknown>>;
  readonly changed: readonly string[] | null;
  readonly actor: {
    readonly kind: string;
    readonly id: string;
  };
  /** Where a program did it for the actor: the actor, then the OAuth client and the grant that lets it. Where support did: the member as far as whom, the agent and the grant, and the session. Else null. */
  readonly actorChain:
    | readonly {
        readonly kind: string;
        readonly id: string;
        readonly grantId: string | null;
      }[]
    | null;
  /** Of what an agent of support did: what let them. */
  readonly supportGrantId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly locationId: string | null;
  readonly assigneeId: string | null;
  readonly requestId: string;
};

export type AuditEntryPage = {
  readonly data: readonly AuditEntry[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type AuditHead = {
  readonly size: number;
  /** A signed note (https://c2sp.org/signed-note): the log's origin, its size and its root hash. The keys are at /.well-known/audit-keys.json. */
  readonly checkpoint: string;
};

export type AuditKeys = {
  readonly keys: readonly {
    readonly algorithm: "Ed25519";
    /** 32 bytes, base64. */
    readonly publicKey: string;
    readonly signsFrom: string;
  }[];
};

export type AuditLeaf = {
  readonly index: number;
  /** What the log holds, for ever: 32 bytes, base64. null where the row is no leaf yet. */
  readonly hash: string | null;
  /** The row as it stands now, in the form that is logged (RFC 8785): of an untouched row SHA-256 of a zero byte and these is the hash. null where there is no such row. */
  readonly entry: string | null;
};

export type AuditLeafPage = {
  readonly data: readonly AuditLeaf[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type AuditProof = {
  readonly id: string;
  /** The row as it was logged (RFC 8785); its leaf hash is SHA-256 of a zero byte and these. */
  readonly entry: string;
  /** Of the leaf; that of the first row is 0. */
  readonly index: number;
  /** Of the tree that the proof leads to. */
  readonly size: number;
  /** RFC 9162 section 2.1.3, from the leaf's sibling upwards. */
  readonly proof: readonly string[];
  /** A signed note (https://c2sp.org/signed-note): the log's origin, its size and its root hash. The keys are at /.well-known/audit-keys.json. */
  readonly checkpoint: string;
};

export type AuditSink = {
  readonly name: string;
  /** Everything under the head of this size is there. */
  readonly size: number;
  /** The size of the newest head that was published. */
  readonly published: number;
  /** The age of the oldest head that is not there; 0 where none is lacking. */
  readonly behindSeconds: number;
  /** Why the last try brought it no further; null where it did. */
  readonly lastFault:
    | "without-keys"
    | "refused"
    | "rejected"
    | "redirected"
    | "failing"
    | "timed-out"
    | "unreachable"
    | "holds-something-else"
    | "source-missing"
    | null;
  readonly failingSince: string | null;
};

export type AuditSinks = {
  readonly data: readonly AuditSink[];
};

export type AuthorizationOutcome = {
  readonly next: "redirect" | "sign-in" | "consent";
  readonly location: string | null;
  readonly consent: {
    readonly client: string;
    readonly tenant: string;
    readonly host: string;
    readonly allows: readonly {
      readonly scope: string;
      readonly label: string;
    }[];
  } | null;
};

export type AuthorizationRequest = {
  /** Of the request as the client made it, without the question mark. */
  readonly query: string;
  /** Absent: to be told what is asked, or let in by what was allowed before. */
  readonly decision?: "allow" | "deny";
  /** With `allow`: the scopes that the user was shown, separated by spaces as `consent.allows` has them. Where others would be granted by now, they are asked anew. */
  readonly shown?: string;
};

export type AuthorizationServer = {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly revocation_endpoint: string;
  readonly introspection_endpoint: string;
  readonly jwks_uri: string;
  readonly scopes_supported: readonly string[];
  readonly response_types_supported: readonly string[];
  readonly response_modes_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly revocation_endpoint_auth_methods_supported: readonly string[];
  readonly introspection_endpoint_auth_methods_supported: readonly string[];
  readonly authorization_response_iss_parameter_supported: true;
  readonly service_documentation: string;
};

export type BegunSupportVisit = {
  readonly id: string;
  readonly tenantId: string;
  readonly grantId: string;
  readonly memberId: string;
  readonly ticket: string;
  readonly expiresAt: string;
  readonly accessToken: string | null;
  readonly expiresInSeconds: number;
};

/** The call log is best effort. How far it falls short in the hours asked for, whole, of the actor asked for or of all: an estimate, as calls and counts are minutes under way and a call may be counted in the hour beside its own. */
export type CallLogGap = {
  /** Calls that the gates let in or refused for their rate. */
  readonly counted: number;
  readonly logged: number;
  readonly missing: number;
};

export type CapabilityUse = {
  readonly capability: string;
  /** The day, in UTC. */
  readonly lastUsedOn: string;
};

export type ConnectedClients = {
  readonly data: readonly {
    readonly clientId: string;
    readonly name: string;
    readonly tenantId: string;
    readonly scope: string;
    readonly since: string;
  }[];
};

export type ConnectedIdentities = {
  readonly data: readonly ConnectedIdentity[];
};

export type ConnectedIdentity = {
  readonly id: string;
  readonly source: string;
  readonly label: string;
  readonly issuer: string;
  readonly connectedAt: string;
  readonly lastUsedAt: string;
};

export type ConsentGiven = {
  /** All that may be shared from now on, in place of what was agreed before. `allergens` and `needs` ask for the capability customers:sensitive as well. */
  readonly fields: readonly ("name" | "email" | "phone" | "allergens" | "needs")[];
  /** How the customer said so; stands in the audit. */
  readonly obtained: "in-person" | "by-phone" | "in-writing" | "online";
};

export type CreatedApiKey = {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** False: only at the locations it was created with. */
  readonly allLocations: boolean;
  readonly ipAllowList: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly creatorId: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  /** When its leak was reported, which revoked it. */
  readonly leakedAt: string | null;
  /** The key that takes its place. */
  readonly successorId: string | null;
  readonly rotatedAt: string | null;
  /** Until when it is let in beside its successor. */
  readonly retiresAt: string | null;
  /** A minute behind at most. */
  readonly lastUsedAt: string | null;
  /** From where, then; null where that is not known, and in the answers to changes. */
  readonly lastUsedIp: string | null;
  /** City and country of that address, as the platform guesses them. */
  readonly lastUsedPlace: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** The key's text: in this one answer and nowhere else. A replay holds null. */
  readonly key: string | null;
};

/** Of a person whose data was destroyed, the name reads `[erased]` and the other personal fields are null. */
export type Customer = {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly note: string | null;
  /** Set while the customer is deleted and can be restored. */
  readonly deletedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type CustomerConsent = {
  readonly customerId: string;
  readonly fields: readonly ("name" | "email" | "phone" | "allergens" | "needs")[];
  readonly obtained: "in-person" | "by-phone" | "in-writing" | "online";
  readonly givenAt: string;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type CustomerPage = {
  readonly data: readonly Customer[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type CustomerPatch = {
  readonly name?: string;
  readonly email?: string | null;
  readonly phone?: string | null;
  readonly note?: string | null;
};

export type CustomerSearch =
  | {
      readonly name: string;
      readonly limit?: number;
      /** `nextCursor` of the page before, asked for with the same filter. */
      readonly cursor?: string;
    }
  | {
      readonly email: string;
      readonly limit?: number;
      /** `nextCursor` of the page before, asked for with the same filter. */
      readonly cursor?: string;
    }
  | {
      readonly phone: string;
      readonly limit?: number;
      /** `nextCursor` of the page before, asked for with the same filter. */
      readonly cursor?: string;
    };

export type DietaryPatch = {
  /** An empty list: asked, and there are none. null: nobody has asked. */
  readonly allergens?: readonly string[] | null;
  readonly needs?: string | null;
};

export type DietaryReceipt = {
  readonly customerId: string;
  /** The fields that hold something. */
  readonly recorded: readonly ("allergens" | "needs")[];
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type DietaryReveal = {
  /** Stands in the audit row. */
  readonly reason?: "booking" | "order" | "service" | "customer-asked" | "emergency";
};

export type EffectiveRights = {
  readonly kind: "member" | "api-key" | "client" | "support-agent";
  readonly id: string;
  /** Of the member, the key, or the agent of support. */
  readonly name: string | null;
  /** Of a member; null for a program. */
  readonly role: string | null;
  readonly tenantId: string;
  readonly slug: string;
  /** What these credentials may do: role and grants without denials, within their own scope. */
  readonly capabilities: readonly string[];
  readonly allLocations: boolean;
  /** Where, unless everywhere. */
  readonly locationIds: readonly string[];
  /** Of what is somebody's, only what is assigned to you. */
  readonly assignedOnly: boolean;
  /** Who of support is here now: tell it to whoever works here. To an agent, their own; to a program of its own right, none. */
  readonly supportSessions: readonly RunningSupportSession[];
};

export type EmailChange = {
  readonly email: string;
};

export type EmailChangeCompletion = {
  readonly token: string;
  readonly password: string;
};

export type EmailProof = {
  readonly challenge: string;
  readonly code: string;
};

export type Event = {
  readonly id: string;
  /** Counted per tenant, without gaps; who is limited to locations sees those numbers alone. */
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  /** Ids, enums and amounts; read what it is about for the rest. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly locationId: string | null;
  readonly assigneeId: string | null;
  readonly actor: {
    readonly kind: string;
    readonly id: string;
  };
  /** Where a program did it for the actor: the actor, then the OAuth client and the grant that lets it. Where support did: the member as far as whom, the agent and the grant, and the session. Else null. */
  readonly actorChain:
    | readonly {
        readonly kind: string;
        readonly id: string;
        readonly grantId: string | null;
      }[]
    | null;
  readonly requestId: string;
};

export type Events = {
  readonly data: readonly Event[];
  /** Ask again with it where there is more; to go on later, with the last `seq` seen. */
  readonly nextAfter: number | null;
};

export type FactorCoverageSummary = {
  /** Who is active. */
  readonly members: number;
  /** Who of them has a second factor that is one for their role. */
  readonly withFactor: number;
  /** Who of them has codes by SMS and nothing better. */
  readonly withSmsAlone: number;
  /** Owners and admins of them who have none, or codes by SMS alone. */
  readonly elevatedWithout: number;
};

export type Factors = {
  readonly totp: {
    readonly id: string;
    readonly createdAt: string;
  } | null;
  readonly passkeys: readonly Passkey[];
  readonly sms: {
    readonly number: string;
    readonly createdAt: string;
  } | null;
  /** Since when the present set. */
  readonly recoveryCodes: {
    readonly createdAt: string;
  } | null;
};

export type FederatedAnswer = {
  /** As it was answered when this began. */
  readonly flow: string;
  readonly source: string;
  /** The query, or the form, that the issuer sent the browser back with, as it was. */
  readonly parameters: string;
};

export type FederatedSignIn = {
  /** A provider's name, or what POST /v1/sign-in/sso answered. */
  readonly source: string;
  /** Whoever is signed in there already proves anew that it is them. */
  readonly isFresh?: boolean;
};

export type FederatedSignInBegun = {
  /** The browser keeps it until it comes back: no other browser's answer fits it. */
  readonly flow: string;
  readonly source: string;
  readonly label: string;
  readonly authorizationUrl: string;
  /** The answer comes as a form from the issuer's own page. */
  readonly isFormPost: boolean;
};

/** What is wrong, and where: in the body (pointer), or in the query or a header (parameter). */
export type FieldError = {
  /** A JSON pointer into the body (RFC 6901). */
  readonly pointer?: string;
  readonly parameter?: string;
  readonly detail: string;
};

/** Where the data of the customer it belongs to was destroyed, the name reads `[erased]`. */
export type File = {
  readonly id: string;
  readonly customerId: string;
  readonly orderId: string | null;
  /** The same for all versions of a document. */
  readonly documentId: string;
  readonly revision: number;
  readonly name: string;
  readonly mediaType: string;
  readonly state: "pending" | "uploading" | "checking" | "ready" | "rejected" | "purging";
  readonly size: number | null;
  readonly sha256: string | null;
  /** Of an upload in parts: all are of this size but the last. */
  readonly partSize: number | null;
  /** Why the bytes were not taken. */
  readonly rejection: "media-type-mismatch" | "sha256-mismatch" | "lost" | null;
  readonly uploadedAt: string | null;
  readonly deletedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type FilePage = {
  readonly data: readonly File[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type FilePart = {
  readonly fileId: string;
  readonly number: number;
  /** In bytes. */
  readonly size: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
};

export type FileParts = {
  readonly data: readonly FilePart[];
};

export type FilePatch = {
  readonly name?: string;
  readonly orderId?: string | null;
};

export type FixedRole = {
  readonly role: string;
  readonly label: string;
  readonly capabilities: readonly string[];
  readonly scope: "tenant" | "locations" | "assigned";
};

export type HourlyUsage = {
  /** Its start. */
  readonly hour: string;
  readonly actorId: string;
  readonly operation: string;
  readonly status: number;
  readonly calls: number;
};

export type IdentityConnection = {
  /** As the deployment names it. */
  readonly source: string;
};

export type Introspection = {
  readonly active: boolean;
  readonly token_type?: "Bearer";
  readonly iss?: string;
  readonly aud?: string;
  readonly sub?: string;
  readonly jti?: string;
  readonly exp?: number;
  readonly iat?: number;
  readonly auth_time?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly scope?: string;
  readonly client_id?: string;
};

export type Invitation = {
  readonly id: string;
  readonly email: string;
  readonly role:
    | "owner"
    | "admin"
    | "manager"
    | "sales"
    | "designer"
    | "installer"
    | "accountant"
    | "staff"
    | "viewer"
    | "custom";
  readonly roleId: string | null;
  readonly grants: readonly string[];
  readonly denials: readonly string[];
  /** False: at these locations alone. */
  readonly allLocations: boolean;
  readonly locationIds: readonly string[];
  /** The member or key that answers for it: it is void once they could not give all of this. */
  readonly inviterId: string;
  /** An expired one can be sent again for 30 days. One that was accepted or revoked is gone. */
  readonly state: "open" | "expired";
  readonly timesSent: number;
  readonly expiresAt: string;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type InvitationPage = {
  readonly data: readonly Invitation[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type InvitationToken = {
  readonly tenantId: string;
  /** Both as the link in the mail has them. */
  readonly token: string;
};

export type InvitedTo = {
  readonly tenantId: string;
  readonly slug: string;
  readonly name: string;
  readonly role: string;
  /** Of a role of the business's own. */
  readonly roleName: string | null;
  readonly expiresAt: string;
};

export type IpAllowList = {
  /** Empty: people and programs are let in from anywhere. */
  readonly networks: readonly string[];
};

export type IpAllowListChange = {
  /** Empty: from anywhere. Keys that have a list of their own are held to both. */
  readonly networks: readonly string[];
  /** True: nothing is changed. */
  readonly dryRun?: boolean;
};

export type IpAllowListOutcome = {
  /** Empty: people and programs are let in from anywhere. */
  readonly networks: readonly string[];
  readonly isChanged: boolean;
  /** In a dry run alone: else it is refused. */
  readonly locksYouOut: boolean;
  /** Who came in within 30 days, last from elsewhere, of the 500 who came last. */
  readonly lockedOut: readonly LockedOut[];
};

export type JoinedTenant = {
  readonly tenantId: string;
  readonly slug: string;
  readonly name: string;
  readonly memberId: string;
};

export type KeyRotation = {
  /** For how long the old key goes on beside its successor; 0: it is refused at once. */
  readonly overlapSeconds?: number;
  /** Of the successor; absent: it lives as long as the old one was made for. */
  readonly expiresAt?: string;
};

export type Location = {
  readonly id: string;
  readonly name: string;
  readonly timezone: string;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type LocationPage = {
  readonly data: readonly Location[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type LocationPatch = {
  readonly name?: string;
  readonly timezone?: string;
};

export type LockedOut = {
  /** A member, an API key or an OAuth client. */
  readonly principalId: string;
  readonly lastUsedAt: string;
  readonly lastUsedIp: string | null;
};

export type Member = {
  readonly id: string;
  /** As their account has it, a minute behind at most; null where it was never told. */
  readonly name: string | null;
  readonly email: string | null;
  /** `custom`: the one of the business's own that `roleId` names. */
  readonly role:
    | "owner"
    | "admin"
    | "manager"
    | "sales"
    | "designer"
    | "installer"
    | "accountant"
    | "staff"
    | "viewer"
    | "custom";
  readonly roleId: string | null;
  /** What they may do besides their role. */
  readonly grants: readonly string[];
  /** What they may not do, whatever grants it. */
  readonly denials: readonly string[];
  /** False: at these locations alone. */
  readonly allLocations: boolean;
  /** Where they are, as far as you may see it. */
  readonly locationIds: readonly string[];
  readonly state: "active" | "suspended";
  /** Since when they are no member any more. */
  readonly removedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type MemberAccess = {
  readonly memberId: string;
  readonly capability: string;
  readonly isAllowed: boolean;
  /** In their order: the last says what is so. */
  readonly steps: readonly AccessStep[];
  /** False: at these locations alone, as far as you may see them. */
  readonly allLocations: boolean;
  readonly locationIds: readonly string[];
  /** Of what is somebody's, only what is assigned to them. */
  readonly assignedOnly: boolean;
};

export type MemberFactors = {
  readonly memberId: string;
  readonly role: string;
  readonly state: "active" | "suspended";
  /** An authenticator app. */
  readonly totp: boolean;
  /** How many passkeys. */
  readonly passkeys: number;
  /** Codes by SMS. */
  readonly sms: boolean;
  /** How many recovery codes are left. */
  readonly recoveryCodesLeft: number;
  /** When that was last told; null where nothing ever was. At most a minute behind. */
  readonly copiedAt: string | null;
};

export type MemberPage = {
  readonly data: readonly Member[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type MemberPatch = {
  readonly role?:
    | "admin"
    | "manager"
    | "sales"
    | "designer"
    | "installer"
    | "accountant"
    | "staff"
    | "viewer";
  /** One of the business's own roles, instead of `role`. */
  readonly roleId?: string;
  readonly grants?: readonly string[];
  readonly denials?: readonly string[];
  readonly allLocations?: boolean;
  /** All of them: what is not listed is taken away. */
  readonly locationIds?: readonly string[];
};

export type NewApiKey = {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Only at these; absent: wherever its creator may. */
  readonly locationIds?: readonly string[];
  /** Empty: from any address. */
  readonly ipAllowList?: readonly string[];
  /** Of pages that may use it, as far as the settings list them too; empty: all that they list. */
  readonly allowedOrigins?: readonly string[];
  readonly expiresAt?: string;
};

export type NewApiKeyLimit = {
  /** How many calls are let through in a minute. */
  readonly perMinute: number;
  /** How many may come at once after a rest. */
  readonly burst: number;
  readonly reason: string;
  /** At most 90 days away. */
  readonly expiresAt: string;
};

export type NewCustomer = {
  readonly name: string;
  readonly email?: string | null;
  readonly phone?: string | null;
  readonly note?: string | null;
};

/** Of a customer, or of an order and so of its customer. */
export type NewFile = {
  readonly name: string;
  readonly mediaType: string;
  /** In bytes; what arrives must be of it. */
  readonly size?: number;
  /** In hex; what arrives must have it. */
  readonly sha256?: string;
  readonly customerId?: string;
  readonly orderId?: string;
};

export type NewFileVersion = {
  readonly name?: string;
  readonly mediaType: string;
  /** In bytes; what arrives must be of it. */
  readonly size?: number;
  /** In hex; what arrives must have it. */
  readonly sha256?: string;
};

export type NewInvitation = {
  readonly email: string;
  readonly role?:
    | "admin"
    | "manager"
    | "sales"
    | "designer"
    | "installer"
    | "accountant"
    | "staff"
    | "viewer";
  /** One of the business's own roles, instead of `role`. */
  readonly roleId?: string;
  readonly grants?: readonly string[];
  readonly denials?: readonly string[];
  readonly allLocations?: boolean;
  readonly locationIds?: readonly string[];
};

export type NewLocation = {
  readonly name: string;
  readonly timezone: string;
};

export type NewOAuthClient = {
  readonly name: string;
  readonly redirectUris?: readonly string[];
  readonly grantTypes: readonly ("authorization_code" | "refresh_token" | "client_credentials")[];
  /** The most that it can be let do, for whomever. */
  readonly scopes: readonly string[];
  /** public: an app or a page, which can keep no secret. */
  readonly type: "public" | "confidential";
};

export type NewOrder = {
  readonly customerId: string;
  readonly locationId: string;
  readonly assigneeId?: string | null;
  readonly dueAt?: string | null;
  readonly lines: readonly NewOrderLine[];
};

export type NewOrderLine = {
  readonly description: string;
  /** 1500 for one and a half. */
  readonly quantityThousandths: number;
  /** Of one, in minor units, before tax. */
  readonly unitPrice: number;
  /** 2100 for 21 %. */
  readonly taxBasisPoints?: number;
};

export type NewParts = {
  /** Of the whole, in bytes. */
  readonly size: number;
  /** Every part is of this size but the last, which is what is left. */
  readonly partSize: number;
};

export type NewPasskey = {
  readonly name: string;
  readonly response: PasskeyAttestation;
};

/** Exactly one of the three. */
export type NewReplay = {
  readonly deliveryId?: string;
  readonly failed?: true;
  readonly since?: string;
};

export type NewRole = {
  readonly name: string;
  readonly capabilities: readonly string[];
  /** What of the business its members see: all of it, or their locations of it; or what is assigned to them. */
  readonly scope?: "tenant" | "assigned";
};

export type NewSmsFactor = {
  readonly number: string;
};

export type NewSsoConnection = {
  readonly name: string;
  /** As `iss` has it: https, of a public host name, without a query. */
  readonly issuer: string;
  readonly clientId: string;
  /** In no answer. */
  readonly clientSecret: string;
  /** What a member who is added is. */
  readonly defaultRole?: "manager" | "sales" | "designer" | "installer" | "accountant" | "staff" | "viewer";
  /** Whether a member who is added is of all locations, or of none yet. */
  readonly allLocations?: boolean;
  /** Whether whoever comes by it and is no member yet becomes one. */
  readonly addsMembers?: boolean;
};

export type NewSsoDomain = {
  /** Of two labels at least. */
  readonly domain: string;
  readonly connectionId: string;
};

export type NewSupportGrant = {
  readonly reason: string;
  /** What may be done besides reading. Empty: nothing is changed. */
  readonly capabilities?: readonly (
    | "customers:write"
    | "quotes:write"
    | "quotes:accept"
    | "orders:write"
    | "files:write"
    | "proofs:write"
    | "proofs:approve"
    | "jobs:write"
    | "jobs:assign"
    | "bookings:write"
    | "schedules:write"
    | "escalations:write"
    | "products:write"
    | "invoices:write"
    | "payments:take"
    | "payments:refund"
    | "locations:write"
  )[];
  /** False: names, addresses and all else of people's are masked. */
  readonly showsPersonalData?: boolean;
  /** At most 30 days away. */
  readonly expiresAt: string;
};

export type NewSupportVisit = {
  readonly tenantId: string;
  /** Which the business told you. */
  readonly grantId: string;
  /** As far as whom; absent: the owner who gave the grant. */
  readonly memberId?: string;
  /** The business reads it. */
  readonly reason: string;
  readonly ticket: string;
  readonly minutes?: number;
};

export type NewTotp = {
  readonly id: string;
  /** Base32, for typing in by hand; null in a replay, as are the other two. */
  readonly secret: string | null;
  readonly uri: string | null;
  /** The same as a QR code: an image that needs no script. */
  readonly qrSvg: string | null;
};

export type NewWebhookEndpoint = {
  /** https, of a public host name. */
  readonly url: string;
  readonly eventTypes: readonly (
    | "alert.raised"
    | "api_key.created"
    | "api_key.rotated"
    | "api_key.still_used"
    | "api_key.rotation_due"
    | "api_key.leaked"
    | "api_key.revoked"
    | "api_key.limit_changed"
    | "customer.created"
    | "customer.updated"
    | "customer.deleted"
    | "customer.restored"
    | "customer_consent.given"
    | "customer_consent.withdrawn"
    | "customer_dietary.updated"
    | "customer_dietary.deleted"
    | "customer_dietary.revealed"
    | "file.created"
    | "file.uploaded"
    | "file.rejected"
    | "file.updated"
    | "file.deleted"
    | "file.restored"
    | "file.purged"
    | "invitation.created"
    | "invitation.resent"
    | "invitation.revoked"
    | "location.created"
    | "location.updated"
    | "location.deleted"
    | "member.joined"
    | "member.updated"
    | "member.suspended"
    | "member.reinstated"
    | "member.removed"
    | "member.ownership_transferred"
    | "mfa.enrolled"
    | "mfa.removed"
    | "mfa.recovery_used"
    | "mfa.recovery_renewed"
    | "mfa.code_sent"
    | "oauth_client.created"
    | "oauth_client.updated"
    | "oauth_client.secret_rotated"
    | "oauth_client.deleted"
    | "role.created"
    | "role.updated"
    | "role.deleted"
    | "order.created"
    | "order.updated"
    | "order.placed"
    | "order.in_production"
    | "order.ready"
    | "order.completed"
    | "order.cancelled"
    | "security_policy.updated"
    | "security_policy.ip_allow_list_changed"
    | "settings.updated"
    | "sso_connection.created"
    | "sso_connection.updated"
    | "sso_connection.deleted"
    | "sso_domain.verified"
    | "sso_domain.lapsed"
    | "sso_domain.deleted"
    | "support.granted"
    | "support.grant_ended"
    | "support.session_started"
    | "support.session_ended"
    | "tenant.created"
    | "user.signed_in"
    | "user.sign_in_failed"
    | "user.signed_out"
    | "user.session_ended"
    | "user.refresh_reused"
    | "user.locked_out"
    | "user.lock_cleared"
    | "user.password_accepted"
    | "user.password_breached"
    | "user.password_changed"
    | "user.password_reset_asked"
    | "user.password_reset"
    | "user.email_verified"
    | "user.email_change_asked"
    | "user.email_changed"
    | "user.account_closed"
    | "user.stepped_up"
    | "user.identity_accepted"
    | "user.identity_connected"
    | "user.identity_removed"
    | "vault.open_failed"
    | "webhook_endpoint.created"
    | "webhook_endpoint.updated"
    | "webhook_endpoint.deleted"
    | "webhook_endpoint.enabled"
    | "webhook_endpoint.disabled"
    | "webhook_endpoint.secret_rotated"
    | "webhook_endpoint.secret_rotation_due"
    | "webhook_endpoint.tested"
    | "webhook_endpoint.replay_requested"
  )[];
  /** One of the client's own; made here unless given. */
  readonly secret?: string;
};

export type OAuthClient = {
  readonly id: string;
  /** The client_id of the protocol. */
  readonly clientId: string;
  readonly name: string;
  readonly type: "public" | "confidential";
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly ("authorization_code" | "refresh_token" | "client_credentials")[];
  readonly scopes: readonly string[];
  readonly creatorId: string;
  /** When it last proved itself by its secret. */
  readonly lastUsedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type OAuthClientPage = {
  readonly data: readonly OAuthClient[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type OAuthClientPatch = {
  readonly name?: string;
  readonly redirectUris?: readonly string[];
  readonly grantTypes?: readonly ("authorization_code" | "refresh_token" | "client_credentials")[];
  /** The most that it can be let do, for whomever. */
  readonly scopes?: readonly string[];
};

export type OAuthClientWithSecret = {
  readonly id: string;
  /** The client_id of the protocol. */
  readonly clientId: string;
  readonly name: string;
  readonly type: "public" | "confidential";
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly ("authorization_code" | "refresh_token" | "client_credentials")[];
  readonly scopes: readonly string[];
  readonly creatorId: string;
  /** When it last proved itself by its secret. */
  readonly lastUsedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** In this one answer and nowhere else; null in a replay, and of a public client. */
  readonly clientSecret: string | null;
};

export type OAuthConsent = {
  readonly id: string;
  readonly memberId: string;
  /** What the member allowed, in words of OAuth. */
  readonly scope: string;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type OAuthConsentPage = {
  readonly data: readonly OAuthConsent[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type OAuthTokens = {
  readonly access_token: string;
  readonly token_type: "Bearer";
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
};

export type OpenIdProvider = {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly revocation_endpoint: string;
  readonly introspection_endpoint: string;
  readonly jwks_uri: string;
  readonly scopes_supported: readonly string[];
  readonly response_types_supported: readonly string[];
  readonly response_modes_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly revocation_endpoint_auth_methods_supported: readonly string[];
  readonly introspection_endpoint_auth_methods_supported: readonly string[];
  readonly authorization_response_iss_parameter_supported: true;
  readonly service_documentation: string;
  readonly userinfo_endpoint: string;
  readonly subject_types_supported: readonly string[];
  readonly id_token_signing_alg_values_supported: readonly string[];
  readonly acr_values_supported: readonly string[];
  readonly claims_supported: readonly string[];
  readonly prompt_values_supported: readonly string[];
  readonly claims_parameter_supported: false;
  readonly request_parameter_supported: false;
  readonly request_uri_parameter_supported: false;
};

export type Order = {
  readonly id: string;
  /** Counted per tenant, without gaps. */
  readonly number: number;
  readonly status: "draft" | "placed" | "in_production" | "ready" | "completed" | "cancelled";
  readonly locationId: string;
  readonly customerId: string;
  readonly assigneeId: string | null;
  readonly currency: string;
  /** In minor units of `currency`. */
  readonly net: number;
  readonly tax: number;
  readonly total: number;
  readonly dueAt: string | null;
  readonly placedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly lines: readonly OrderLine[];
};

export type OrderLine = {
  readonly id: string;
  readonly description: string;
  /** 1500 for one and a half. */
  readonly quantityThousandths: number;
  /** Of one, in minor units, before tax. */
  readonly unitPrice: number;
  /** 2100 for 21 %. */
  readonly taxBasisPoints: number;
  readonly net: number;
  readonly tax: number;
};

export type OrderPatch = {
  readonly assigneeId?: string | null;
  readonly dueAt?: string | null;
  /** Replaces all lines. */
  readonly lines?: readonly NewOrderLine[];
};

export type OrderSummary = {
  readonly id: string;
  /** Counted per tenant, without gaps. */
  readonly number: number;
  readonly status: "draft" | "placed" | "in_production" | "ready" | "completed" | "cancelled";
  readonly locationId: string;
  readonly customerId: string;
  readonly assigneeId: string | null;
  readonly currency: string;
  /** In minor units of `currency`. */
  readonly net: number;
  readonly tax: number;
  readonly total: number;
  readonly dueAt: string | null;
  readonly placedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type OrderSummaryPage = {
  readonly data: readonly OrderSummary[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type OwnershipTransfer = {
  /** False: you are an admin from then on. */
  readonly keepsOwn?: boolean;
};

export type Passkey = {
  readonly id: string;
  readonly name: string;
  /** Its maker keeps a copy, so that it outlives the device. */
  readonly isSynced: boolean;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
};

export type PasskeyAssertion = {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
    readonly userHandle?: string;
  };
};

export type PasskeyAttestation = {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly response: {
    readonly clientDataJSON: string;
    readonly attestationObject: string;
    readonly transports?: readonly string[];
  };
};

/** For `navigator.credentials.create()`. */
export type PasskeyCreationOptions = {
  readonly challenge: string;
  readonly rp: {
    readonly name: string;
    readonly id: string;
  };
  readonly user: {
    readonly id: string;
    readonly name: string;
    readonly displayName: string;
  };
  readonly pubKeyCredParams: readonly {
    readonly type: "public-key";
    readonly alg: number;
  }[];
  readonly timeout: number;
  readonly attestation: "none";
  readonly excludeCredentials: readonly {
    readonly id: string;
    readonly type: "public-key";
  }[];
  readonly authenticatorSelection: {
    readonly residentKey: "required";
    readonly requireResidentKey: true;
    readonly userVerification: "required";
  };
};

/** For `navigator.credentials.get()`. */
export type PasskeyProofOptions = {
  readonly challenge: string;
  readonly rpId: string;
  readonly timeout: number;
  readonly userVerification: "required";
};

export type PasskeySecondFactor = {
  readonly challenge: string;
  readonly response: PasskeyAssertion;
};

export type PasskeySignIn = {
  readonly response: PasskeyAssertion;
};

export type PasswordChange = {
  readonly currentPassword: string;
  /** 12 to 128 characters, none of the commonest and none that was found in a breach. */
  readonly password: string;
};

export type PasswordReset = {
  readonly token: string;
  /** 12 to 128 characters, none of the commonest and none that was found in a breach. */
  readonly password: string;
};

export type PasswordResetRequest = {
  readonly email: string;
};

export type Ping = {
  readonly principal: string;
  readonly tenant: string;
  readonly slug: string;
};

export type ProblemMeaning = {
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly meaning: string;
};

export type PublicJwk = {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "ES256";
};

export type RecoveredTokens = {
  /** A bearer token (RFC 9068): of the tenant that was asked for, or of the user's own account. */
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly tenantId: string | null;
  /** Taken once, and answered with the next one. One that comes again later ends the session. */
  readonly refreshToken: string;
  readonly sessionId: string;
  /** A fresh set, shown once. All codes from before are dead. */
  readonly recoveryCodes: readonly string[];
};

export type RecoveryCodes = {
  /** Shown once: each lets its owner in without the second factor. Null: those before go on, or it is a replay. */
  readonly recoveryCodes: readonly string[] | null;
};

export type Replay = {
  readonly webhookEndpointId: string;
  readonly kind: "one" | "failed" | "since";
  readonly requestedAt: string;
};

export type RevealedDietary = {
  readonly customerId: string;
  /** null where nothing is recorded. */
  readonly dietary: {
    /** An empty list: asked, and there are none. null: nobody has asked. */
    readonly allergens: readonly string[] | null;
    readonly needs: string | null;
    /** Counts the changes; the ETag is made of it. */
    readonly version: number;
    readonly createdAt: string;
    readonly updatedAt: string;
  } | null;
};

/** Whether there was such a token is not told. */
export type Revoked = {
  readonly done: true;
};

export type Role = {
  readonly id: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  /** What of the business its members see: all of it, or their locations of it; or what is assigned to them. */
  readonly scope: "tenant" | "assigned";
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type RolePatch = {
  readonly name?: string;
  readonly capabilities?: readonly string[];
  /** What of the business its members see: all of it, or their locations of it; or what is assigned to them. */
  readonly scope?: "tenant" | "assigned";
};

export type Roles = {
  readonly fixed: readonly FixedRole[];
  readonly data: readonly Role[];
};

export type RunningSupportSession = {
  readonly id: string;
  readonly agentId: string;
  readonly agentName: string;
  /** As far as whose rights and places. */
  readonly memberId: string;
  readonly reason: string;
  readonly ticket: string;
  readonly expiresAt: string;
};

export type Sandbox = {
  readonly tenantId: string;
  /** What to call it by from now on. */
  readonly slug: string;
};

export type SecondFactor = {
  readonly challenge: string;
  readonly code: string;
};

export type SecretRotation = {
  /** One of the client's own; made here unless given. */
  readonly secret?: string;
  /** How long deliveries are signed with the old secret too. */
  readonly overlapHours?: number;
};

export type SecurityPolicy = {
  /** Who needs a second factor: nobody, owners and admins, or every member. It holds from each one's next sign-in. */
  readonly secondFactor: "off" | "elevated" | "everyone";
  readonly secondFactorSince: string | null;
  /** Whether codes by SMS are a second factor here, which you pay for. Never of owners and admins: they need another. */
  readonly allowsSms: boolean;
  /** How old an API key may become, in days; null: as old as it likes. One that nears it is told of by `api_key.rotation_due`; one past it is refused, a week after this was asked at the soonest. */
  readonly longestKeyAge: number | null;
  readonly longestKeyAgeSince: string | null;
};

export type SecurityPolicyChange = {
  /** Who needs a second factor: nobody, owners and admins, or every member. It holds from each one's next sign-in. */
  readonly secondFactor: "off" | "elevated" | "everyone";
  /** Absent: as it is, or no at first. */
  readonly allowsSms?: boolean;
  /** Absent: as it is. In days; null: keys grow as old as they like. */
  readonly longestKeyAge?: number | null;
};

export type Session = {
  readonly id: string;
  readonly isCurrent: boolean;
  readonly device: string;
  readonly address: string | null;
  readonly place: string | null;
  /** How its user signed in (RFC 8176). */
  readonly methods: readonly string[];
  readonly signedInAt: string;
  /** When a second factor was last proved in it. */
  readonly strongAt: string | null;
  readonly lastUsedAt: string;
  readonly expiresAt: string;
  readonly state: "active" | "ended";
  readonly endedBecause:
    | "signed-out"
    | "revoked"
    | "refresh-reused"
    | "password-changed"
    | "factor-changed"
    | "account-closed"
    | "expired"
    | null;
};

export type Sessions = {
  readonly data: readonly Session[];
};

export type Settings = {
  readonly name: string;
  readonly currency: string;
  readonly timezone: string;
  /** Pages of these origins may call the API from a browser. */
  readonly allowedOrigins: readonly string[];
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type SettingsPatch = {
  readonly name?: string;
  readonly currency?: string;
  readonly timezone?: string;
  /** Pages of these origins may call the API from a browser. */
  readonly allowedOrigins?: readonly string[];
};

export type SharedProfiles = {
  /** Empty for a stranger and without consent alike. null in a replay, as it is not kept: ask anew. */
  readonly data:
    | readonly {
        readonly venue: {
          readonly slug: string;
          readonly name: string;
        };
        /** Those agreed on both sides; the others are absent below. */
        readonly fields: readonly ("name" | "email" | "phone" | "allergens" | "needs")[];
        readonly name?: string;
        readonly email?: string | null;
        readonly phone?: string | null;
        readonly allergens?: readonly string[] | null;
        readonly needs?: string | null;
      }[]
    | null;
};

export type SignIn = {
  readonly email: string;
  readonly password: string;
};

export type SignInLockClearance = {
  readonly token: string;
};

export type SignInProvider = {
  readonly name: string;
  readonly label: string;
};

export type SignInProviders = {
  readonly data: readonly SignInProvider[];
};

export type SignInRecovery = {
  readonly challenge: string;
  readonly recoveryCode: string;
};

export type SignInSms = {
  readonly challenge: string;
};

export type SignUp = {
  readonly name: string;
  readonly email: string;
  /** 12 to 128 characters, none of the commonest and none that was found in a breach. */
  readonly password: string;
};

export type SignUpVerification = {
  readonly token: string;
  readonly password: string;
};

export type SmsCodeSent = {
  /** The last digits of the number that the code is on its way to. */
  readonly sentTo: string;
  readonly expiresInSeconds: number;
};

export type SmsConfirmation = {
  readonly code: string;
};

export type SmsSecondFactor = {
  readonly challenge: string;
  readonly code: string;
};

export type SmsStepUp = {
  readonly code: string;
};

export type SsoConnection = {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly defaultRole: string;
  /** Whether a member who is added is of all locations, or of none yet. */
  readonly allLocations: boolean;
  /** Whether whoever comes by it and is no member yet becomes one. */
  readonly addsMembers: boolean;
  /** Nobody signs in by one that is off. */
  readonly state: "active" | "off";
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type SsoConnectionPage = {
  readonly data: readonly SsoConnection[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type SsoConnectionPatch = {
  readonly name?: string;
  /** As `iss` has it: https, of a public host name, without a query. */
  readonly issuer?: string;
  readonly clientId?: string;
  /** In no answer. */
  readonly clientSecret?: string;
  /** What a member who is added is. */
  readonly defaultRole?: "manager" | "sales" | "designer" | "installer" | "accountant" | "staff" | "viewer";
  /** Whether a member who is added is of all locations, or of none yet. */
  readonly allLocations?: boolean;
  /** Whether whoever comes by it and is no member yet becomes one. */
  readonly addsMembers?: boolean;
  /** Nobody signs in by one that is off. */
  readonly state?: "active" | "off";
};

export type SsoDomain = {
  readonly id: string;
  readonly connectionId: string;
  readonly domain: string;
  readonly state: "pending" | "verified" | "lapsed";
  /** Whether who has an address of it signs in by the connection alone. */
  readonly isEnforced: boolean;
  /** Where DNS has the TXT record. */
  readonly recordName: string;
  /** What it says, for as long as the domain is in use. */
  readonly recordValue: string;
  readonly verifiedAt: string | null;
  /** When DNS was last asked for it. */
  readonly checkedAt: string | null;
  /** Since when DNS has not had the record of a verified domain; it lapses after 7 days. */
  readonly missingSince: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type SsoDomainPage = {
  readonly data: readonly SsoDomain[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type SsoDomainPatch = {
  /** Whether who has an address of it signs in by the connection alone. */
  readonly isEnforced?: boolean;
  readonly connectionId?: string;
};

export type SsoFound = {
  readonly source: string;
};

export type SsoLookUp = {
  readonly email: string;
};

/** A code or a passkey where you have one, else your password. */
export type StepUp = {
  readonly code?: string;
  readonly passkey?: {
    readonly id: string;
    readonly rawId: string;
    readonly type: "public-key";
    readonly response: {
      readonly clientDataJSON: string;
      readonly authenticatorData: string;
      readonly signature: string;
      readonly userHandle?: string;
    };
  };
  readonly password?: string;
};

export type SteppedUp = {
  readonly provedAt: string;
};

export type SupportGrant = {
  readonly id: string;
  /** Who gave it. It holds for as long as they are an owner. */
  readonly ownerId: string;
  readonly reason: string;
  /** What may be done besides reading. */
  readonly capabilities: readonly string[];
  readonly showsPersonalData: boolean;
  readonly expiresAt: string;
  /** When it was ended before its time. */
  readonly endedAt: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type SupportGrantPage = {
  readonly data: readonly SupportGrant[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type SupportSession = {
  readonly id: string;
  readonly grantId: string;
  readonly agentId: string;
  readonly agentName: string;
  /** Whose rights and places bound it. */
  readonly memberId: string;
  readonly reason: string;
  readonly ticket: string;
  readonly expiresAt: string;
  /** When it was ended before its time. */
  readonly endedAt: string | null;
  /** By whom, or with what it ended. */
  readonly endedBecause: "agent" | "business" | "grant" | "operator" | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type SupportSessionPage = {
  readonly data: readonly SupportSession[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type SupportVisit = {
  readonly id: string;
  readonly tenantId: string;
  readonly grantId: string;
  readonly memberId: string;
  readonly ticket: string;
  readonly expiresAt: string;
  readonly endedAt: string | null;
  readonly endedBecause: "agent" | "business" | "grant" | "operator" | "expired" | null;
};

export type SupportVisitToken = {
  /** A bearer token of the business (RFC 9068) with `act` (RFC 8693): it says who acts. */
  readonly accessToken: string;
  readonly expiresInSeconds: number;
};

export type SupportVisits = {
  readonly data: readonly SupportVisit[];
};

export type Tenant = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly trade: string;
  readonly plan: "free" | "pro" | "enterprise";
  readonly cell: string;
  readonly jurisdiction: "eu" | null;
  /** Which store holds which class of this tenant's data, and where that store lies. */
  readonly stores: readonly {
    readonly holds: string;
    readonly store: string;
    readonly jurisdiction: "eu" | null;
  }[];
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type TokenRequest = {
  readonly refreshToken: string;
  /** Whose token is asked for; without it, one of the user's own account. */
  readonly tenant?: string;
};

export type Tokens = {
  /** A bearer token (RFC 9068): of the tenant that was asked for, or of the user's own account. */
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly tenantId: string | null;
  /** Taken once, and answered with the next one. One that comes again later ends the session. */
  readonly refreshToken: string;
  readonly sessionId: string;
};

export type TotpConfirmation = {
  readonly code: string;
};

export type User = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerifiedAt: string | null;
  /** False for whoever signs in by another issuer, and has chosen none yet. */
  readonly hasPassword: boolean;
  readonly createdAt: string;
};

export type UserInfo = {
  readonly sub: string;
  readonly name?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
};

export type UserMembership = {
  readonly tenantId: string;
  readonly slug: string;
  readonly name: string;
  readonly cell: string;
  readonly memberId: string;
  readonly role: string;
  /** Whether codes by SMS are a second factor there. */
  readonly allowsSms: boolean;
};

export type UserMemberships = {
  readonly data: readonly UserMembership[];
};

export type WebhookDelivery = {
  /** The `webhook-id` of every try. */
  readonly id: string;
  readonly eventId: string;
  readonly eventSeq: number;
  readonly eventType: string;
  readonly state: "pending" | "delivered" | "failed";
  readonly tries: number;
  /** How the last try ended, or why there was none. */
  readonly outcome: string | null;
  readonly dueAt: string | null;
  readonly settledAt: string | null;
  readonly createdAt: string;
};

export type WebhookDeliveryPage = {
  readonly data: readonly WebhookDelivery[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type WebhookDeliveryWithAttempts = {
  /** The `webhook-id` of every try. */
  readonly id: string;
  readonly eventId: string;
  readonly eventSeq: number;
  readonly eventType: string;
  readonly state: "pending" | "delivered" | "failed";
  readonly tries: number;
  /** How the last try ended, or why there was none. */
  readonly outcome: string | null;
  readonly dueAt: string | null;
  readonly settledAt: string | null;
  readonly createdAt: string;
  readonly attempts: readonly {
    readonly at: string;
    readonly outcome: string;
    readonly status: number | null;
    readonly durationMs: number;
    /** The beginning of a refusal's text, for who may read what was sent. */
    readonly excerpt: string | null;
  }[];
};

export type WebhookEndpoint = {
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  /** The locations whose events it is sent; null: of all, and those of none. */
  readonly locationIds: readonly string[] | null;
  /** Whose rights it is sent events under. */
  readonly creatorId: string;
  readonly state: "enabled" | "disabled";
  readonly disabledBecause: "by-hand" | "gone" | "failing" | "creator-gone" | "creator-lacks-rights" | null;
  readonly disabledAt: string | null;
  /** When the secret was set; rotate one that is a year old. */
  readonly secretCreatedAt: string;
  /** 1 for the first secret, one more with each rotation. */
  readonly secretVersion: number;
  /** Until then deliveries are signed with the previous secret too. */
  readonly previousSecretUntil: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type WebhookEndpointPage = {
  readonly data: readonly WebhookEndpoint[];
  /** Where the next page begins; null on the last. */
  readonly nextCursor: string | null;
};

export type WebhookEndpointPatch = {
  /** https, of a public host name. */
  readonly url?: string;
  readonly eventTypes?: readonly (
    | "alert.raised"
    | "api_key.created"
    | "api_key.rotated"
    | "api_key.still_used"
    | "api_key.rotation_due"
    | "api_key.leaked"
    | "api_key.revoked"
    | "api_key.limit_changed"
    | "customer.created"
    | "customer.updated"
    | "customer.deleted"
    | "customer.restored"
    | "customer_consent.given"
    | "customer_consent.withdrawn"
    | "customer_dietary.updated"
    | "customer_dietary.deleted"
    | "customer_dietary.revealed"
    | "file.created"
    | "file.uploaded"
    | "file.rejected"
    | "file.updated"
    | "file.deleted"
    | "file.restored"
    | "file.purged"
    | "invitation.created"
    | "invitation.resent"
    | "invitation.revoked"
    | "location.created"
    | "location.updated"
    | "location.deleted"
    | "member.joined"
    | "member.updated"
    | "member.suspended"
    | "member.reinstated"
    | "member.removed"
    | "member.ownership_transferred"
    | "mfa.enrolled"
    | "mfa.removed"
    | "mfa.recovery_used"
    | "mfa.recovery_renewed"
    | "mfa.code_sent"
    | "oauth_client.created"
    | "oauth_client.updated"
    | "oauth_client.secret_rotated"
    | "oauth_client.deleted"
    | "role.created"
    | "role.updated"
    | "role.deleted"
    | "order.created"
    | "order.updated"
    | "order.placed"
    | "order.in_production"
    | "order.ready"
    | "order.completed"
    | "order.cancelled"
    | "security_policy.updated"
    | "security_policy.ip_allow_list_changed"
    | "settings.updated"
    | "sso_connection.created"
    | "sso_connection.updated"
    | "sso_connection.deleted"
    | "sso_domain.verified"
    | "sso_domain.lapsed"
    | "sso_domain.deleted"
    | "support.granted"
    | "support.grant_ended"
    | "support.session_started"
    | "support.session_ended"
    | "tenant.created"
    | "user.signed_in"
    | "user.sign_in_failed"
    | "user.signed_out"
    | "user.session_ended"
    | "user.refresh_reused"
    | "user.locked_out"
    | "user.lock_cleared"
    | "user.password_accepted"
    | "user.password_breached"
    | "user.password_changed"
    | "user.password_reset_asked"
    | "user.password_reset"
    | "user.email_verified"
    | "user.email_change_asked"
    | "user.email_changed"
    | "user.account_closed"
    | "user.stepped_up"
    | "user.identity_accepted"
    | "user.identity_connected"
    | "user.identity_removed"
    | "vault.open_failed"
    | "webhook_endpoint.created"
    | "webhook_endpoint.updated"
    | "webhook_endpoint.deleted"
    | "webhook_endpoint.enabled"
    | "webhook_endpoint.disabled"
    | "webhook_endpoint.secret_rotated"
    | "webhook_endpoint.secret_rotation_due"
    | "webhook_endpoint.tested"
    | "webhook_endpoint.replay_requested"
  )[];
};

export type WebhookEndpointWithSecret = {
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  /** The locations whose events it is sent; null: of all, and those of none. */
  readonly locationIds: readonly string[] | null;
  /** Whose rights it is sent events under. */
  readonly creatorId: string;
  readonly state: "enabled" | "disabled";
  readonly disabledBecause: "by-hand" | "gone" | "failing" | "creator-gone" | "creator-lacks-rights" | null;
  readonly disabledAt: string | null;
  /** When the secret was set; rotate one that is a year old. */
  readonly secretCreatedAt: string;
  /** 1 for the first secret, one more with each rotation. */
  readonly secretVersion: number;
  /** Until then deliveries are signed with the previous secret too. */
  readonly previousSecretUntil: string | null;
  /** Counts the changes; the ETag is made of it. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** In this one answer and nowhere else; a replay holds null. */
  readonly secret: string | null;
};

/** By resource and verb: what a call takes and what it answers. */
export interface Operations {
  accessAdvice: {
    /** Tell which capabilities a member, an API key or an OAuth client used in the last 30 days. */
    get: { input: { params: { principalId: string } }; answer: AccessAdvice };
  };
  account: {
    /** Delete your account; all sessions end, and what is personal of you here is erased. */
    close: { input: { idempotencyKey?: string }; answer: null };
  };
  alerts: {
    /** Say that somebody has seen to an alert; what happens after it is another one. */
    acknowledge: {
      input: { params: { alertId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Alert;
    };
    /** Read an alert. */
    get: { input: { params: { alertId: string } }; answer: Alert };
    /** List what the business was alerted of, newest first; of one kind. */
    list: {
      input: {
        query?: {
          limit?: number;
          cursor?: string;
          kind?:
            | "owner-changed"
            | "admin-added"
            | "rights-added"
            | "second-factor-off"
            | "policy-relaxed"
            | "sso-changed"
            | "key-leaked"
            | "key-elsewhere"
            | "support-session"
            | "lockouts"
            | "not-opened"
            | "impossible-travel"
            | "mass-reading"
            | "new-country"
            | "refusals"
            | "dormant-key"
            | "rotation-overdue";
        };
      };
      answer: AlertPage;
    };
  };
  apiCalls: {
    /** List API calls of the last 7 days, newest first; by actor, operation or status, and by time. */
    list: {
      input: {
        query?: {
          limit?: number;
          cursor?: string;
          actorId?: string;
          operation?: string;
          status?: number;
          from?: string;
          until?: string;
        };
      };
      answer: {
        readonly data: readonly ApiCall[];
        /** Where the next page begins; null on the last. */
        readonly nextCursor: string | null;
        readonly gap: CallLogGap;
      };
    };
    /** Count API calls by hour, actor, operation and status, newest hour first; kept 90 days. */
    usage: {
      input: {
        query?: {
          limit?: number;
          cursor?: string;
          actorId?: string;
          operation?: string;
          status?: number;
          from?: string;
          until?: string;
        };
      };
      answer: {
        readonly data: readonly HourlyUsage[];
        /** Where the next page begins; null on the last. */
        readonly nextCursor: string | null;
        readonly gap: CallLogGap;
      };
    };
  };
  apiKeys: {
    /** Create an API key; its text is shown once. */
    create: { input: { body: NewApiKey; idempotencyKey?: string }; answer: CreatedApiKey };
    /** Read an API key, with when and from where it was last used. */
    get: { input: { params: { apiKeyId: string } }; answer: ApiKey };
    /** Hand in a key that was found: it is revoked, and its owners are told. */
    leakedKey: { input: { body: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> }; answer: null };
    /** Read what an API key is held to instead of the plan's rate. */
    limit: { input: { params: { apiKeyId: string } }; answer: ApiKeyLimit };
    /** List API keys, newest first, with the revoked. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: ApiKeyPage };
    /** Hold an API key to the plan's rate again, at once. */
    removeLimit: { input: { params: { apiKeyId: string }; ifMatch?: string }; answer: null };
    /** Report that a key is where it should not be: it is revoked at once, and the owners are told. */
    reportLeak: {
      input: { params: { apiKeyId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: ApiKey;
    };
    /** Revoke an API key, at once and for good. */
    revoke: {
      input: { params: { apiKeyId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: ApiKey;
    };
    /** Make a key's successor, with the same terms; the old one goes on for an overlap. */
    rotate: {
      input: { params: { apiKeyId: string }; body: KeyRotation; idempotencyKey?: string; ifMatch?: string };
      answer: CreatedApiKey;
    };
    /** Hold an API key to less than the plan's rate until some moment, at once. */
    setLimit: {
      input: { params: { apiKeyId: string }; body: NewApiKeyLimit; ifMatch?: string };
      answer: ApiKeyLimit;
    };
  };
  audit: {
    /** Read the newest signed head of the audit's log. */
    checkpoint: { input: Record<never, never>; answer: AuditHead };
    /** List the heads that were published, one for each hour with changes, newest first. */
    checkpoints: { input: { query?: { limit?: number; cursor?: string } }; answer: AuditCheckpointPage };
    /** Prove that the log of one size continues that of an earlier one. */
    consistency: { input: { query: { earlier: number; size: number } }; answer: AuditConsistency };
    /** The public keys that heads of audit logs are signed with. */
    keys: { input: Record<never, never>; answer: AuditKeys };
    /** List the log's leaves, oldest first, beside the rows as they stand now. */
    leaves: { input: { query?: { limit?: number; cursor?: string } }; answer: AuditLeafPage };
    /** Read the audit trail, newest first; by actor, operation or entity, and by time. */
    list: {
      input: {
        query?: {
          limit?: number;
          cursor?: string;
          actorId?: string;
          operation?: string;
          entityId?: string;
          from?: string;
          until?: string;
        };
      };
      answer: AuditEntryPage;
    };
    /** Prove that an audit row is in the log, under its newest signed head. */
    proof: { input: { params: { auditId: string } }; answer: AuditProof };
    /** See how far the other stores are that get copies of the audit's log. */
    sinks: { input: Record<never, never>; answer: AuditSinks };
  };
  customerConsent: {
    /** Read what a customer agreed to share with other venues. */
    get: { input: { params: { customerId: string } }; answer: CustomerConsent };
    /** Record what a customer agreed to share with other venues, or agreed to anew. */
    give: {
      input: { params: { customerId: string }; body: ConsentGiven; ifMatch?: string };
      answer: CustomerConsent;
    };
    /** See what other venues share of the same person, where both have consent; each of them is told. */
    sharedProfiles: {
      input: { params: { customerId: string }; idempotencyKey?: string };
      answer: SharedProfiles;
    };
    /** Withdraw a customer's consent; nothing more is shared from here on. */
    withdraw: { input: { params: { customerId: string }; ifMatch?: string }; answer: null };
  };
  customerDietary: {
    /** Remove what is recorded of a customer's diet. */
    remove: { input: { params: { customerId: string }; ifMatch?: string }; answer: null };
    /** Reveal what is recorded of a customer's diet; the audit names the fields and who asked. */
    reveal: {
      input: { params: { customerId: string }; body: DietaryReveal; idempotencyKey?: string };
      answer: RevealedDietary;
    };
    /** Record what a customer cannot or will not eat. */
    update: {
      input: { params: { customerId: string }; body: DietaryPatch; ifMatch?: string };
      answer: DietaryReceipt;
    };
  };
  customers: {
    /** Add a customer. */
    create: { input: { body: NewCustomer; idempotencyKey?: string }; answer: Customer };
    /** Read a customer. */
    get: { input: { params: { customerId: string } }; answer: Customer };
    /** List customers, newest first, without the deleted. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: CustomerPage };
    /** Delete a customer so that they can be restored. */
    remove: { input: { params: { customerId: string }; ifMatch?: string }; answer: Customer };
    /** Restore a deleted customer. */
    restore: {
      input: { params: { customerId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Customer;
    };
    /** Find customers by the words of their name, or by exact e-mail or phone. */
    search: { input: { body: CustomerSearch }; answer: CustomerPage };
    /** Change a customer. */
    update: {
      input: { params: { customerId: string }; body: CustomerPatch; ifMatch?: string };
      answer: Customer;
    };
  };
  emailChanges: {
    /** Ask for another e-mail address; a link goes to it. */
    ask: { input: { body: EmailChange; idempotencyKey?: string }; answer: null };
    /** Take another e-mail address, by the link that was mailed to it and your password. */
    complete: { input: { body: EmailChangeCompletion }; answer: User };
  };
  events: {
    /** Read the events after a number, oldest first, for 30 days; what webhooks are sent from. */
    list: { input: { query?: { after?: number; limit?: number } }; answer: Events };
  };
  factors: {
    /** List your second factors. */
    list: { input: Record<never, never>; answer: Factors };
  };
  files: {
    /** Begin to upload a file in parts. */
    begin: { input: { params: { fileId: string }; body: NewParts; idempotencyKey?: string }; answer: File };
    /** Put the parts together; the file is ready once the whole has been checked. */
    complete: { input: { params: { fileId: string }; idempotencyKey?: string }; answer: File };
    /** Announce a file of an order or a customer; its bytes follow. */
    create: { input: { body: NewFile; idempotencyKey?: string }; answer: File };
    /** Download a file, or a range of it. */
    download: {
      input: {
        params: { fileId: string };
        query?: { disposition?: "inline" | "attachment" };
        range?: string;
        ifMatch?: string;
      };
      answer: Response;
    };
    /** Read what is known of a file. */
    get: { input: { params: { fileId: string } }; answer: File };
    /** List files, newest first, without the deleted; of one customer, order or document. */
    list: {
      input: {
        query?: {
          limit?: number;
          cursor?: string;
          customerId?: string;
          orderId?: string;
          documentId?: string;
        };
      };
      answer: FilePage;
    };
    /** List the parts that have arrived, by number. */
    parts: { input: { params: { fileId: string } }; answer: FileParts };
    /** Delete a file; a whole one can be restored for 30 days. */
    remove: { input: { params: { fileId: string }; ifMatch?: string }; answer: File };
    /** Restore a deleted file that was whole. */
    restore: {
      input: { params: { fileId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: File;
    };
    /** Announce the next version of a file; its bytes follow. */
    revise: {
      input: { params: { fileId: string }; body: NewFileVersion; idempotencyKey?: string };
      answer: File;
    };
    /** Rename a file, or attach it to another order of its customer. */
    update: { input: { params: { fileId: string }; body: FilePatch; ifMatch?: string }; answer: File };
    /** Upload a file's bytes in one go, up to 95 MB. */
    upload: {
      input: {
        params: { fileId: string };
        body: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>;
        contentDigest?: string;
      };
      answer: File;
    };
    /** Upload one part, up to 95 MB; the same again replaces it. */
    uploadPart: {
      input: {
        params: { fileId: string; number: string };
        body: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>;
        contentDigest?: string;
      };
      answer: FilePart;
    };
  };
  identities: {
    /** Begin to connect another issuer, to sign in with it from then on. */
    begin: { input: { body: IdentityConnection }; answer: FederatedSignInBegun };
    /** Connect another issuer by its answer. */
    connect: { input: { body: FederatedAnswer; idempotencyKey?: string }; answer: null };
    /** List whom you can sign in with besides a password. */
    list: { input: Record<never, never>; answer: ConnectedIdentities };
    /** Sign in with an issuer no more; your other sessions end. */
    remove: { input: { params: { identityId: string } }; answer: null };
  };
  invitations: {
    /** Invite somebody by mail to become a member; the link works for seven days, for that address alone. */
    create: { input: { body: NewInvitation; idempotencyKey?: string }; answer: Invitation };
    /** Read an invitation. */
    get: { input: { params: { invitationId: string } }; answer: Invitation };
    /** List who is invited and has not come yet, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: InvitationPage };
    /** Send an invitation again, for another seven days; the links of before open nothing any more. */
    resend: {
      input: { params: { invitationId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Invitation;
    };
    /** Take an invitation back; its link opens nothing from then on. */
    revoke: { input: { params: { invitationId: string }; ifMatch?: string }; answer: null };
  };
  ipAllowList: {
    /** Read from where people and programs are let in. */
    get: { input: Record<never, never>; answer: IpAllowList };
    /** Decide from where people and programs are let in, or try it first: it holds from their next request on. */
    update: { input: { body: IpAllowListChange }; answer: IpAllowListOutcome };
  };
  locations: {
    /** Add a location. */
    create: { input: { body: NewLocation; idempotencyKey?: string }; answer: Location };
    /** Read a location. */
    get: { input: { params: { locationId: string } }; answer: Location };
    /** List locations, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: LocationPage };
    /** Remove a location that nothing refers to. */
    remove: { input: { params: { locationId: string }; ifMatch?: string }; answer: null };
    /** Change a location. */
    update: {
      input: { params: { locationId: string }; body: LocationPatch; ifMatch?: string };
      answer: Location;
    };
  };
  mail: {
    /** Take in what Postmark tells of addresses: bounces, complaints, subscriptions. */
    postmark: { input: Record<never, never>; answer: null };
  };
  me: {
    /** Accept an invitation, as the account whose address it was sent to. */
    acceptInvitation: { input: { body: InvitationToken; idempotencyKey?: string }; answer: JoinedTenant };
    /** Change your password; your other sessions end. */
    changePassword: { input: { body: PasswordChange; idempotencyKey?: string }; answer: null };
    /** Read your account. */
    get: { input: Record<never, never>; answer: User };
    /** Leave a business, for good; it holds from your next request on. */
    leave: { input: { params: { tenantId: string } }; answer: null };
    /** Be told what you are invited to, by the link that was mailed. */
    lookAtInvitation: { input: { body: InvitationToken }; answer: InvitedTo };
    /** List the businesses that you are a member of. */
    tenants: { input: Record<never, never>; answer: UserMemberships };
  };
  members: {
    /** Explain step by step why a member may do something, or not. */
    access: { input: { params: { memberId: string }; query: { capability: string } }; answer: MemberAccess };
    /** List which second factors members have, the newest member first, and how many have one. */
    factorCoverage: {
      input: { query?: { limit?: number; cursor?: string } };
      answer: {
        readonly data: readonly MemberFactors[];
        /** Where the next page begins; null on the last. */
        readonly nextCursor: string | null;
        readonly summary: FactorCoverageSummary;
      };
    };
    /** Read a member, also one who was removed. */
    get: { input: { params: { memberId: string } }; answer: Member };
    /** List members, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: MemberPage };
    /** Let a suspended member do again what they were given. */
    reinstate: {
      input: { params: { memberId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Member;
    };
    /** Remove a member for good: they may do nothing here from their next request on. */
    remove: { input: { params: { memberId: string }; ifMatch?: string }; answer: null };
    /** Let a member do nothing here until they are reinstated; it holds from their next request on. */
    suspend: {
      input: { params: { memberId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Member;
    };
    /** Make another member an owner, in your place or beside you. */
    transferOwnership: {
      input: {
        params: { memberId: string };
        body: OwnershipTransfer;
        idempotencyKey?: string;
        ifMatch?: string;
      };
      answer: Member;
    };
    /** Change what a member may do, and where; it holds from their next request on. */
    update: { input: { params: { memberId: string }; body: MemberPatch; ifMatch?: string }; answer: Member };
  };
  oauthClients: {
    /** List which members allowed an OAuth client what, newest first. */
    consents: {
      input: { params: { oauthClientId: string }; query?: { limit?: number; cursor?: string } };
      answer: OAuthConsentPage;
    };
    /** Let a program in by OAuth 2.1; the secret of a confidential one is shown once. */
    create: { input: { body: NewOAuthClient; idempotencyKey?: string }; answer: OAuthClientWithSecret };
    /** Read an OAuth client. */
    get: { input: { params: { oauthClientId: string } }; answer: OAuthClient };
    /** List OAuth clients, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: OAuthClientPage };
    /** Remove an OAuth client; its tokens are refused at once, its members' consents are void. */
    remove: { input: { params: { oauthClientId: string }; ifMatch?: string }; answer: null };
    /** Take back what a member allowed an OAuth client; its tokens for them are refused at once. */
    revokeConsent: {
      input: { params: { oauthClientId: string; oauthConsentId: string }; ifMatch?: string };
      answer: null;
    };
    /** Make another secret for a confidential client; the old one is refused at once. */
    rotate: {
      input: { params: { oauthClientId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: OAuthClientWithSecret;
    };
    /** Change an OAuth client; by another name or address it is asked for anew, and what members allowed it ends where it may do less. */
    update: {
      input: { params: { oauthClientId: string }; body: OAuthClientPatch; ifMatch?: string };
      answer: OAuthClient;
    };
  };
  oauth: {
    /** Answer a client's authorization request, or be told what is asked. */
    authorize: { input: { body: AuthorizationRequest }; answer: AuthorizationOutcome };
    /** List the programs that you allowed something. */
    clients: { input: Record<never, never>; answer: ConnectedClients };
    /** Take back what you allowed a program; its tokens are refused at once. */
    disconnect: { input: { params: { clientId: string } }; answer: null };
    /** What a token of the client's business is good for (RFC 7662). */
    introspect: { input: { body: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> }; answer: Introspection };
    /** What this OpenID provider offers (OpenID Connect Discovery). */
    providerMetadata: { input: Record<never, never>; answer: OpenIdProvider };
    /** Revoke a token of the client, with the grant that it is of (RFC 7009). */
    revoke: { input: { body: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> }; answer: Revoked };
    /** What this authorization server offers (RFC 8414). */
    serverMetadata: { input: Record<never, never>; answer: AuthorizationServer };
    /** Exchange a code, a refresh token or a client's own secret for an access token (RFC 6749). */
    token: { input: { body: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> }; answer: OAuthTokens };
    /** Who the user is that a client acts for (OpenID Connect). */
    userinfo: { input: Record<never, never>; answer: UserInfo };
    /** Who the user is that a client acts for, asked by POST. */
    userinfoByPost: { input: Record<never, never>; answer: UserInfo };
  };
  orders: {
    /** Cancel an order that is not completed. */
    cancel: {
      input: { params: { orderId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Order;
    };
    /** Hand the work over. */
    complete: {
      input: { params: { orderId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Order;
    };
    /** Draft an order of a customer at a location. */
    create: { input: { body: NewOrder; idempotencyKey?: string }; answer: Order };
    /** Mark the work as ready. */
    finish: {
      input: { params: { orderId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Order;
    };
    /** Read an order with its lines. */
    get: { input: { params: { orderId: string } }; answer: Order };
    /** List orders, newest first; of one status, customer or location. */
    list: {
      input: {
        query?: {
          limit?: number;
          cursor?: string;
          status?: "draft" | "placed" | "in_production" | "ready" | "completed" | "cancelled";
          customerId?: string;
          locationId?: string;
        };
      };
      answer: OrderSummaryPage;
    };
    /** Place a draft. */
    place: {
      input: { params: { orderId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Order;
    };
    /** Start production. */
    start: {
      input: { params: { orderId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: Order;
    };
    /** Change a draft's lines or due date, or who does the work. */
    update: { input: { params: { orderId: string }; body: OrderPatch; ifMatch?: string }; answer: Order };
  };
  outsideIssuers: {
    /** Take in what an outside issuer tells of its members (Clerk's webhooks). */
    receive: { input: { params: { issuerName: string } }; answer: null };
  };
  passkeyChallenges: {
    /** Begin to prove yourself by a passkey. */
    create: { input: Record<never, never>; answer: PasskeyProofOptions };
  };
  passkeys: {
    /** Add a passkey; your other sessions end. */
    add: { input: { body: NewPasskey; idempotencyKey?: string }; answer: AddedPasskey };
    /** Begin to add a passkey. */
    begin: { input: { idempotencyKey?: string }; answer: PasskeyCreationOptions };
    /** Remove a passkey; your other sessions end, and with your last factor this one. */
    remove: { input: { params: { passkeyId: string } }; answer: null };
  };
  passwordResets: {
    /** Ask for a link to choose a new password. */
    ask: { input: { body: PasswordResetRequest }; answer: null };
    /** Choose a new password by the link that was mailed; every session ends. */
    complete: { input: { body: PasswordReset }; answer: null };
  };
  principal: {
    /** Read what your credentials may do here, and where. */
    get: { input: Record<never, never>; answer: EffectiveRights };
  };
  recoveryCodes: {
    /** Get a fresh set of recovery codes; those from before are dead. */
    renew: { input: { idempotencyKey?: string }; answer: RecoveryCodes };
  };
  roles: {
    /** Define a role of the business's own. */
    create: { input: { body: NewRole; idempotencyKey?: string }; answer: Role };
    /** Read a role of the business's own. */
    get: { input: { params: { roleId: string } }; answer: Role };
    /** List the roles: the fixed ones, and those of the business's own. */
    list: { input: Record<never, never>; answer: Roles };
    /** Remove a role that nobody has. */
    remove: { input: { params: { roleId: string }; ifMatch?: string }; answer: null };
    /** Change a role; what its members may do changes with their next request. */
    update: { input: { params: { roleId: string }; body: RolePatch; ifMatch?: string }; answer: Role };
  };
  sandbox: {
    /** Open the sandbox of your business, `<slug>-test`: a tenant of its own, which you own. */
    open: { input: { idempotencyKey?: string }; answer: Sandbox };
  };
  securityPolicy: {
    /** Read what is asked of how members sign in, and of keys. */
    get: { input: Record<never, never>; answer: SecurityPolicy };
    /** Decide what is asked of how members sign in, and of keys. */
    update: { input: { body: SecurityPolicyChange }; answer: SecurityPolicy };
  };
  sessions: {
    /** End one of your sessions. */
    end: { input: { params: { sessionId: string }; idempotencyKey?: string }; answer: null };
    /** End all your sessions but this one. */
    endOthers: { input: { idempotencyKey?: string }; answer: null };
    /** List where you are signed in, and were of late. */
    list: { input: Record<never, never>; answer: Sessions };
    /** End this session. */
    signOut: { input: { idempotencyKey?: string }; answer: null };
  };
  settings: {
    /** Read the settings. */
    get: { input: Record<never, never>; answer: Settings };
    /** Change the settings. */
    update: { input: { body: SettingsPatch; ifMatch?: string }; answer: Settings };
  };
  signInLocks: {
    /** Be let in again after wrong passwords, by the link that was mailed. */
    clear: { input: { body: SignInLockClearance }; answer: null };
  };
  signIn: {
    /** Begin to sign in at another issuer: Google, Apple, Microsoft, or a business's own. */
    federated: { input: { body: FederatedSignIn }; answer: FederatedSignInBegun };
    /** Sign in by the answer of another issuer. */
    federatedComplete: { input: { body: FederatedAnswer }; answer: Tokens };
    /** Go on with a sign-in at another issuer by the code that was mailed. */
    federatedEmail: { input: { body: EmailProof }; answer: Tokens };
    /** Sign in with a passkey. */
    passkey: { input: { body: PasskeySignIn }; answer: Tokens };
    /** Sign in with an e-mail address and a password. */
    password: { input: { body: SignIn }; answer: Tokens };
    /** List whom one can sign in with besides a password. */
    providers: { input: Record<never, never>; answer: SignInProviders };
    /** Go on with a sign-in by a recovery code; a fresh set is handed out. */
    recover: { input: { body: SignInRecovery }; answer: RecoveredTokens };
    /** Go on with a sign-in by the code of an authenticator app. */
    secondFactor: { input: { body: SecondFactor }; answer: Tokens };
    /** Go on with a sign-in by a passkey. */
    secondFactorPasskey: { input: { body: PasskeySecondFactor }; answer: Tokens };
    /** Go on with a sign-in by the code that was sent. */
    secondFactorSms: { input: { body: SmsSecondFactor }; answer: Tokens };
    /** Have a code sent by SMS, to go on with a sign-in. */
    sendSms: { input: { body: SignInSms }; answer: SmsCodeSent };
    /** Find the business's own sign-in for an address. */
    sso: { input: { body: SsoLookUp }; answer: SsoFound };
  };
  signUps: {
    /** Sign up: a link is mailed to the address. */
    create: { input: { body: SignUp }; answer: null };
    /** Confirm an address by the link that was mailed to it, and sign in. */
    verify: { input: { body: SignUpVerification }; answer: Tokens };
  };
  sms: {
    /** Begin to set up codes by SMS: one is sent to the number. */
    begin: { input: { body: NewSmsFactor; idempotencyKey?: string }; answer: SmsCodeSent };
    /** Confirm the number by the code that was sent to it; your other sessions end. */
    confirm: { input: { body: SmsConfirmation; idempotencyKey?: string }; answer: RecoveryCodes };
    /** Remove your number; your other sessions end, and with your last factor this one. */
    remove: { input: Record<never, never>; answer: null };
  };
  ssoConnections: {
    /** Let people sign in by an issuer (OpenID Connect), once a domain of theirs is verified. */
    create: { input: { body: NewSsoConnection; idempotencyKey?: string }; answer: SsoConnection };
    /** Read an issuer that people may sign in by. */
    get: { input: { params: { connectionId: string } }; answer: SsoConnection };
    /** List the issuers that people may sign in by, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: SsoConnectionPage };
    /** Remove an issuer that no domain signs in by. */
    remove: { input: { params: { connectionId: string }; ifMatch?: string }; answer: null };
    /** Change an issuer that people may sign in by; another issuer is given another secret. */
    update: {
      input: { params: { connectionId: string }; body: SsoConnectionPatch; ifMatch?: string };
      answer: SsoConnection;
    };
  };
  ssoDomains: {
    /** List a domain whose people shall sign in by a connection; the answer tells what DNS must say. */
    create: { input: { body: NewSsoDomain; idempotencyKey?: string }; answer: SsoDomain };
    /** Read a domain of single sign-on. */
    get: { input: { params: { domainId: string } }; answer: SsoDomain };
    /** List the domains of single sign-on, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: SsoDomainPage };
    /** Remove a domain: its people no longer sign in by the connection, and others may have it. */
    remove: { input: { params: { domainId: string }; ifMatch?: string }; answer: null };
    /** Have a domain's people sign in by its connection alone, or by another connection. */
    update: {
      input: { params: { domainId: string }; body: SsoDomainPatch; ifMatch?: string };
      answer: SsoDomain;
    };
    /** Ask DNS whether the domain's TXT record is there; from then on the business speaks for it. */
    verify: { input: { params: { domainId: string }; idempotencyKey?: string }; answer: SsoDomain };
  };
  stepUp: {
    /** Prove once more that it is you, for what asks for a recent proof. */
    prove: { input: { body: StepUp; idempotencyKey?: string }; answer: SteppedUp };
    /** Prove once more that it is you, by the code that was sent. */
    proveSms: { input: { body: SmsStepUp; idempotencyKey?: string }; answer: SteppedUp };
    /** Have a code sent by SMS, to prove once more that it is you. */
    sendSms: { input: { idempotencyKey?: string }; answer: SmsCodeSent };
  };
  supportGrants: {
    /** Allow those who run this deployment to look, and to do what you name, until some moment. */
    create: { input: { body: NewSupportGrant; idempotencyKey?: string }; answer: SupportGrant };
    /** End a grant, and with it each session that it let begin, at once. */
    end: {
      input: { params: { supportGrantId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: SupportGrant;
    };
    /** Read what support was allowed by a grant. */
    get: { input: { params: { supportGrantId: string } }; answer: SupportGrant };
    /** List what support was allowed here, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: SupportGrantPage };
  };
  supportSessions: {
    /** End an agent's session, from their next request on. */
    end: {
      input: { params: { supportSessionId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: SupportSession;
    };
    /** List who of support was here, newest first, with those who are. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: SupportSessionPage };
  };
  support: {
    /** Begin to help a business, as a support agent, as far as its grant goes; it sees that you are there. */
    begin: { input: { body: NewSupportVisit; idempotencyKey?: string }; answer: BegunSupportVisit };
    /** End a support session of yours, from its next request on. */
    end: { input: { params: { supportSessionId: string }; idempotencyKey?: string }; answer: null };
    /** List where you were as a support agent, and are, newest first. */
    list: { input: Record<never, never>; answer: SupportVisits };
    /** Get another access token of a support session of yours that goes on. */
    token: { input: { params: { supportSessionId: string } }; answer: SupportVisitToken };
  };
  system: {
    /** Is the Worker alive. */
    alive: {
      input: Record<never, never>;
      answer: {
        readonly ok: true;
      };
    };
    /** The public keys that access tokens are signed with (RFC 7517). */
    jwks: {
      input: Record<never, never>;
      answer: {
        readonly keys: readonly PublicJwk[];
      };
    };
    /** What a problem's type means. */
    problem: { input: { params: { type: string } }; answer: ProblemMeaning };
    /** Can it serve: bindings, keys, migrations, triggers. */
    ready: {
      input: Record<never, never>;
      answer: {
        readonly checks: readonly {
          readonly name: string;
          readonly ok: boolean;
        }[];
      };
    };
  };
  tenants: {
    /** Read the tenant: its plan, its cell and where each class of its data lies. */
    get: { input: Record<never, never>; answer: Tenant };
    /** Check a credential and its rate limit. */
    ping: { input: Record<never, never>; answer: Ping };
  };
  tokens: {
    /** Exchange a refresh token for an access token. */
    refresh: { input: { body: TokenRequest }; answer: Tokens };
  };
  totp: {
    /** Begin to set up an authenticator app. */
    begin: { input: { idempotencyKey?: string }; answer: NewTotp };
    /** Confirm an authenticator app by its first code; your other sessions end. */
    confirm: {
      input: { params: { totpId: string }; body: TotpConfirmation; idempotencyKey?: string };
      answer: RecoveryCodes;
    };
    /** Remove your authenticator app; your other sessions end, and with your last factor this one. */
    remove: { input: { params: { totpId: string } }; answer: null };
  };
  webhookEndpoints: {
    /** Have events sent to an address; the secret they are signed with is shown once. */
    create: {
      input: { body: NewWebhookEndpoint; idempotencyKey?: string };
      answer: WebhookEndpointWithSecret;
    };
    /** List what an endpoint was sent or waits to be sent, newest first; of one state. */
    deliveries: {
      input: {
        params: { webhookEndpointId: string };
        query?: { limit?: number; cursor?: string; state?: "pending" | "delivered" | "failed" };
      };
      answer: WebhookDeliveryPage;
    };
    /** Read a delivery with its tries, newest first. */
    delivery: {
      input: { params: { webhookEndpointId: string; deliveryId: string } };
      answer: WebhookDeliveryWithAttempts;
    };
    /** Send nothing more; what was not delivered yet counts as failed. */
    disable: {
      input: { params: { webhookEndpointId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: WebhookEndpoint;
    };
    /** Send events again, from now on and under the rights of who enables it; replay what was missed. */
    enable: {
      input: { params: { webhookEndpointId: string }; idempotencyKey?: string; ifMatch?: string };
      answer: WebhookEndpoint;
    };
    /** Read a webhook endpoint. */
    get: { input: { params: { webhookEndpointId: string } }; answer: WebhookEndpoint };
    /** List webhook endpoints, newest first. */
    list: { input: { query?: { limit?: number; cursor?: string } }; answer: WebhookEndpointPage };
    /** Remove a webhook endpoint; what was not delivered yet is dropped. */
    remove: { input: { params: { webhookEndpointId: string }; ifMatch?: string }; answer: null };
    /** Send again: one delivery, all that failed, or every event since a time. */
    replay: {
      input: { params: { webhookEndpointId: string }; body: NewReplay; idempotencyKey?: string };
      answer: Replay;
    };
    /** Sign with another secret; for a while the old one signs too. */
    rotate: {
      input: {
        params: { webhookEndpointId: string };
        body: SecretRotation;
        idempotencyKey?: string;
        ifMatch?: string;
      };
      answer: WebhookEndpointWithSecret;
    };
    /** Send a test event to this endpoint alone. */
    test: {
      input: { params: { webhookEndpointId: string }; idempotencyKey?: string };
      answer: WebhookEndpoint;
    };
    /** Change where events are sent or which; from then on they are sent under the rights of who changed it. */
    update: {
      input: { params: { webhookEndpointId: string }; body: WebhookEndpointPatch; ifMatch?: string };
      answer: WebhookEndpoint;
    };
  };
}

export type ProblemName =
  | "account-exists"
  | "address-has-consent"
  | "address-not-allowed"
  | "agent-is-no-member"
  | "already-a-member"
  | "already-invited"
  | "challenge-not-valid"
  | "conflict"
  | "connection-in-use"
  | "customer-deleted"
  | "customer-without-email"
  | "domain-not-proven"
  | "domain-taken"
  | "email-code-required"
  | "email-missing"
  | "endpoint-disabled"
  | "events-exceed-creator"
  | "federated-sign-in-failed"
  | "file-deleted"
  | "file-exceeds-plan"
  | "file-not-pending"
  | "file-not-ready"
  | "file-not-uploading"
  | "file-superseded"
  | "files-unfinished"
  | "forbidden"
  | "foreign-domain"
  | "https-required"
  | "idempotency-key-reused"
  | "identity-taken"
  | "in-progress"
  | "internal"
  | "invalid"
  | "invitation-for-another"
  | "invitation-not-valid"
  | "is-a-sandbox"
  | "key-not-active"
  | "last-owner"
  | "last-way-in"
  | "length-required"
  | "limit-exceeds-plan"
  | "link-not-valid"
  | "location-in-use"
  | "malformed-request"
  | "media-type-mismatch"
  | "member-above-you"
  | "no-password"
  | "not-found"
  | "order-not-editable"
  | "origin-not-allowed"
  | "owner-sign-in-required"
  | "owns-a-business"
  | "parts-mismatch"
  | "parts-missing"
  | "password-change-required"
  | "personal-data-masked"
  | "precondition-failed"
  | "range-not-satisfiable"
  | "rate-limited"
  | "rights-exceed-yours"
  | "role-in-use"
  | "role-name-taken"
  | "sandbox-not-available"
  | "scopes-exceed-creator"
  | "second-factor-enrolment-required"
  | "second-factor-required"
  | "session-limited"
  | "sha256-mismatch"
  | "sign-in-failed"
  | "signature-invalid"
  | "size-mismatch"
  | "sms-not-available"
  | "sms-not-enough"
  | "sso-full"
  | "sso-not-set-up"
  | "sso-required"
  | "step-up-required"
  | "subject-erased"
  | "support-not-granted"
  | "tenant-suspended"
  | "too-large"
  | "too-many-clients"
  | "too-many-endpoints"
  | "too-many-invitations"
  | "too-many-roles"
  | "too-many-sso-connections"
  | "too-many-sso-domains"
  | "too-many-support-sessions"
  | "too-many-texts"
  | "transition-not-allowed"
  | "unauthorized"
  | "unavailable"
  | "unsupported-media-type"
  | "upload-broken"
  | "upload-too-slow"
  | "upstream-failed"
  | "would-lock-you-out";

/** Where each operation is. */
export const routes = {
  accessAdvice: {
    get: { method: "GET", path: "/v1/tenants/{tenant}/access-advice/{principalId}" },
  },
  account: {
    close: { method: "POST", path: "/v1/me/close" },
  },
  alerts: {
    acknowledge: { method: "POST", path: "/v1/tenants/{tenant}/alerts/{alertId}/acknowledge" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/alerts/{alertId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/alerts" },
  },
  apiCalls: {
    list: { method: "GET", path: "/v1/tenants/{tenant}/api-calls" },
    usage: { method: "GET", path: "/v1/tenants/{tenant}/api-usage" },
  },
  apiKeys: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/api-keys" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/api-keys/{apiKeyId}" },
    leakedKey: { method: "POST", path: "/v1/leaked-keys", takes: "bytes" },
    limit: { method: "GET", path: "/v1/tenants/{tenant}/api-keys/{apiKeyId}/limit" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/api-keys" },
    removeLimit: { method: "DELETE", path: "/v1/tenants/{tenant}/api-keys/{apiKeyId}/limit" },
    reportLeak: { method: "POST", path: "/v1/tenants/{tenant}/api-keys/{apiKeyId}/report-leak" },
    revoke: { method: "POST", path: "/v1/tenants/{tenant}/api-keys/{apiKeyId}/revoke" },
    rotate: { method: "POST", path: "/v1/tenants/{tenant}/api-keys/{apiKeyId}/rotate" },
    setLimit: { method: "PUT", path: "/v1/tenants/{tenant}/api-keys/{apiKeyId}/limit" },
  },
  audit: {
    checkpoint: { method: "GET", path: "/v1/tenants/{tenant}/audit/checkpoint" },
    checkpoints: { method: "GET", path: "/v1/tenants/{tenant}/audit/checkpoints" },
    consistency: { method: "GET", path: "/v1/tenants/{tenant}/audit/consistency" },
    keys: { method: "GET", path: "/.well-known/audit-keys.json" },
    leaves: { method: "GET", path: "/v1/tenants/{tenant}/audit/leaves" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/audit" },
    proof: { method: "GET", path: "/v1/tenants/{tenant}/audit/{auditId}/proof" },
    sinks: { method: "GET", path: "/v1/tenants/{tenant}/audit/sinks" },
  },
  customerConsent: {
    get: { method: "GET", path: "/v1/tenants/{tenant}/customers/{customerId}/consent" },
    give: { method: "PUT", path: "/v1/tenants/{tenant}/customers/{customerId}/consent" },
    sharedProfiles: { method: "POST", path: "/v1/tenants/{tenant}/customers/{customerId}/shared-profiles" },
    withdraw: { method: "DELETE", path: "/v1/tenants/{tenant}/customers/{customerId}/consent" },
  },
  customerDietary: {
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/customers/{customerId}/dietary" },
    reveal: { method: "POST", path: "/v1/tenants/{tenant}/customers/{customerId}/dietary/reveal" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/customers/{customerId}/dietary" },
  },
  customers: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/customers" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/customers/{customerId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/customers" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/customers/{customerId}" },
    restore: { method: "POST", path: "/v1/tenants/{tenant}/customers/{customerId}/restore" },
    search: { method: "POST", path: "/v1/tenants/{tenant}/customers/search" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/customers/{customerId}" },
  },
  emailChanges: {
    ask: { method: "POST", path: "/v1/me/email" },
    complete: { method: "POST", path: "/v1/email-changes/complete" },
  },
  events: {
    list: { method: "GET", path: "/v1/tenants/{tenant}/events" },
  },
  factors: {
    list: { method: "GET", path: "/v1/me/factors" },
  },
  files: {
    begin: { method: "POST", path: "/v1/tenants/{tenant}/files/{fileId}/parts" },
    complete: { method: "POST", path: "/v1/tenants/{tenant}/files/{fileId}/complete" },
    create: { method: "POST", path: "/v1/tenants/{tenant}/files" },
    download: { method: "GET", path: "/v1/tenants/{tenant}/files/{fileId}/content", gives: "bytes" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/files/{fileId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/files" },
    parts: { method: "GET", path: "/v1/tenants/{tenant}/files/{fileId}/parts" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/files/{fileId}" },
    restore: { method: "POST", path: "/v1/tenants/{tenant}/files/{fileId}/restore" },
    revise: { method: "POST", path: "/v1/tenants/{tenant}/files/{fileId}/versions" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/files/{fileId}" },
    upload: { method: "PUT", path: "/v1/tenants/{tenant}/files/{fileId}/content", takes: "bytes" },
    uploadPart: { method: "PUT", path: "/v1/tenants/{tenant}/files/{fileId}/parts/{number}", takes: "bytes" },
  },
  identities: {
    begin: { method: "POST", path: "/v1/me/identity-connections" },
    connect: { method: "POST", path: "/v1/me/identities" },
    list: { method: "GET", path: "/v1/me/identities" },
    remove: { method: "DELETE", path: "/v1/me/identities/{identityId}" },
  },
  invitations: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/invitations" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/invitations/{invitationId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/invitations" },
    resend: { method: "POST", path: "/v1/tenants/{tenant}/invitations/{invitationId}/resend" },
    revoke: { method: "DELETE", path: "/v1/tenants/{tenant}/invitations/{invitationId}" },
  },
  ipAllowList: {
    get: { method: "GET", path: "/v1/tenants/{tenant}/ip-allow-list" },
    update: { method: "PUT", path: "/v1/tenants/{tenant}/ip-allow-list" },
  },
  locations: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/locations" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/locations/{locationId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/locations" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/locations/{locationId}" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/locations/{locationId}" },
  },
  mail: {
    postmark: { method: "POST", path: "/mail/postmark" },
  },
  me: {
    acceptInvitation: { method: "POST", path: "/v1/me/invitations" },
    changePassword: { method: "POST", path: "/v1/me/password" },
    get: { method: "GET", path: "/v1/me" },
    leave: { method: "DELETE", path: "/v1/me/tenants/{tenantId}" },
    lookAtInvitation: { method: "POST", path: "/v1/me/invitations/look" },
    tenants: { method: "GET", path: "/v1/me/tenants" },
  },
  members: {
    access: { method: "GET", path: "/v1/tenants/{tenant}/members/{memberId}/access" },
    factorCoverage: { method: "GET", path: "/v1/tenants/{tenant}/members/factor-coverage" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/members/{memberId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/members" },
    reinstate: { method: "POST", path: "/v1/tenants/{tenant}/members/{memberId}/reinstate" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/members/{memberId}" },
    suspend: { method: "POST", path: "/v1/tenants/{tenant}/members/{memberId}/suspend" },
    transferOwnership: { method: "POST", path: "/v1/tenants/{tenant}/members/{memberId}/ownership" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/members/{memberId}" },
  },
  oauthClients: {
    consents: { method: "GET", path: "/v1/tenants/{tenant}/oauth-clients/{oauthClientId}/consents" },
    create: { method: "POST", path: "/v1/tenants/{tenant}/oauth-clients" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/oauth-clients/{oauthClientId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/oauth-clients" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/oauth-clients/{oauthClientId}" },
    revokeConsent: {
      method: "DELETE",
      path: "/v1/tenants/{tenant}/oauth-clients/{oauthClientId}/consents/{oauthConsentId}",
    },
    rotate: { method: "POST", path: "/v1/tenants/{tenant}/oauth-clients/{oauthClientId}/rotate-secret" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/oauth-clients/{oauthClientId}" },
  },
  oauth: {
    authorize: { method: "POST", path: "/v1/me/oauth-authorizations" },
    clients: { method: "GET", path: "/v1/me/oauth-clients" },
    disconnect: { method: "DELETE", path: "/v1/me/oauth-clients/{clientId}" },
    introspect: { method: "POST", path: "/oauth/introspect", takes: "bytes" },
    providerMetadata: { method: "GET", path: "/.well-known/openid-configuration" },
    revoke: { method: "POST", path: "/oauth/revoke", takes: "bytes" },
    serverMetadata: { method: "GET", path: "/.well-known/oauth-authorization-server" },
    token: { method: "POST", path: "/oauth/token", takes: "bytes" },
    userinfo: { method: "GET", path: "/oauth/userinfo" },
    userinfoByPost: { method: "POST", path: "/oauth/userinfo" },
  },
  orders: {
    cancel: { method: "POST", path: "/v1/tenants/{tenant}/orders/{orderId}/cancel" },
    complete: { method: "POST", path: "/v1/tenants/{tenant}/orders/{orderId}/complete" },
    create: { method: "POST", path: "/v1/tenants/{tenant}/orders" },
    finish: { method: "POST", path: "/v1/tenants/{tenant}/orders/{orderId}/finish" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/orders/{orderId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/orders" },
    place: { method: "POST", path: "/v1/tenants/{tenant}/orders/{orderId}/place" },
    start: { method: "POST", path: "/v1/tenants/{tenant}/orders/{orderId}/start" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/orders/{orderId}" },
  },
  outsideIssuers: {
    receive: { method: "POST", path: "/issuers/{issuerName}/webhooks" },
  },
  passkeyChallenges: {
    create: { method: "POST", path: "/v1/passkey-challenges" },
  },
  passkeys: {
    add: { method: "POST", path: "/v1/me/factors/passkeys" },
    begin: { method: "POST", path: "/v1/me/factors/passkeys/options" },
    remove: { method: "DELETE", path: "/v1/me/factors/passkeys/{passkeyId}" },
  },
  passwordResets: {
    ask: { method: "POST", path: "/v1/password-resets" },
    complete: { method: "POST", path: "/v1/password-resets/complete" },
  },
  principal: {
    get: { method: "GET", path: "/v1/tenants/{tenant}/me" },
  },
  recoveryCodes: {
    renew: { method: "POST", path: "/v1/me/factors/recovery-codes" },
  },
  roles: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/roles" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/roles/{roleId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/roles" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/roles/{roleId}" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/roles/{roleId}" },
  },
  sandbox: {
    open: { method: "POST", path: "/v1/tenants/{tenant}/sandbox" },
  },
  securityPolicy: {
    get: { method: "GET", path: "/v1/tenants/{tenant}/security-policy" },
    update: { method: "PUT", path: "/v1/tenants/{tenant}/security-policy" },
  },
  sessions: {
    end: { method: "POST", path: "/v1/me/sessions/{sessionId}/end" },
    endOthers: { method: "POST", path: "/v1/me/sessions/end-others" },
    list: { method: "GET", path: "/v1/me/sessions" },
    signOut: { method: "POST", path: "/v1/me/sign-out" },
  },
  settings: {
    get: { method: "GET", path: "/v1/tenants/{tenant}/settings" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/settings" },
  },
  signInLocks: {
    clear: { method: "POST", path: "/v1/sign-in-locks/clear" },
  },
  signIn: {
    federated: { method: "POST", path: "/v1/sign-in/federated" },
    federatedComplete: { method: "POST", path: "/v1/sign-in/federated/complete" },
    federatedEmail: { method: "POST", path: "/v1/sign-in/federated/email" },
    passkey: { method: "POST", path: "/v1/sign-in/passkey" },
    password: { method: "POST", path: "/v1/sign-in" },
    providers: { method: "GET", path: "/v1/sign-in/providers" },
    recover: { method: "POST", path: "/v1/sign-in/recovery" },
    secondFactor: { method: "POST", path: "/v1/sign-in/second-factor" },
    secondFactorPasskey: { method: "POST", path: "/v1/sign-in/second-factor/passkey" },
    secondFactorSms: { method: "POST", path: "/v1/sign-in/second-factor/sms/verify" },
    sendSms: { method: "POST", path: "/v1/sign-in/second-factor/sms" },
    sso: { method: "POST", path: "/v1/sign-in/sso" },
  },
  signUps: {
    create: { method: "POST", path: "/v1/sign-ups" },
    verify: { method: "POST", path: "/v1/sign-ups/verify" },
  },
  sms: {
    begin: { method: "POST", path: "/v1/me/factors/sms" },
    confirm: { method: "POST", path: "/v1/me/factors/sms/confirm" },
    remove: { method: "DELETE", path: "/v1/me/factors/sms" },
  },
  ssoConnections: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/sso-connections" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/sso-connections/{connectionId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/sso-connections" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/sso-connections/{connectionId}" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/sso-connections/{connectionId}" },
  },
  ssoDomains: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/sso-domains" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/sso-domains/{domainId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/sso-domains" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/sso-domains/{domainId}" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/sso-domains/{domainId}" },
    verify: { method: "POST", path: "/v1/tenants/{tenant}/sso-domains/{domainId}/verify" },
  },
  stepUp: {
    prove: { method: "POST", path: "/v1/me/step-up" },
    proveSms: { method: "POST", path: "/v1/me/step-up/sms/verify" },
    sendSms: { method: "POST", path: "/v1/me/step-up/sms" },
  },
  supportGrants: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/support-grants" },
    end: { method: "POST", path: "/v1/tenants/{tenant}/support-grants/{supportGrantId}/end" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/support-grants/{supportGrantId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/support-grants" },
  },
  supportSessions: {
    end: { method: "POST", path: "/v1/tenants/{tenant}/support-sessions/{supportSessionId}/end" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/support-sessions" },
  },
  support: {
    begin: { method: "POST", path: "/v1/me/support-sessions" },
    end: { method: "POST", path: "/v1/me/support-sessions/{supportSessionId}/end" },
    list: { method: "GET", path: "/v1/me/support-sessions" },
    token: { method: "POST", path: "/v1/me/support-sessions/{supportSessionId}/token" },
  },
  system: {
    alive: { method: "GET", path: "/healthz" },
    jwks: { method: "GET", path: "/.well-known/jwks.json" },
    problem: { method: "GET", path: "/problems/{type}" },
    ready: { method: "GET", path: "/readyz" },
  },
  tenants: {
    get: { method: "GET", path: "/v1/tenants/{tenant}" },
    ping: { method: "GET", path: "/v1/tenants/{tenant}/ping" },
  },
  tokens: {
    refresh: { method: "POST", path: "/v1/tokens" },
  },
  totp: {
    begin: { method: "POST", path: "/v1/me/factors/totp" },
    confirm: { method: "POST", path: "/v1/me/factors/totp/{totpId}/confirm" },
    remove: { method: "DELETE", path: "/v1/me/factors/totp/{totpId}" },
  },
  webhookEndpoints: {
    create: { method: "POST", path: "/v1/tenants/{tenant}/webhook-endpoints" },
    deliveries: {
      method: "GET",
      path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}/deliveries",
    },
    delivery: {
      method: "GET",
      path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}/deliveries/{deliveryId}",
    },
    disable: { method: "POST", path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}/disable" },
    enable: { method: "POST", path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}/enable" },
    get: { method: "GET", path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}" },
    list: { method: "GET", path: "/v1/tenants/{tenant}/webhook-endpoints" },
    remove: { method: "DELETE", path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}" },
    replay: { method: "POST", path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}/replays" },
    rotate: {
      method: "POST",
      path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}/rotate-secret",
    },
    test: { method: "POST", path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}/test" },
    update: { method: "PATCH", path: "/v1/tenants/{tenant}/webhook-endpoints/{webhookEndpointId}" },
  },
} as const;
