-- When and from where each principal last came in: whom a list of addresses would lock out, and whose key is used elsewhere.
-- Written by the gates at most once a minute, no audit. `origin` is sealed under the principal's own key.
create table last_uses (
  tenant_id text not null,
  principal_id text not null,
  used_at text not null,
  origin text,
  primary key (tenant_id, principal_id)
) strict, without rowid;

create index last_uses_by_age on last_uses (used_at, tenant_id);
