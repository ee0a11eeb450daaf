-- The transparency log over the audit: how many of a tenant's rows are leaves of its tree, and the heads it published.

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
