-- What holds a key instead of the rate that its plan sells, until a moment that is always given.
create table key_limits (
  tenant_id text not null,
  id text not null,
  api_key_id text not null,
  per_minute integer not null check (per_minute >= 1),
  burst integer not null check (burst >= 1),
  reason text not null,
  expires_at text not null,
  -- Null where whoever runs the deployment set it, who may go beyond the plan.
  creator_id text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, api_key_id),
  foreign key (tenant_id, api_key_id) references api_keys (tenant_id, id)
) strict, without rowid;

create index key_limits_by_expiry on key_limits (expires_at, tenant_id);
