-- An address that somebody wants to have instead of theirs, until they prove that it is theirs too.
create table email_changes (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  user_id text not null,
  email text not null,
  state text not null check (state in ('open', 'done')),
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;

create index email_changes_by_user on email_changes (tenant_id, user_id, id);
create index email_changes_by_expiry on email_changes (tenant_id, expires_at);

-- Closed accounts that are yet to be erased: the token goes with the key.
create index users_closing on users (tenant_id, updated_at) where state = 'closed' and substr(email_token, 1, 7) <> 'erased:';
