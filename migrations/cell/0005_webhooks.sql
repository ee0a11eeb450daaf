-- Webhooks. Endpoints are a tenant's audited rows, whose address and secrets are envelopes under the tenant's key. What
-- is delivered to them is technical: a queue per endpoint, one body per event, a delivery per event and endpoint, a row
-- per try.

create table webhook_endpoints (
  tenant_id text not null,
  id text not null,
  url text not null,
  host text not null,
  event_types text not null,
  location_ids text,
  creator_id text not null,
  secret text not null,
  previous_secret text,
  previous_secret_until text,
  state text not null check (state in ('enabled', 'disabled')),
  enabled_at text not null,
  disabled_at text,
  disabled_because text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table webhook_queues (
  tenant_id text not null,
  endpoint_id text not null,
  next_due_at text,
  paused_until text,
  lease text,
  leased_until text,
  failing_since text,
  primary key (tenant_id, endpoint_id)
) strict, without rowid;

create index webhook_queues_due on webhook_queues (next_due_at, tenant_id, endpoint_id) where next_due_at is not null;

create table webhook_bodies (
  tenant_id text not null,
  event_seq integer not null,
  body text not null,
  subject_id text,
  created_at text not null,
  primary key (tenant_id, event_seq)
) strict;

create index webhook_bodies_by_age on webhook_bodies (created_at, tenant_id);

create table webhook_deliveries (
  tenant_id text not null,
  id text not null,
  endpoint_id text not null,
  event_seq integer not null,
  event_id text not null,
  event_type text not null,
  state text not null check (state in ('pending', 'delivered', 'failed')),
  due_at text,
  tries integer not null default 0,
  failures integer not null default 0,
  outcome text,
  replay_seq integer not null default 0,
  settled_at text,
  created_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, endpoint_id, event_seq)
) strict, without rowid;

create index webhook_deliveries_due on webhook_deliveries (tenant_id, endpoint_id, due_at) where state = 'pending';
create index webhook_deliveries_by_endpoint on webhook_deliveries (tenant_id, endpoint_id, id);
create index webhook_deliveries_by_state on webhook_deliveries (tenant_id, endpoint_id, state, id);
create index webhook_deliveries_by_age on webhook_deliveries (created_at, tenant_id) where state <> 'pending';

create table webhook_attempts (
  tenant_id text not null,
  id text not null,
  delivery_id text not null,
  outcome text not null,
  status integer,
  duration_ms integer not null,
  excerpt text,
  created_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index webhook_attempts_by_delivery on webhook_attempts (tenant_id, delivery_id, id);
create index webhook_attempts_by_age on webhook_attempts (created_at, tenant_id);
