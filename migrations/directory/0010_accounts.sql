-- People who sign in: what they sign up with, how they prove who they are, and where they are signed in.

-- Whose key seals what an unknown caller leaves behind: one a month, destroyed when its time is over.
create table stranger_months (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  month text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, month)
) strict, without rowid;

alter table users add column state text not null default 'active' check (state in ('active', 'closed'));
alter table users add column email_verified_at text;
-- Sessions of an earlier epoch are over, however many there are.
alter table users add column session_epoch integer not null default 0;

-- Nobody's account yet: whether the address is taken is not looked at before its owner answers.
create table sign_ups (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  stranger_id text not null,
  name text not null,
  email text not null,
  password_hash text not null,
  must_recheck integer not null check (must_recheck in (0, 1)),
  is_strong integer not null check (is_strong in (0, 1)),
  state text not null check (state in ('pending', 'verified')),
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, stranger_id) references stranger_months (tenant_id, id)
) strict, without rowid;

create index sign_ups_by_expiry on sign_ups (tenant_id, expires_at);

create table passwords (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  hash text not null,
  must_recheck integer not null check (must_recheck in (0, 1)),
  is_strong integer not null check (is_strong in (0, 1)),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, user_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create table sessions (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  device text not null,
  device_token text not null,
  address text,
  place text,
  methods text not null,
  signed_in_at text not null,
  strong_at text,
  session_epoch integer not null,
  expires_at text not null,
  state text not null check (state in ('active', 'ended')),
  ended_at text,
  ended_because text check (ended_because in ('signed-out', 'revoked', 'refresh-reused', 'password-changed', 'factor-changed', 'account-closed', 'expired')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index sessions_by_user on sessions (tenant_id, user_id, state, id);
create index sessions_by_expiry on sessions (tenant_id, expires_at);

-- Which of its refresh tokens a session is at: the tokens themselves are macs, and stand nowhere.
create table session_refreshes (
  tenant_id text not null check (tenant_id = 'platform'),
  session_id text not null,
  generation integer not null,
  refreshed_at text not null,
  primary key (tenant_id, session_id)
) strict, without rowid;

-- A link in a mail: what it is for, once, and not for long. Its token is a mac of the id, and stands nowhere.
create table one_time_links (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text,
  purpose text not null check (purpose in ('reset-password', 'clear-lock')),
  state text not null check (state in ('unused', 'used', 'void')),
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index one_time_links_by_user on one_time_links (tenant_id, user_id, purpose, state);
create index one_time_links_by_expiry on one_time_links (tenant_id, expires_at);

create index memberships_by_user on memberships (tenant_id, user_id, id);

-- For the sweeper that tells cells of ended sessions: those of the last minutes.
create index sessions_ended on sessions (tenant_id, ended_at) where state = 'ended';
