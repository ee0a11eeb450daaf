-- What a business allows those who run the deployment, when they help it, and who came by that, as whom and why.
create table support_grants (
  tenant_id text not null,
  id text not null,
  owner_id text not null,
  reason text not null,
  -- A mask, as of roles: what may be done besides reading.
  capabilities text not null,
  shows_personal_data integer not null check (shows_personal_data in (0, 1)),
  expires_at text not null,
  ended_at text,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references members (tenant_id, id)
) strict, without rowid;

create index support_grants_by_expiry on support_grants (expires_at, tenant_id);

-- A support agent who has been here. The row stays: it is whom the audit names.
create table visiting_agents (
  tenant_id text not null,
  id text not null,
  name text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create table support_sessions (
  tenant_id text not null,
  id text not null,
  grant_id text not null,
  agent_id text not null,
  -- Of the agent, when it began.
  agent_role text not null,
  member_id text not null,
  reason text not null,
  ticket text not null,
  expires_at text not null,
  ended_at text,
  ended_because text check (ended_because in ('agent', 'business', 'grant', 'operator')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, grant_id) references support_grants (tenant_id, id),
  foreign key (tenant_id, agent_id) references visiting_agents (tenant_id, id),
  foreign key (tenant_id, member_id) references members (tenant_id, id),
  check ((ended_at is null) = (ended_because is null))
) strict, without rowid;

create index support_sessions_running on support_sessions (tenant_id, expires_at) where ended_at is null;
create index support_sessions_by_grant on support_sessions (tenant_id, grant_id);
create index support_sessions_by_expiry on support_sessions (expires_at, tenant_id);

-- Whatever the code above it does, the doing of an agent names the grant that allows it, and that of nobody else names one.
create trigger audit_log_names_the_grant before insert on audit_log
when (NEW.actor_kind = 'support-agent') <> (NEW.support_grant_id is not null)
begin
  select raise(abort, 'support-grant-unnamed');
end;

create trigger events_name_the_grant before insert on events
when (NEW.actor_kind = 'support-agent') <> (NEW.support_grant_id is not null)
begin
  select raise(abort, 'support-grant-unnamed');
end;

-- Who an effect is of, where that is an agent: whoever takes it up after a crash writes as them. Null for anybody else's.
alter table intents add column agent text;
