-- Codes by SMS: the number that they go to, and the one code that is on its way for each thing it is asked for.
create table sms_factors (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  number text not null,
  state text not null check (state in ('pending', 'active')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  -- One in use, and at most one that is being set up beside it. A number may be several people's.
  unique (tenant_id, user_id, state),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index sms_factors_by_age on sms_factors (tenant_id, created_at) where state = 'pending';

-- A code is a keyed hash, of its user, what it is for, and the sign-in, session or number that it was sent for.
create table sms_codes (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  purpose text not null check (purpose in ('enrolment', 'sign-in', 'step-up')),
  hash text not null,
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  -- A new code voids the one before.
  unique (tenant_id, user_id, purpose),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index sms_codes_by_expiry on sms_codes (tenant_id, expires_at);
