-- Members as their tenant manages them: who they are there, and that they left. A removed member stays as a row, which what
-- they did refers to, and is suspended, so that versions of before let them do nothing either.
alter table members add column name text;
alter table members add column email text;
alter table members add column removed_at text;
create index members_present on members (tenant_id, id) where removed_at is null;
create index members_owners on members (tenant_id, role, state) where role = 'owner';
create index members_by_role on members (tenant_id, role_id) where role_id is not null;

-- A tenant's own roles: what of the tenant they reach, and one of each name.
alter table roles add column scope text not null default 'tenant' check (scope in ('tenant', 'assigned'));
create unique index roles_by_name on roles (tenant_id, name);
