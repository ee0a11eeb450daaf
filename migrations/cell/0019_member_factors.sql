-- Which factors a member has, copied from the directory's events: for a tenant's reports, and for no decision.
create table member_factors (
  tenant_id text not null,
  member_id text not null,
  totp integer not null check (totp in (0, 1)),
  passkey_count integer not null check (passkey_count >= 0),
  sms integer not null check (sms in (0, 1)),
  recovery_codes_left integer not null check (recovery_codes_left >= 0),
  copied_at text not null,
  primary key (tenant_id, member_id),
  foreign key (tenant_id, member_id) references members (tenant_id, id)
) strict, without rowid;
