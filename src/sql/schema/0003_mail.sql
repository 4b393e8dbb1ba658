-- The mailbox model.  Every row of mail starts its key with the account.
-- UID, UIDVALIDITY, MODSEQ, INTERNALDATE and the three POP3 columns are explicit and settable:
-- nothing here is derived from anything, so a migration can keep them all.

create table mail_account (
  account_id bigint not null primary key,
  organisation_id bigint not null,
  modseq bigint not null,               -- largest one given out in this account
  used_bytes bigint not null,
  message_count bigint not null,
  next_mailbox_id bigint not null
);

-- What the accounts of an organisation hold together: the sums of mail_account.
create table mail_organisation (
  organisation_id bigint not null primary key,
  used_bytes bigint not null,
  message_count bigint not null
);

create table mailbox (
  account_id bigint not null,
  id bigint not null,
  name text not null,                   -- UTF-8, hierarchy separated by "/"
  role text,                            -- "inbox", "sent", "drafts", "trash", "junk", "archive"
  uidvalidity bigint not null,
  uidnext bigint not null,
  highestmodseq bigint not null,
  message_count bigint not null,
  unseen_count bigint not null,
  size_bytes bigint not null,
  pop3_next_seq bigint not null,
  keywords text not null default '',    -- all that its messages ever had, as first spelled
  subscribed integer not null,
  created_at bigint not null,
  deleted_at bigint,                    -- kept 30 days, then purged
  primary key (account_id, id)
) without rowid;
create unique index mailbox_name on mailbox (account_id, name) where deleted_at is null;

create table blob (
  id bigint not null primary key,
  segment bigint not null,
  position bigint not null,             -- of the record in the segment
  stored bigint not null,
  size bigint not null,
  refs bigint not null                  -- rows of message and queue_message that name it
);
create index blob_segment on blob (segment);

create table message (
  account_id bigint not null,
  id bigint not null,
  blob_id bigint not null,
  size bigint not null,
  internal_date bigint not null,
  received_at bigint not null,
  thread_id bigint not null,
  origin text not null,                 -- "smtp", "submission", "append", "import", "migration:…"
  envelope bytea not null,              -- mime::encode(Envelope)
  structure bytea not null,             -- mime::encode(Structure)
  preview text not null,
  primary key (account_id, id)
) without rowid;

-- A message in a mailbox.  Narrow: a mailbox of 100,000 opens by reading this table alone.
create table placement (
  account_id bigint not null,
  mailbox_id bigint not null,
  uid bigint not null,
  message_id bigint not null,
  flags integer not null,               -- store::Flag bits
  keywords text not null,               -- sorted without case, separated by blanks
  modseq bigint not null,
  size bigint not null,
  saved_at bigint not null,
  pop3_seq bigint not null,             -- POP3 numbers messages in this order
  pop3_uidl text not null,
  pop3_size bigint,                     -- null: size
  primary key (account_id, mailbox_id, uid)
) without rowid;

-- What was expunged: the UIDs for QRESYNC, and for 30 days all that a restore needs.
create table vanished (
  account_id bigint not null,
  mailbox_id bigint not null,
  uid bigint not null,
  modseq bigint not null,
  expunged_at bigint not null,
  message_id bigint,                    -- null once purged
  flags integer not null,
  keywords text not null,
  size bigint not null,
  pop3_seq bigint not null,
  pop3_uidl text not null,
  pop3_size bigint,
  primary key (account_id, mailbox_id, uid)
) without rowid;
create index vanished_modseq on vanished (account_id, mailbox_id, modseq);
create index vanished_time on vanished (expunged_at) where message_id is not null;
