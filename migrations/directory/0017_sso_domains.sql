-- Which tenant speaks for a domain. A pointer: its id is that of the row in the tenant's cell, which is the truth.
create table sso_domain_claims (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  domain text not null,
  owner_id text not null,
  connection_id text not null,
  state text not null check (state in ('live', 'ended')),
  -- When it was last held against its row.
  checked_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references directory_tenants (tenant_id, id)
) strict, without rowid;

create unique index sso_domain_claims_live on sso_domain_claims (tenant_id, domain) where state = 'live';
create index sso_domain_claims_to_check on sso_domain_claims (tenant_id, checked_at) where state = 'live';
create index sso_domain_claims_ended on sso_domain_claims (tenant_id, updated_at) where state = 'ended';
