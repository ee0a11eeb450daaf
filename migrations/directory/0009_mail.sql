-- Mails on their way, each written in the batch of what it is about and gone once it left or never will, and addresses
-- that take none any more.
create table outgoing_mails (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  kind text not null,
  recipient text not null,
  data text not null,
  user_id text,
  attempts integer not null check (attempts >= 0),
  next_try_at text not null,
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id)
) strict, without rowid;

create index outgoing_mails_due on outgoing_mails (tenant_id, next_try_at);

create table mail_suppressions (
  tenant_id text not null check (tenant_id = 'platform'),
  id text not null,
  recipient text not null,
  recipient_token text not null,
  reason text not null check (reason in ('bounced', 'complained', 'inactive')),
  version integer not null,
  created_at text not null,
  updated_at text not null,
  primary key (tenant_id, id),
  unique (tenant_id, recipient_token)
) strict, without rowid;
