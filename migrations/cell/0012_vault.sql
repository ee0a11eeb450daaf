-- A person whose key was destroyed. The row outlives the key, so that an older copy of this database can be brought to
-- where it stood, and nothing is sealed for them again.

create table subject_tombstones (
  tenant_id text not null,
  subject_id text not null,
  destroyed_at text not null,
  primary key (tenant_id, subject_id)
) strict, without rowid;

create trigger subject_keys_refuse_destroyed before insert on subject_keys
when exists (select 1 from subject_tombstones where tenant_id = NEW.tenant_id and subject_id = NEW.subject_id)
begin
  select raise(abort, 'subject-erased');
end;

create trigger subject_tombstones_refuse_update before update on subject_tombstones
begin
  select raise(abort, 'tombstones-are-append-only');
end;

create trigger subject_tombstones_refuse_delete before delete on subject_tombstones
begin
  select raise(abort, 'tombstones-are-append-only');
end;

create trigger subject_tombstones_refuse_replace before insert on subject_tombstones
when exists (select 1 from subject_tombstones where tenant_id = NEW.tenant_id and subject_id = NEW.subject_id)
begin
  select raise(abort, 'tombstones-are-append-only');
end;

-- Finds what an older key-encryption key wraps: an envelope begins with the id of its key.
create index tenant_keys_by_wrap on tenant_keys (wrapped, tenant_id);

-- When a tenant's keys were last looked at, and at most how often one has sealed: the counters at its making, and since.
alter table tenant_keys add column checked_at text not null default '';
alter table tenant_keys add column uses_from integer not null default 0;
alter table tenant_keys add column uses integer not null default 0;

create index tenant_keys_by_check on tenant_keys (checked_at, tenant_id);

-- How far the move of a tenant's wraps, secrets and index tokens to its newest key has come.
create table key_rotations (
  tenant_id text not null,
  key_id text not null,
  step text not null,
  position text not null,
  moved integer not null default 0,
  started_at text not null,
  finished_at text,
  primary key (tenant_id, key_id)
) strict, without rowid;

create unique index key_rotations_pending on key_rotations (tenant_id) where finished_at is null;
