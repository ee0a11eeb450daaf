-- Issuers that a business lets its people sign in by (OpenID Connect), and the domains that it has proved to be its own.

create table sso_connections (
  tenant_id text not null,
  id text not null,
  name text not null,
  issuer text not null,
  client_id text not null,
  client_secret text not null,
  default_role text not null check (default_role not in ('owner', 'admin')),
  all_locations integer not null check (all_locations in (0, 1)),
  adds_members integer not null check (adds_members in (0, 1)),
  state text not null check (state in ('active', 'off')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table sso_domains (
  tenant_id text not null,
  id text not null,
  connection_id text not null,
  domain text not null,
  -- What the TXT record at _keyline.<domain> says.
  proof text not null,
  state text not null check (state in ('pending', 'verified', 'lapsed')),
  is_enforced integer not null check (is_enforced = 0 or (is_enforced = 1 and state = 'verified')),
  verified_at text,
  -- When DNS was last asked and answered.
  checked_at text,
  -- Since when the record has not been found.
  missing_since text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, domain),
  foreign key (tenant_id, connection_id) references sso_connections (tenant_id, id)
) strict, without rowid;

create index sso_domains_by_connection on sso_domains (tenant_id, connection_id);
create index sso_domains_to_check on sso_domains (checked_at, tenant_id, id) where state = 'verified';
