-- The organizations of outside issuers that a tenant is linked to, and what their issuers last said of each member.
-- Ids are those of the directory's pointers. Times of an issuer are milliseconds of its own clock.

create table outside_organizations (
  tenant_id text not null,
  id text not null,
  issuer text not null,
  organization text not null,
  state text not null check (state in ('linked', 'ended')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table outside_members (
  tenant_id text not null,
  id text not null,
  organization_id text not null,
  identity_id text not null,
  member_id text,
  state text not null check (state in ('active', 'removed', 'ended')),
  membership text,
  role text,
  joined_ms integer not null,
  changed_ms integer not null,
  follows_issuer integer not null check (follows_issuer in (0, 1)),
  suspends_member integer not null check (suspends_member in (0, 1)),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, organization_id, identity_id),
  foreign key (tenant_id, organization_id) references outside_organizations (tenant_id, id),
  foreign key (tenant_id, member_id) references members (tenant_id, id)
) strict, without rowid;

create index outside_members_by_member on outside_members (tenant_id, member_id);
create index outside_members_active on outside_members (tenant_id, organization_id, id) where state = 'active';
