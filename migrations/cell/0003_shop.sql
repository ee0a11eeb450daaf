-- Names, e-mails, phones and notes are envelopes under the customer's own key and tokens are HMACs for exact look-up.

create table customers (
  tenant_id text not null,
  id text not null,
  name text not null,
  email text,
  phone text,
  note text,
  email_token text,
  phone_token text,
  deleted_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index customers_present on customers (tenant_id, id) where deleted_at is null;
create index customers_by_email on customers (tenant_id, email_token, id) where email_token is not null;
create index customers_by_phone on customers (tenant_id, phone_token, id) where phone_token is not null;

create table orders (
  tenant_id text not null,
  id text not null,
  number integer not null,
  location_id text not null,
  customer_id text not null,
  assignee_id text,
  status text not null check (status in ('draft', 'placed', 'in_production', 'ready', 'completed', 'cancelled')),
  currency text not null,
  net integer not null check (net >= 0),
  tax integer not null check (tax >= 0),
  total integer not null check (total = net + tax),
  due_at text,
  placed_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  foreign key (tenant_id, location_id) references locations (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, assignee_id) references members (tenant_id, id)
) strict, without rowid;

create index orders_by_customer on orders (tenant_id, customer_id, id);
create index orders_by_location on orders (tenant_id, location_id, id);
create index orders_by_assignee on orders (tenant_id, assignee_id, id) where assignee_id is not null;
create index orders_by_status on orders (tenant_id, status, id);

create table order_lines (
  tenant_id text not null,
  id text not null,
  order_id text not null,
  position integer not null,
  description text not null,
  quantity_thousandths integer not null check (quantity_thousandths > 0),
  unit_price integer not null check (unit_price >= 0),
  tax_basis_points integer not null check (tax_basis_points >= 0),
  net integer not null check (net >= 0),
  tax integer not null check (tax >= 0),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, order_id, position),
  foreign key (tenant_id, order_id) references orders (tenant_id, id)
) strict, without rowid;
