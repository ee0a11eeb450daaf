-- The how-manieth name and addresses a client has: who allowed it something did so to those, and is asked anew for others.
alter table oauth_clients add column shown_version integer not null default 1;
alter table oauth_consents add column shown_version integer not null default 1;

-- How a grant's user had proved who they are when they let the client in: a token is as old as that, whatever they prove
-- later. Null in those of before, of which nothing tells.
alter table oauth_grants add column proved_at text;
alter table oauth_grants add column strong_at text;
alter table oauth_grants add column methods text;

-- The latest ends of one member or client, of whom there may be many.
create index ended_sessions_latest on ended_sessions (tenant_id, member_id, kept_until);
