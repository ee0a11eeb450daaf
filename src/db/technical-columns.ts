import type { TechnicalTable } from "./technical-tables.ts";

/**
 * What keeps a column. person, tenant, kek: AES-256-GCM under that key; person-or-tenant, person-or-plain: under the
 * person's where it tells of one (else in the second under the tenant's where it may tell a secret); as-copied: holds
 * what the columns of its origin hold; one-way: an HMAC; plain: the platform's own encryption at rest, and no other.
 */
export type Keeping =
  | "person"
  | "tenant"
  | "person-or-tenant"
  | "kek"
  | "person-or-plain"
  | "as-copied"
  | "one-way"
  | "plain";

/** The kinds of databases there are. */
export type DatabaseKind = "directory" | "cell" | "log";

export interface TechnicalColumns {
  readonly lies: readonly DatabaseKind[];
  readonly columns: Readonly<Record<string, Keeping>>;
}

const everywhere = ["directory", "cell"] as const;

/**
 * How each column of the tables that no tenantTable() declares is kept. What fills them seals by itself: whoever changes
 * the one changes the other, and a test holds both to the rows.
 */
export const technicalColumns = {
  tenant_state: { lies: everywhere, columns: plain("tenant_id", "state", "epoch") },
  tenant_keys: {
    lies: everywhere,
    columns: {
      ...plain("tenant_id", "id"),
      wrapped: "kek",
      ...plain("created_at", "checked_at", "uses_from", "uses"),
    },
  },
  subject_keys: {
    lies: everywhere,
    columns: { ...plain("tenant_id", "subject_id", "id"), wrapped: "tenant", ...plain("created_at") },
  },
  subject_tombstones: { lies: everywhere, columns: plain("tenant_id", "subject_id", "destroyed_at") },
  key_rotations: {
    lies: everywhere,
    columns: plain("tenant_id", "key_id", "step", "position", "moved", "started_at", "finished_at"),
  },
  counters: { lies: everywhere, columns: plain("tenant_id", "name", "value", "logged", "alerted") },
  audit_checkpoints: { lies: everywhere, columns: plain("tenant_id", "size", "note", "created_at") },
  audit_sink_progress: {
    lies: everywhere,
    columns: {
      ...plain("tenant_id", "sink", "size", "next_size", "next_files"),
      ...plain("behind_since", "due_at", "failed_since", "fault"),
    },
  },
  commits: { lies: everywhere, columns: plain("tenant_id", "id", "assigned", "created_at") },
  idempotency: {
    lies: everywhere,
    columns: {
      ...plain("tenant_id", "principal_id", "operation"),
      key_token: "one-way",
      fingerprint: "one-way",
      ...plain("commit_id", "intent_id", "status"),
      answer: "person-or-plain",
      ...plain("subject_id", "created_at", "expires_at"),
    },
  },
  intents: {
    lies: everywhere,
    columns: {
      ...plain("tenant_id", "id", "operation", "principal_id", "request_id", "state", "intent"),
      idempotency_token: "one-way",
      ...plain("agent", "attempts", "due_at", "created_at"),
    },
  },
  events: {
    lies: everywhere,
    columns: {
      ...plain("tenant_id", "seq", "id", "type", "data", "location_id", "assignee_id"),
      ...plain("actor_kind", "actor_id", "actor_chain", "support_grant_id"),
      ...plain("request_id", "created_at", "dispatched_at"),
    },
  },
  audit_log: {
    lies: everywhere,
    columns: {
      ...plain("tenant_id", "seq", "id", "operation", "action", "entity", "entity_id"),
      row: "as-copied",
      ...plain("changed", "location_id", "assignee_id"),
      ...plain("actor_kind", "actor_id", "actor_chain", "support_grant_id", "request_id"),
      caller: "person",
      ...plain("created_at"),
    },
  },
  purge_permits: { lies: everywhere, columns: plain("tenant_id", "upto_seq", "reason", "created_at") },
  webhook_queues: {
    lies: ["cell"],
    columns: plain(
      "tenant_id",
      "endpoint_id",
      "next_due_at",
      "paused_until",
      "lease",
      "leased_until",
      "failing_since",
    ),
  },
  webhook_bodies: {
    lies: ["cell"],
    columns: {
      ...plain("tenant_id", "event_seq"),
      body: "person-or-tenant",
      ...plain("subject_id", "created_at"),
    },
  },
  webhook_deliveries: {
    lies: ["cell"],
    columns: {
      ...plain("tenant_id", "id", "endpoint_id", "event_seq", "event_id", "event_type", "state", "due_at"),
      ...plain("tries", "failures", "outcome", "replay_seq", "settled_at", "created_at"),
    },
  },
  ended_sessions: {
    lies: ["cell"],
    columns: plain("tenant_id", "member_id", "session_id", "kept_until"),
  },
  last_uses: {
    lies: ["cell"],
    columns: { ...plain("tenant_id", "principal_id", "used_at"), origin: "person" },
  },
  member_factors: {
    lies: ["cell"],
    columns: plain(
      "tenant_id",
      "member_id",
      "totp",
      "passkey_count",
      "sms",
      "recovery_codes_left",
      "copied_at",
    ),
  },
  oauth_grants: {
    lies: ["cell"],
    columns: {
      ...plain("tenant_id", "id", "client_id", "member_id", "user_id", "session_id", "scope"),
      ...plain("redirect_uri", "code_challenge", "nonce", "proved_at", "strong_at", "methods"),
      ...plain("state", "generation", "created_at", "expires_at"),
    },
  },
  session_refreshes: {
    lies: ["directory"],
    columns: plain("tenant_id", "session_id", "generation", "refreshed_at"),
  },
  webhook_attempts: {
    lies: ["cell"],
    columns: {
      ...plain("tenant_id", "id", "delivery_id", "outcome", "status", "duration_ms"),
      excerpt: "person-or-tenant",
      ...plain("created_at"),
    },
  },
  search_rows: { lies: ["cell"], columns: plain("number", "tenant_id", "entity", "entity_id") },
  search_index: { lies: ["cell"], columns: { tokens: "one-way" } },
  commit_guard: { lies: everywhere, columns: plain("code") },
  calls: {
    lies: ["log"],
    columns: {
      ...plain("tenant_id", "id", "actor_id", "operation", "route", "status", "problem"),
      ...plain("duration_ms", "times"),
    },
  },
  call_counts: {
    lies: ["log"],
    columns: plain("tenant_id", "hour", "actor_id", "operation", "status", "calls"),
  },
  gate_counts: { lies: ["log"], columns: plain("tenant_id", "hour", "actor_id", "calls") },
  capability_uses: { lies: ["log"], columns: plain("tenant_id", "actor_id", "capability", "last_day") },
  capability_use_starts: { lies: ["log"], columns: plain("tenant_id", "since") },
  call_hours: { lies: ["log"], columns: plain("tenant_id", "hour", "logged", "archived", "purged") },
} as const satisfies Readonly<Record<TechnicalTable | "search_index" | "commit_guard", TechnicalColumns>>;

function plain<C extends string>(...columns: readonly C[]): Readonly<Record<C, "plain">> {
  // Exactly the names that were given, each once.
  return Object.fromEntries(columns.map((column) => [column, "plain"])) as Record<C, "plain">;
}
