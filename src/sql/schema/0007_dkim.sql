-- Keys that sign what we send (DKIM).  A domain has one key of each algorithm that signs, and during
-- a rotation the next ones, whose DNS records are being published, and the last ones, whose records
-- stay until mail that they signed has arrived.  Rows are kept: a selector is used once.
create table dkim_key (
  domain text not null,                 -- A-labels, lower case
  selector text not null,
  algorithm integer not null,           -- crypto::KeyAlgorithm
  private_key text,                     -- PKCS#8 in PEM; null once it signs no more
  public_key text not null,             -- p= of the DNS record
  created_at bigint not null,
  active_from bigint not null,          -- signs from then on
  retired_at bigint,                    -- and until then; null: not decided
  primary key (domain, selector)
) without rowid;
create index dkim_key_retired on dkim_key (retired_at) where private_key is not null;
