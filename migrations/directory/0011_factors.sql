-- What people prove themselves with besides a password, and what a sign-in is in between its two steps.

create table totp_factors (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  secret text not null,
  state text not null check (state in ('pending', 'active')),
  -- The step of the last code that was taken: no code is taken twice, and none from before it (RFC 6238, section 5.2).
  last_step integer not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  -- One in use, and at most one that is being set up beside it.
  unique (tenant_id, user_id, state),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index totp_factors_by_age on totp_factors (tenant_id, created_at) where state = 'pending';

create table recovery_codes (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  -- A JSON array of keyed hashes: the set, of which one is used up together with all.
  hashes text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, user_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

-- A first step that was right, and waits for the second. Its token is a mac of the id, and stands nowhere.
create table sign_in_challenges (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  session_epoch integer not null,
  methods text not null,
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index sign_in_challenges_by_expiry on sign_in_challenges (tenant_id, expires_at);

-- When the session's user last proved that it is them, by all that is asked of them. Null: at its beginning.
alter table sessions add column proved_at text;
