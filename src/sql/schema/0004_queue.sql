-- Mail on its way out.  One row per message, small rows per recipient.

create table queue_message (
  id bigint not null primary key,
  organisation_id bigint not null,
  account_id bigint,                    -- who submitted it; null: forwarded or our own
  blob_id bigint not null,
  size bigint not null,
  reverse_path text not null,           -- "" is the null reverse-path
  envid text not null,
  ret integer not null,                 -- 0 unset, 1 FULL, 2 HDRS (RFC 3461)
  body integer not null,                -- 0 7BIT, 1 8BITMIME, 2 BINARYMIME
  smtputf8 integer not null,
  require_tls integer not null,
  lane integer not null,                -- 0 urgent, 1 normal, 2 bulk
  created_at bigint not null,
  useful_until bigint not null
);

create table queue_recipient (
  message_id bigint not null,
  number integer not null,
  address text not null,                -- as given
  domain text not null,                 -- A-labels, lower case
  state integer not null,               -- 0 waiting
  notify integer not null,              -- RFC 3461 bits; 0 unset
  orcpt text not null,
  next_attempt_at bigint not null,
  primary key (message_id, number)
) without rowid;
create index queue_due on queue_recipient (state, next_attempt_at);
