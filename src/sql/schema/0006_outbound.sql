-- The outbound queue knows its receivers and keeps the evidence of what became of each recipient.

alter table queue_message add column firm integer not null default 0;         -- 1: useful_until stands although its provider is held
alter table queue_message add column return_path integer not null default 0;  -- 0 reverse_path, 1 a token of each recipient's own at its domain
alter table queue_message add column renderer text not null default '';       -- who writes each copy; '': sent as stored
alter table queue_message add column remaining integer not null default 0;    -- recipients without a final state
update queue_message set remaining =
  (select count(*) from queue_recipient r where r.message_id = queue_message.id);
create index queue_expiry on queue_message (useful_until) where remaining > 0;
create index queue_age on queue_message (created_at) where remaining > 0;
create index queue_by_organisation on queue_message (organisation_id, id);

-- Organisation and lane stand here too, so that one index has what the scheduler asks for.
create table queue_recipient_new (
  message_id bigint not null,
  number integer not null,
  address text not null,                -- as given
  domain text not null,                 -- A-labels, lower case
  organisation_id bigint not null,
  lane integer not null,                -- 0 urgent, 1 normal, 2 bulk
  state integer not null,               -- queue::State, computed from the events
  attempts integer not null,            -- how many have ended
  due_at bigint not null,               -- when the next one may begin; in flight: when it began
  notify integer not null,              -- RFC 3461 bits; 0 unset
  orcpt text not null,
  delay_told integer not null,          -- 1: the sender knows that it takes longer
  primary key (message_id, number)
) without rowid;
insert into queue_recipient_new
  select r.message_id, r.number, r.address, r.domain, m.organisation_id, m.lane, 0, 0,
    r.next_attempt_at, r.notify, r.orcpt, 0
  from queue_recipient r join queue_message m on m.id = r.message_id;
drop table queue_recipient;
alter table queue_recipient_new rename to queue_recipient;
-- What waits, in the order in which it is taken.
create index queue_waiting on queue_recipient
  (domain, lane, organisation_id, due_at, message_id, number) where state = 0;
-- What was in flight when the program ended.
create index queue_in_flight on queue_recipient (message_id, number) where state = 1;

-- One conversation with another server, or one that did not come about.
create table queue_connection (
  id bigint not null primary key,
  begun_at bigint not null,
  provider text not null,               -- provider::Provider::id
  host text not null,                   -- its name in the MX record; '' before there was one
  address text not null,                -- its IP address; '' before there was one
  source text not null,                 -- our IP address
  tls text not null                     -- 'TLSv1.3 dane', …; '' in the clear
);

-- The evidence.  Rows are added and never changed.
create table queue_event (
  message_id bigint not null,
  number integer not null,
  id bigint not null,                   -- grows with time
  at bigint not null,
  kind integer not null,                -- queue::EventKind
  connection_id bigint not null,        -- 0: none
  stage integer not null,               -- smtp::Stage
  breakdown integer not null,           -- smtp::Breakdown
  code integer not null,                -- of the reply; 0: none came
  enhanced text not null,               -- '5.1.1' or ''
  text text not null,                   -- the other side's words, or ours
  reply_class integer not null,         -- provider::ReplyClass; 0: none
  rule text not null,                   -- which rule said so
  latency integer not null,             -- microseconds from its beginning to its answer
  dialogue text not null,               -- what was said, if it did not go well
  primary key (message_id, number, id)
) without rowid;

-- What is known of a domain's servers, so that a start need not ask for all of them.
create table queue_domain (
  domain text not null primary key,
  provider text not null,
  resolved_at bigint not null
);

-- When sending to a provider was stopped, and for whom.  A row is closed once and never changed
-- otherwise: how long mail was held is computed from them.
create table queue_hold (
  id bigint not null primary key,
  provider text not null,               -- '' all
  organisation_id bigint not null,      -- whose mail; 0 all
  since bigint not null,
  until bigint,                         -- null: still
  by_whom text not null,
  reason text not null
);

-- Notices that senders have yet to get (RFC 3464).
create table queue_notice (
  message_id bigint not null,
  number integer not null,
  action integer not null,              -- queue::Notice
  at bigint not null,
  primary key (message_id, number, action)
) without rowid;

-- How addresses that need quoting are understood (deliverability: local parts of carriers).
create table queue_address_form (
  address text not null primary key,
  form integer not null                 -- 0 quoted, 1 as used
);

-- Replies that no rule knows, normalised and counted.
create table queue_unknown_reply (
  provider text not null,
  stage integer not null,
  text text not null,
  times bigint not null,
  first_at bigint not null,
  last_at bigint not null,
  example text not null,
  primary key (provider, stage, text)
);

-- A server of their own choice that takes an organisation's mail for others; 0: everybody's.
create table queue_smarthost (
  organisation_id bigint not null primary key,
  host text not null,
  port integer not null,
  tls integer not null,                 -- 0 when it offers it, 1 STARTTLS needed, 2 from the first byte
  login text not null,                  -- '' without signing in
  password text not null                -- as it must be shown there
);
