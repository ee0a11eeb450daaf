-- With `or`, SQLite searched by the tenant alone: each audit row that was written read all that the tenant had. The
-- name stays, as the code of before asks for it.

create trigger audit_log_refuses_second_id before insert on audit_log
when exists (select 1 from audit_log where tenant_id = NEW.tenant_id and id = NEW.id)
begin
  select raise(abort, 'audit-is-append-only');
end;

drop trigger audit_log_refuses_replace;

create trigger audit_log_refuses_replace before insert on audit_log
when exists (select 1 from audit_log where tenant_id = NEW.tenant_id and seq = NEW.seq)
begin
  select raise(abort, 'audit-is-append-only');
end;
