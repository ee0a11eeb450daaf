-- A pepper is known to every isolate before keys are made with it. The first makes them from the beginning.
alter table key_peppers add column mints_from text not null default '';
