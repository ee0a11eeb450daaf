-- How far each secondary store has a copy of an owner's transparency log: everything under the head of this size, and so
-- many files of the next one.
create table audit_sink_progress (
  tenant_id text not null,
  sink text not null,
  size integer not null default 0,
  next_size integer not null default 0,
  next_files integer not null default 0,
  behind_since text,
  due_at text,
  failed_since text,
  fault text,
  primary key (tenant_id, sink)
) strict, without rowid;

create index audit_sink_progress_due on audit_sink_progress (due_at) where due_at is not null;
create index audit_sink_progress_by_sink on audit_sink_progress (sink, behind_since);
