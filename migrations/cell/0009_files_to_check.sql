-- What waits for its check is found apart from what waits to be purged: of that one tenant may have any number.
create index files_to_check on files (sweep_at, tenant_id, id) where state = 'checking' and deleted_at is null;
