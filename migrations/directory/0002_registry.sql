-- The one place that knows all tenants and users: where a tenant lives, who may sign in, which keys sign and pepper.

create table directory_tenants (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  slug text not null,
  cell text not null,
  state text not null check (state in ('claimed', 'active', 'closed')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, slug)
) strict, without rowid;

create table users (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  name text not null,
  email text not null,
  email_token text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, email_token)
) strict, without rowid;

-- An index only: the member row in the cell is the truth.
create table memberships (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  member_tenant_id text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, user_id, member_tenant_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, member_tenant_id) references directory_tenants (tenant_id, id)
) strict, without rowid;

create table signing_keys (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  kid text not null,
  public_jwk text not null,
  private_jwk text not null,
  signs_from text not null,
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, kid)
) strict, without rowid;

create table key_peppers (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  pepper_version integer not null,
  pepper text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, pepper_version)
) strict, without rowid;
