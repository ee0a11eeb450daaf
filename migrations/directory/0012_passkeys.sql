-- Passkeys (WebAuthn): a key of the user's own device, as a second factor or instead of a password.
create table passkeys (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  name text not null,
  credential text not null,
  public_key text not null,
  counter integer not null,
  is_synced integer not null check (is_synced in (0, 1)),
  transports text not null,
  -- The challenge of its last proof. Challenges sort by time, and none is taken that is not newer.
  last_challenge text not null,
  last_used_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index passkeys_by_user on passkeys (tenant_id, user_id);
