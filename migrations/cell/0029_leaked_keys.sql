-- When somebody reported that a key's text is where it should not be.
alter table api_keys add column leaked_at text;
