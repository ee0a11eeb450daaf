-- What a business asks of how its members sign in. A tenant without a row asks for nothing.
create table security_policies (
  tenant_id text not null,
  id text not null,
  second_factor text not null check (second_factor in ('off', 'elevated', 'everyone')),
  -- Sessions that began before it go on as they are.
  second_factor_since text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id)
) strict, without rowid;
