-- A key for a page may be held to some of the origins that its tenant lists.

alter table api_keys add column allowed_origins text not null default '[]';
