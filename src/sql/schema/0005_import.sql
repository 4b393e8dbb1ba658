-- What was imported from files of other programs, so that an import that is run again goes on where
-- it ended.  The source is a digest of where the message stood there, never of its headers.
create table import_source (
  account_id bigint not null,
  mailbox_id bigint not null,
  source bytea not null,
  primary key (account_id, mailbox_id, source)
) without rowid;
