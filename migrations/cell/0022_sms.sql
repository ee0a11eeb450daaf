-- Whether codes by SMS are a second factor at a business. It pays for them, and they are the weakest there is.
alter table security_policies add column allows_sms integer not null default 0 check (allows_sms in (0, 1));
