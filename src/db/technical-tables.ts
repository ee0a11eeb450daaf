/**
 * Tables without an audit row of their own, and why. Each belongs to a tenant by its first column all the same, so the
 * firewall asks for `tenant_id = ?` on them as on any other.
 */
export const technicalTables = {
  tenant_state:
    "the state and epoch that every statement is guarded by; its causes are audited where they happen",
  tenant_keys: "wrapped keys; made and rewrapped by the vault, which audits its runs",
  subject_keys: "wrapped keys; made with their subject's row, destroyed by the vault",
  subject_tombstones: "whose key was destroyed; written beside the audit row that says so",
  key_rotations: "how far the vault has come, which audits its runs",
  session_refreshes:
    "which of its refresh tokens a session is at; made and ended with the session, which is audited",
  ended_sessions:
    "whose tokens the gates refuse until the last of them has expired; written beside an audit row",
  oauth_grants:
    "what an OAuth client was let in by, a minute or some weeks long; its making, use and end are notes beside it",
  member_factors:
    "a copy of which factors a member has; written beside an audit row, kept as long as the member",
  counters:
    "numbers handed out inside other commits, and how far the directory's events were copied to cells",
  commits: "tells after a lost connection whether a batch was committed; kept 31 days",
  idempotency: "answers to replay; kept until they expire",
  intents: "effects under way; kept 30 days after they settled",
  events: "the outbox, itself written beside an audit row",
  audit_log: "the audit itself",
  audit_checkpoints:
    "heads of the audit's tree, which a bucket keeps as well; kept 400 days, and 800 for a sink that lacks them",
  audit_sink_progress: "how far other stores have copies of the audit's log; kept while they are configured",
  purge_permits: "no row yet: whatever writes one writes an audit row of it, which verify-audit asks for",
  webhook_queues: "when an endpoint is next tried and who tries it: ids and times alone",
  webhook_bodies: "what is sent of an event, rendered and sealed; kept 45 days",
  webhook_deliveries: "which endpoint an event is sent to and how far it got; kept 30 days",
  webhook_attempts: "one row for each try of a delivery; kept 30 days",
  last_uses: "when and from where a principal last came in, by its gate; kept 400 days",
  search_rows: "maps an entity to its row of the blind index",
  calls: "the call log, best effort and no audit; kept 7 days",
  call_counts: "the call log by the hour; kept 90 days",
  gate_counts: "how many calls there should be in the log; kept 90 days",
  capability_uses: "on which day each principal last used which capability; kept 90 days",
  capability_use_starts: "from when on that is written; one row, kept as long as the tenant",
  call_hours: "what of the call log is to be archived or deleted; kept 90 days",
} as const;

export type TechnicalTable = keyof typeof technicalTables;

export function isTechnicalTable(name: string): name is TechnicalTable {
  return Object.hasOwn(technicalTables, name);
}

/** Tables without a tenant column: one stores nothing, the other holds only tokens and is joined back by search_rows. */
export const tenantlessTables: readonly string[] = ["commit_guard", "search_index"];
