-- Programs that act for members, or for themselves: who they are, what members allowed them, and what came of it.

create table oauth_clients (
  tenant_id text not null,
  id text not null,
  name text not null,
  type text not null check (type in ('public', 'confidential')),
  redirect_uris text not null,
  grant_types text not null,
  scopes text not null,
  secret_hash text check ((secret_hash is null) = (type = 'public')),
  pepper_version integer check ((pepper_version is null) = (type = 'public')),
  creator_id text not null,
  deleted_at text,
  last_used_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index oauth_clients_present on oauth_clients (tenant_id, id) where deleted_at is null;
create index oauth_clients_by_pepper on oauth_clients (pepper_version, tenant_id, id) where deleted_at is null and pepper_version is not null;

-- What a member allowed a client once, so that they are not asked again.
create table oauth_consents (
  tenant_id text not null,
  id text not null,
  member_id text not null,
  client_id text not null,
  scope text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, member_id, client_id),
  foreign key (tenant_id, member_id) references members (tenant_id, id),
  foreign key (tenant_id, client_id) references oauth_clients (tenant_id, id)
) strict, without rowid;

create index oauth_consents_by_client on oauth_consents (tenant_id, client_id, id);

-- One authorization: its code, and the refresh tokens that came of it. No token is stored: each is a mac of its row.
create table oauth_grants (
  tenant_id text not null,
  id text not null,
  client_id text not null,
  member_id text not null,
  user_id text not null,
  session_id text not null,
  scope text not null,
  redirect_uri text not null,
  code_challenge text not null,
  nonce text,
  state text not null check (state in ('code', 'active', 'ended')),
  generation integer not null check (generation >= 0),
  created_at text not null,
  expires_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references oauth_clients (tenant_id, id),
  foreign key (tenant_id, member_id) references members (tenant_id, id)
) strict, without rowid;

create index oauth_grants_by_member on oauth_grants (tenant_id, member_id, client_id) where state <> 'ended';
create index oauth_grants_by_client on oauth_grants (tenant_id, client_id) where state <> 'ended';
create index oauth_grants_by_end on oauth_grants (expires_at, tenant_id);
