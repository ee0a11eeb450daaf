-- How old an endpoint's secret is, and the how-manieth. Of those that were there before, nothing tells when they were last
-- rotated: they are as old as their endpoint. So is one that code of before this migration makes meanwhile, which has null.
alter table webhook_endpoints add column secret_created_at text;
alter table webhook_endpoints add column secret_version integer not null default 1;

-- The newest of its secrets of whose age the tenant was told, by its version.
alter table webhook_endpoints add column secret_told_version integer not null default 0;

update webhook_endpoints set secret_created_at = created_at;

-- Of an endpoint that is disabled nothing is signed. What was told is found apart from what is yet to be.
create index webhook_endpoints_by_secret on webhook_endpoints (coalesce(secret_created_at, created_at), tenant_id, id)
where state = 'enabled';
create index webhook_endpoints_to_tell on webhook_endpoints (coalesce(secret_created_at, created_at), tenant_id, id)
where state = 'enabled' and secret_told_version < secret_version;
