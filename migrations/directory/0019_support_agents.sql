-- Who helps businesses for whoever runs this deployment: an account of their own that is no member anywhere.
create table support_agents (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  role text not null,
  state text not null check (state in ('active', 'removed')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create unique index support_agents_by_user on support_agents (tenant_id, user_id) where state = 'active';

-- When each was at which business. The row of the same id in its cell is the truth.
create table support_visits (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  agent_id text not null,
  user_id text not null,
  session_id text not null,
  visited_tenant_id text not null,
  grant_id text not null,
  member_id text not null,
  ticket text not null,
  expires_at text not null,
  ended_at text,
  ended_because text check (ended_because in ('agent', 'business', 'grant', 'operator', 'expired')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, agent_id) references support_agents (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, visited_tenant_id) references directory_tenants (tenant_id, id),
  check ((ended_at is null) = (ended_because is null))
) strict, without rowid;

create index support_visits_running on support_visits (tenant_id, agent_id) where ended_at is null;
create index support_visits_by_session on support_visits (tenant_id, session_id) where ended_at is null;
create index support_visits_to_end on support_visits (tenant_id, expires_at) where ended_at is null;

-- Whichever comes first, whatever the code above it does.
create trigger memberships_refuse_agents before insert on memberships
when exists (select 1 from support_agents where tenant_id = NEW.tenant_id and user_id = NEW.user_id and state = 'active')
begin
  select raise(abort, 'user-is-agent');
end;

create trigger support_agents_refuse_members before insert on support_agents
when exists (select 1 from memberships where tenant_id = NEW.tenant_id and user_id = NEW.user_id)
begin
  select raise(abort, 'agent-is-member');
end;

-- As in cells, whose effects may be an agent's.
alter table intents add column agent text;
