-- Alerts for whoever runs the deployment: up to which row the platform's own audit was gone through for them.
alter table counters add column alerted integer not null default 0;
update counters set alerted = value where name = 'audit';
