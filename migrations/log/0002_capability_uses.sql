-- On which day (UTC, 2026-11-23) each principal was last let do something that asks for a capability: one row for each of
-- the two, so no more than there are capabilities. Kept 90 days. Written in the transaction that stores the calls, at most
-- once a day each.
create table capability_uses (
  tenant_id text not null,
  actor_id text not null,
  capability text not null,
  last_day text not null,
  primary key (tenant_id, actor_id, capability)
) strict, without rowid;

create index capability_uses_by_age on capability_uses (last_day, tenant_id);

-- From when on the calls of a tenant are looked at for it: of the time before, nothing was known to be written.
create table capability_use_starts (
  tenant_id text not null,
  since text not null,
  primary key (tenant_id)
) strict, without rowid;
