-- From where a business's people and programs are let in, JSON array of CIDRs, empty for anywhere.
alter table security_policies add column ip_allow_list text not null default '[]';
