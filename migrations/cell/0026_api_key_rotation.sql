-- A key that has a successor is let in beside it until it retires. What was told of it is told once.
alter table api_keys add column successor_id text;
alter table api_keys add column rotated_at text;
alter table api_keys add column retires_at text;
alter table api_keys add column still_used_told_at text;
-- The longest age, in days, of which its tenant was told that this key nears it.
alter table api_keys add column age_told integer;
create index api_keys_retiring on api_keys (retires_at, tenant_id) where retires_at is not null and revoked_at is null and still_used_told_at is null;
create index api_keys_by_age on api_keys (tenant_id, created_at) where revoked_at is null;

-- How old a key may become, in days, and since when that is asked.
alter table security_policies add column longest_key_age integer check (longest_key_age between 1 and 3650);
alter table security_policies add column longest_key_age_since text;
create index security_policies_key_age on security_policies (tenant_id) where longest_key_age is not null;
