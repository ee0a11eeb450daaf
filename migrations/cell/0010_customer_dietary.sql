-- What a customer cannot or will not eat: envelopes under the customer's own key. One row per customer, by its key.

create table customer_dietary (
  tenant_id text not null,
  id text not null check (id = customer_id),
  customer_id text not null,
  allergens text,
  needs text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
) strict, without rowid;
