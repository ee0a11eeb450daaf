-- What every write passes through, as in a cell: the directory is one more owner of rows, with tenant_id 'platform'.

create table tenant_state (
  tenant_id text not null primary key,
  state text not null check (state in ('active', 'frozen', 'closing')),
  epoch integer not null default 1
) strict, without rowid;

create table tenant_keys (
  tenant_id text not null,
  id text not null,
  wrapped text not null,
  created_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table subject_keys (
  tenant_id text not null,
  subject_id text not null,
  id text not null,
  wrapped text not null,
  created_at text not null,
  primary key (tenant_id, subject_id)
) strict, without rowid;

create table counters (
  tenant_id text not null,
  name text not null,
  value integer not null default 0,
  primary key (tenant_id, name)
) strict, without rowid;

-- A guard is an insert whose SELECT yields a row exactly when its condition fails, so nothing is ever stored.
create table commit_guard (code text not null) strict;

create trigger commit_guard_raises before insert on commit_guard
begin
  select raise(abort, NEW.code);
end;

create table commits (
  tenant_id text not null,
  id text not null,
  assigned text,
  created_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index commits_by_age on commits (created_at, tenant_id);

create table idempotency (
  tenant_id text not null,
  principal_id text not null,
  operation text not null,
  key_token text not null,
  fingerprint text not null,
  commit_id text not null,
  intent_id text,
  status integer,
  answer text,
  subject_id text,
  created_at text not null,
  expires_at text not null,
  primary key (tenant_id, principal_id, operation, key_token)
) strict, without rowid;

create index idempotency_by_expiry on idempotency (expires_at, tenant_id);

create trigger idempotency_forgets_the_expired before insert on idempotency
begin
  delete from idempotency where tenant_id = NEW.tenant_id and principal_id = NEW.principal_id and operation = NEW.operation and key_token = NEW.key_token and expires_at <= NEW.created_at;
end;

create table intents (
  tenant_id text not null,
  id text not null,
  operation text not null,
  principal_id text not null,
  request_id text not null,
  state text not null check (state in ('intended', 'settled', 'abandoned')),
  intent text not null,
  idempotency_token text,
  attempts integer not null default 0,
  due_at text not null,
  created_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index intents_due on intents (due_at, tenant_id, id) where state = 'intended';
create index intents_by_age on intents (created_at, tenant_id) where state <> 'intended';

create table events (
  tenant_id text not null,
  seq integer not null,
  id text not null,
  type text not null,
  data text not null,
  location_id text,
  assignee_id text,
  actor_kind text not null,
  actor_id text not null,
  actor_chain text,
  support_grant_id text,
  request_id text not null,
  created_at text not null,
  dispatched_at text,
  primary key (tenant_id, seq),
  unique (tenant_id, id)
) strict, without rowid;

create index events_pending on events (tenant_id, seq) where dispatched_at is null;
create index events_pending_by_age on events (created_at, tenant_id) where dispatched_at is null;
create index events_dispatched_by_age on events (created_at, tenant_id) where dispatched_at is not null;

create table audit_log (
  tenant_id text not null,
  seq integer not null,
  id text not null,
  operation text not null,
  action text not null,
  entity text not null,
  entity_id text not null,
  row text not null,
  changed text,
  location_id text,
  assignee_id text,
  actor_kind text not null,
  actor_id text not null,
  actor_chain text,
  support_grant_id text,
  request_id text not null,
  caller text,
  created_at text not null,
  primary key (tenant_id, seq),
  unique (tenant_id, id)
) strict, without rowid;

create index audit_log_by_actor on audit_log (tenant_id, actor_id, created_at, seq);
create index audit_log_by_operation on audit_log (tenant_id, operation, created_at, seq);
create index audit_log_by_entity on audit_log (tenant_id, entity_id, created_at, seq);
create index audit_log_by_time on audit_log (tenant_id, created_at, seq);

create table purge_permits (
  tenant_id text not null,
  upto_seq integer not null,
  reason text not null,
  created_at text not null,
  primary key (tenant_id, upto_seq)
) strict, without rowid;

create trigger audit_log_refuses_update before update on audit_log
begin
  select raise(abort, 'audit-is-append-only');
end;

create trigger audit_log_refuses_delete before delete on audit_log
when not exists (select 1 from purge_permits where tenant_id = OLD.tenant_id and upto_seq >= OLD.seq)
begin
  select raise(abort, 'audit-is-append-only');
end;

create trigger audit_log_refuses_replace before insert on audit_log
when exists (select 1 from audit_log where tenant_id = NEW.tenant_id and (seq = NEW.seq or id = NEW.id))
begin
  select raise(abort, 'audit-is-append-only');
end;

create trigger purge_permits_refuse_update before update on purge_permits
begin
  select raise(abort, 'purge-permits-are-append-only');
end;

create trigger purge_permits_refuse_delete before delete on purge_permits
begin
  select raise(abort, 'purge-permits-are-append-only');
end;

create trigger purge_permits_refuse_replace before insert on purge_permits
when exists (select 1 from purge_permits where tenant_id = NEW.tenant_id and upto_seq = NEW.upto_seq)
begin
  select raise(abort, 'purge-permits-are-append-only');
end;
