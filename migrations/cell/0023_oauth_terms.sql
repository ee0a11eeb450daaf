-- The how-manieth name and addresses a client has: who allowed it something did so to those, and is asked anew for others.
alter table oauth_clients add column shown_version integer not null default 1;
alter table oauth_consents add column shown_version integer not null default 1;
