-- Whom outside issuers vouch for: which tenant an organization of theirs is, which person a subject, and where the two
-- meet. Pointers only: whether somebody is a member still, and may do what, is for the tenant's cell to say.

create table outside_organization_claims (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  issuer text not null,
  organization text not null,
  owner_id text not null,
  state text not null check (state in ('linked', 'ended')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references directory_tenants (tenant_id, id)
) strict, without rowid;

create unique index outside_organization_claims_linked on outside_organization_claims (tenant_id, issuer, organization) where state = 'linked';
create unique index outside_organization_claims_by_owner on outside_organization_claims (tenant_id, owner_id, issuer) where state = 'linked';

create table outside_identities (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  issuer text not null,
  subject text not null,
  subject_token text not null,
  state text not null check (state in ('active', 'ended')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, issuer, subject_token)
) strict, without rowid;

create table outside_member_index (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  organization_id text not null,
  identity_id text not null,
  member_id text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, organization_id, identity_id),
  foreign key (tenant_id, organization_id) references outside_organization_claims (tenant_id, id),
  foreign key (tenant_id, identity_id) references outside_identities (tenant_id, id)
) strict, without rowid;

create index outside_member_index_by_identity on outside_member_index (tenant_id, identity_id, id);
