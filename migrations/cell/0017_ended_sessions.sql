-- Sessions that ended while tokens of theirs may still live: the gates refuse those from the next request on.
create table ended_sessions (
  tenant_id text not null,
  member_id text not null,
  session_id text not null,
  kept_until text not null,
  primary key (tenant_id, member_id, session_id)
) strict, without rowid;

create index ended_sessions_by_end on ended_sessions (kept_until, tenant_id);
