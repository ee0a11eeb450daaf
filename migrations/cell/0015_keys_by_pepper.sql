-- Whether a key that may still be used was made with a pepper, across tenants: an older one goes when there is none.
create index api_keys_by_pepper on api_keys (pepper_version, tenant_id) where revoked_at is null;
