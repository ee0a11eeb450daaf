-- Alerts: what of the audit owners are told of. `alerted` is up to which row it was gone through: what was there before
-- is no news.
alter table counters add column alerted integer not null default 0;
update counters set alerted = value where name = 'audit';
create index counters_unalerted on counters (tenant_id) where name = 'audit' and value > alerted;

-- The longest age, in days, of which it was told that this key is overdue by it.
alter table api_keys add column overdue_told integer;

-- One row for what happened to one subject within a while: how often, and how many of these have been told of.
create table alerts (
  tenant_id text not null,
  id text not null,
  kind text not null,
  severity text not null check (severity in ('critical', 'warning')),
  subject_id text,
  count integer not null check (count > 0),
  told integer not null check (told between 0 and count),
  first_at text not null,
  last_at text not null,
  told_at text,
  tell_at text,
  acknowledged_at text,
  acknowledger_id text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  check ((tell_at is null) = (told = count))
) strict, without rowid;

create index alerts_recent on alerts (tenant_id, last_at);
create index alerts_untold on alerts (tenant_id, tell_at) where tell_at is not null;
create index alerts_to_tell on alerts (tell_at, tenant_id) where tell_at is not null;
create index alerts_by_kind on alerts (tenant_id, kind, id);

-- What was told at once: a mail to the owners, an event, and what the operator gets of it.
create table alert_notices (
  tenant_id text not null,
  id text not null,
  alert_id text not null,
  kind text not null,
  count integer not null check (count > 0),
  from_at text not null,
  to_at text not null,
  mailed_at text,
  passed_on_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, alert_id) references alerts (tenant_id, id)
) strict, without rowid;

create index alert_notices_by_time on alert_notices (tenant_id, created_at);
create index alert_notices_pending on alert_notices (tenant_id, created_at) where mailed_at is null or passed_on_at is null;
create index alert_notices_to_pass on alert_notices (created_at, tenant_id) where mailed_at is null or passed_on_at is null;
create index alert_notices_by_alert on alert_notices (tenant_id, alert_id);
-- Retention: of what was told of.
create index alerts_by_age on alerts (last_at) where tell_at is null;
create index alert_notices_by_age on alert_notices (created_at) where mailed_at is not null and passed_on_at is not null;
