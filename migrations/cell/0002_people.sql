-- Who may do what in a tenant. Members point to users of the directory, keys and roles live here alone.

create table tenants (
  tenant_id text not null,
  id text not null check (id = tenant_id),
  slug text not null,
  name text not null,
  trade text not null,
  plan text not null check (plan in ('free', 'pro', 'enterprise')),
  currency text not null,
  timezone text not null,
  allowed_origins text not null default '[]',
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table locations (
  tenant_id text not null,
  id text not null,
  name text not null,
  timezone text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table roles (
  tenant_id text not null,
  id text not null,
  name text not null,
  capabilities text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table members (
  tenant_id text not null,
  id text not null,
  user_id text not null,
  role text not null,
  role_id text,
  grants text not null default '00000000000000000000000000000000',
  denials text not null default '00000000000000000000000000000000',
  state text not null check (state in ('active', 'suspended')),
  all_locations integer not null check (all_locations in (0, 1)),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, user_id),
  foreign key (tenant_id, role_id) references roles (tenant_id, id)
) strict, without rowid;

create table member_locations (
  tenant_id text not null,
  id text not null,
  member_id text not null,
  location_id text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, member_id, location_id),
  foreign key (tenant_id, member_id) references members (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id)
) strict, without rowid;

create index member_locations_by_location on member_locations (tenant_id, location_id);

create table api_keys (
  tenant_id text not null,
  id text not null,
  name text not null,
  scopes text not null,
  secret_hash text not null,
  pepper_version integer not null,
  all_locations integer not null check (all_locations in (0, 1)),
  ip_allow_list text not null default '[]',
  creator_id text not null,
  expires_at text,
  revoked_at text,
  last_used_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

-- Hydration of a gate: a key's text names its cell and id, not its tenant.
create index api_keys_by_id on api_keys (id, tenant_id);

create table api_key_locations (
  tenant_id text not null,
  id text not null,
  api_key_id text not null,
  location_id text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, api_key_id, location_id),
  foreign key (tenant_id, api_key_id) references api_keys (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id)
) strict, without rowid;

create index api_key_locations_by_location on api_key_locations (tenant_id, location_id);
