-- Names are envelopes under the customer's own key, the bytes lie in R2 under keys that hold ids alone.

create table files (
  tenant_id text not null,
  id text not null,
  customer_id text not null,
  order_id text,
  document_id text not null,
  revision integer not null check (revision >= 1),
  name text not null,
  media_type text not null,
  state text not null check (state in ('pending', 'uploading', 'checking', 'ready', 'rejected', 'purging')),
  size integer check (size >= 1),
  sha256 text,
  object text,
  upload_id text,
  part_size integer check (part_size >= 1),
  rejection text check (rejection in ('media-type-mismatch', 'sha256-mismatch', 'lost')),
  uploaded_at text,
  deleted_at text,
  sweep_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  check (state <> 'ready' or (object is not null and size is not null and sha256 is not null and uploaded_at is not null)),
  check (state in ('ready', 'purging') or sweep_at is not null),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id)
) strict, without rowid;

create index files_present on files (tenant_id, id) where deleted_at is null;
create index files_by_customer on files (tenant_id, customer_id, id) where deleted_at is null;
create index files_by_order on files (tenant_id, order_id, id) where order_id is not null and deleted_at is null;
create index files_of_document on files (tenant_id, document_id, id) where deleted_at is null;
create unique index files_by_document on files (tenant_id, document_id, revision);

-- How many a tenant has begun and not finished, which is bounded.
create index files_unfinished on files (tenant_id, id) where uploaded_at is null;

-- The sweeper: what is unfinished, to be checked or to be purged, by when.
create index files_due on files (sweep_at, tenant_id, id) where sweep_at is not null;

create table file_parts (
  tenant_id text not null,
  id text not null,
  file_id text not null,
  number integer not null check (number >= 1),
  size integer not null check (size >= 1),
  sha256 text not null,
  etag text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, file_id, number),
  foreign key (tenant_id, file_id) references files (tenant_id, id)
) strict, without rowid;
