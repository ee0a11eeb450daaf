-- A cell's log of API calls: best effort, in a database of its own that can neither slow nor fill the cell's. Ids, names
-- of our own and numbers alone, nothing of a person.

-- One row a call, kept 7 days. The id is the request's, so it is unique and its order is that of time.
create table calls (
  tenant_id text not null,
  id text not null,
  actor_id text not null,
  operation text not null,
  route text not null,
  status integer not null,
  problem text,
  duration_ms integer not null,
  times integer not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index calls_by_actor on calls (tenant_id, actor_id, id);
create index calls_by_operation on calls (tenant_id, operation, id);
create index calls_by_status on calls (tenant_id, status, id);

-- How many calls an hour had, kept 90 days. Counted in the transaction that stores the rows, from those that are new.
create table call_counts (
  tenant_id text not null,
  hour text not null,
  actor_id text not null,
  operation text not null,
  status integer not null,
  calls integer not null,
  primary key (tenant_id, hour, actor_id, operation, status)
) strict, without rowid;

create index call_counts_by_actor on call_counts (tenant_id, actor_id, hour, operation, status);
create index call_counts_by_operation on call_counts (tenant_id, operation, hour, actor_id, status);
create index call_counts_by_status on call_counts (tenant_id, status, hour, actor_id, operation);

-- How many calls the gates saw, by their own count: what is missing from the log is the difference.
create table gate_counts (
  tenant_id text not null,
  hour text not null,
  actor_id text not null,
  calls integer not null,
  primary key (tenant_id, hour, actor_id)
) strict, without rowid;

create index gate_counts_by_actor on gate_counts (tenant_id, actor_id, hour);

-- Which hours a tenant has anything of: what archives them, and what deletes them when their time is over, goes by it.
create table call_hours (
  tenant_id text not null,
  hour text not null,
  logged integer not null default 0,
  archived integer not null default 0,
  purged integer not null default 0,
  primary key (tenant_id, hour)
) strict, without rowid;

create index call_hours_unarchived on call_hours (hour, tenant_id) where archived < logged;
create index call_hours_unpurged on call_hours (hour, tenant_id) where purged = 0;
create index call_hours_by_age on call_hours (hour, tenant_id) where purged = 1;
