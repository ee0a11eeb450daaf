-- Who is asked to become a member, as what and where. A row is there for as long as its invitation may be accepted or sent
-- again: who accepted is a member, and who never did is forgotten.
create table invitations (
  tenant_id text not null,
  id text not null,
  email text not null,
  email_token text,
  role text not null,
  role_id text,
  grants text not null,
  denials text not null,
  all_locations integer not null check (all_locations in (0, 1)),
  inviter_id text not null,
  -- Which of its links was sent last: those of before open nothing.
  turn integer not null check (turn >= 1),
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, role_id) references roles (tenant_id, id)
) strict, without rowid;

create index invitations_by_email on invitations (tenant_id, email_token);
create index invitations_by_role on invitations (tenant_id, role_id) where role_id is not null;
create index invitations_by_expiry on invitations (expires_at, tenant_id);

create table invitation_locations (
  tenant_id text not null,
  id text not null,
  invitation_id text not null,
  location_id text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, invitation_id, location_id),
  foreign key (tenant_id, invitation_id) references invitations (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id)
) strict, without rowid;

-- How many mails of this kind a business had sent lately: what invited them may be gone.
create index intents_of_invitations on intents (tenant_id, created_at) where operation in ('invitations.create', 'invitations.resend');

create index invitation_locations_by_location on invitation_locations (tenant_id, location_id);
