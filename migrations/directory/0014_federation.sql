-- People who sign in at another issuer: who they are there, and whose account that is here.
create table federated_identities (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  -- The deployment's name of the provider, or the reference of a business's own connection: an issuer that a business
  -- chose vouches for nobody but through that connection.
  source text not null,
  issuer text not null,
  subject text not null,
  subject_token text not null,
  last_used_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, source, issuer, subject_token),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index federated_identities_by_user on federated_identities (tenant_id, user_id, id);

-- Somebody whose issuer does not prove that the address is theirs: they prove it by a code that is mailed there.
create table federated_arrivals (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  stranger_id text not null,
  source text not null,
  issuer text not null,
  subject text not null,
  name text not null,
  email text not null,
  methods text not null,
  is_strong integer not null check (is_strong in (0, 1)),
  proved_at text not null,
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, stranger_id) references stranger_months (tenant_id, id)
) strict, without rowid;

create index federated_arrivals_by_expiry on federated_arrivals (tenant_id, expires_at);

-- A session that a business's own sign-in began is good for that business alone: the reference of its connection.
alter table sessions add column sso text;
alter table sign_in_challenges add column sso text;
