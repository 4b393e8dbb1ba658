-- Who is here: organisations, domains, accounts, addresses, credentials, audit.
-- Times are microseconds since 1970 (UTC).  States: 0 active, 1 suspended, 2 deleted (kept 30 days).

create table organisation (
  id bigint not null primary key,
  name text not null unique,
  locale text not null,                 -- "ja" or "en": names of folders, words of notices
  state integer not null,
  quota_bytes bigint,                   -- null: no limit of its own
  created_at bigint not null,
  deleted_at bigint
);

create table domain (
  name text not null primary key,       -- A-labels, lower case
  organisation_id bigint not null,
  catch_all_account_id bigint,
  state integer not null,
  created_at bigint not null
);
create index domain_organisation on domain (organisation_id, name);

create table account (
  id bigint not null primary key,
  organisation_id bigint not null,
  display_name text not null,
  locale text not null,
  role integer not null,                -- directory::Role
  state integer not null,
  quota_bytes bigint,
  services integer not null,            -- directory::Service bits
  pop3_mailbox_id bigint,               -- null: the INBOX
  pop3_read_only integer not null,
  send_limit_per_hour integer,          -- recipients; null: the installation's default
  created_at bigint not null,
  deleted_at bigint
);
create index account_organisation on account (organisation_id, id);

-- One row per (address, account): an address may lead to several accounts.
create table address (
  domain text not null,
  local text not null,                  -- lower case
  account_id bigint not null,
  kind integer not null,                -- 0 primary, 1 alias
  created_at bigint not null,
  primary key (domain, local, account_id)
) without rowid;
create index address_account on address (account_id, domain, local);

-- A login name counts everywhere (listener '') or only on one address of ours, so that a short legacy
-- ID of two merged servers can lead to two accounts.
create table login (
  name text not null,                   -- lower case
  listener text not null,
  account_id bigint not null,
  primary key (name, listener)
) without rowid;
create index login_account on login (account_id);

create table credential (
  account_id bigint not null,
  id bigint not null,
  kind integer not null,                -- 0 the password, 1 an app password
  stored text not null,                 -- crypto::hash_password form
  scram text,                           -- crypto::ScramKeys form, when the password was known
  label text not null,
  scope integer not null,               -- directory::Service bits it may be used for
  created_at bigint not null,
  expires_at bigint,
  last_used_at bigint,
  primary key (account_id, id)
) without rowid;

create table audit (
  organisation_id bigint not null,      -- 0: the installation
  id bigint not null,
  at bigint not null,
  actor text not null,
  action text not null,                 -- "account.create"
  target text not null,
  detail text not null,                 -- JSON object
  source text not null,                 -- address the actor came from
  primary key (organisation_id, id)
) without rowid;
