-- A mailed code proves a mailbox, and nothing that an issuer said of factors or times. Nobody writes methods, is_strong and
-- proved_at any more. They may be null so that versions of before and after write side by side, and a later migration
-- takes them out.
create table federated_arrivals_next (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  stranger_id text not null,
  source text not null,
  issuer text not null,
  subject text not null,
  name text not null,
  email text not null,
  methods text,
  is_strong integer check (is_strong in (0, 1)),
  proved_at text,
  expires_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, stranger_id) references stranger_months (tenant_id, id)
) strict, without rowid;

insert into federated_arrivals_next select * from federated_arrivals;
drop table federated_arrivals;
alter table federated_arrivals_next rename to federated_arrivals;
create index federated_arrivals_by_expiry on federated_arrivals (tenant_id, expires_at);

-- Whoever has a second factor is known by another issuer once they have proved it.
alter table sign_in_challenges add column connects text;
