-- Alerts for whoever runs the deployment: up to which row the platform's own audit was gone through for them.
alter table counters add column alerted integer not null default 0;
update counters set alerted = value where name = 'audit';

-- What the operator is yet to be told, a row for each carrier, gone once it took it: ids, kinds and numbers, nothing of a person.
create table operator_notices (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  carrier text not null check (carrier in ('webhook', 'mail', 'sentry')),
  source_id text not null,
  kind text not null,
  severity text not null,
  of_tenant text,
  count integer not null check (count > 0),
  from_at text not null,
  to_at text not null,
  attempts integer not null check (attempts >= 0),
  next_try_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index operator_notices_due on operator_notices (tenant_id, next_try_at);
