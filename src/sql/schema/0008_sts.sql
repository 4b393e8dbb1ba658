-- What domains say about the TLS of their mail servers (MTA-STS, RFC 8461), as it was fetched last.
-- A policy holds until it expires, whatever happens to DNS or the web server meanwhile.
create table sts_policy (
  domain text not null primary key,     -- A-labels, lower case
  policy_id text not null,              -- of the TXT record that made us fetch it
  mode integer not null,                -- trust::MtaStsPolicy::Mode
  max_age bigint not null,              -- in seconds
  mx text not null,                     -- one pattern a line
  fetched_at bigint not null,
  expires_at bigint not null            -- fetched_at + max_age
) without rowid;
create index sts_policy_expiry on sts_policy (expires_at);
