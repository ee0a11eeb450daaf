-- What customers agreed that other venues of the cell may see of them. A row stands while the consent does. The token is
-- of the platform, the same for one person at every tenant of the cell that has their consent, and none without it.

create table customer_consents (
  tenant_id text not null,
  id text not null check (id = customer_id),
  customer_id text not null,
  fields text not null,
  obtained text not null,
  given_at text not null,
  identity_token text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
) strict, without rowid;

-- One consent per person and tenant: nobody can crowd out the others' by giving many.
create unique index customer_consents_by_person on customer_consents (tenant_id, identity_token);

create index customer_consents_by_identity on customer_consents (identity_token);
