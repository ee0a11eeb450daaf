-- The transparency log over the platform's own audit, and the keys that sign the heads of every log.

alter table counters add column logged integer not null default 0;

create index counters_unlogged on counters (tenant_id) where name = 'audit' and value > logged;

create table audit_checkpoints (
  tenant_id text not null,
  size integer not null,
  note text not null,
  created_at text not null,
  primary key (tenant_id, size)
) strict, without rowid;

create index audit_checkpoints_by_age on audit_checkpoints (created_at, tenant_id);

create table checkpoint_keys (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  public_key text not null,
  seed text not null,
  signs_from text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;
