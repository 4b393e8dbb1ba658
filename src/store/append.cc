#include "store/append.h"

#include "base/ids.h"

namespace todoke::store {
namespace {

struct ClaimedAccount {
  std::int64_t modseq, used_bytes;
};

// Takes room in the account and its next MODSEQ.  Both limits are asked in the one statement, since
// an error after a write costs everyone in the same commit a second run.
Result<ClaimedAccount> claim_account(sql::Tx& tx, std::int64_t account_id,
                                     const NewMessage& message, const Quota& quota,
                                     OrganisationUsage& organisation) {
  auto claimed = tx.first<std::int64_t, std::int64_t, std::int64_t>(
      "update mail_account set modseq = modseq + 1, used_bytes = used_bytes + $2, "
      "message_count = message_count + 1 "
      "where account_id = $1 and used_bytes + $2 <= $3 and (select o.used_bytes "
      "+ case when o.organisation_id = $5 then $6 else 0 end from mail_organisation o "
      "where o.organisation_id = mail_account.organisation_id) + $2 <= $4 "
      "returning modseq, used_bytes, organisation_id",
      account_id, message.size, quota.account_bytes.value_or(INT64_MAX),
      quota.organisation_bytes.value_or(INT64_MAX), organisation.organisation_id(),
      organisation.pending().bytes);
  if (claimed) {
    auto [modseq, used_bytes, organisation_id] = *claimed;
    organisation.add(tx, organisation_id, {.bytes = message.size, .messages = 1});
    return ClaimedAccount{modseq, used_bytes};
  }
  organisation.settle(tx);
  if (!tx.first<int>("select 1 from mail_account where account_id = $1", account_id))
    return fail(Errc::not_found, "no such account");
  TRY_OK(has_room(tx, account_id, message.size, quota));
  return fail(Errc::unavailable, "the counters of the organisation are not there");
}

struct ClaimedPlace {
  std::uint32_t uidvalidity, uid;
  std::int64_t pop3_seq;
};

// Takes the mailbox's next UID and POP3 number, or the explicit ones.
std::optional<ClaimedPlace> claim_place(sql::Tx& tx, std::int64_t account_id,
                                        std::int64_t mailbox_id, const NewMessage& message,
                                        std::int64_t modseq) {
  auto explicit_uid = static_cast<std::int64_t>(message.identity.uid.value_or(0));
  int unseen = (message.flags & flag_seen) == 0 ? 1 : 0;
  auto row = tx.first<std::uint32_t, std::uint32_t, std::int64_t>(
      "update mailbox set uidnext = case when $3 > 0 then $3 else uidnext end + 1, "
      "highestmodseq = case when $4 > highestmodseq then $4 else highestmodseq end, "
      "message_count = message_count + 1, "
      "unseen_count = unseen_count + $5, size_bytes = size_bytes + $6, "
      "pop3_next_seq = case when $7 > pop3_next_seq then $7 else pop3_next_seq end + 1 "
      "where account_id = $1 and id = $2 and deleted_at is null and ($3 = 0 or $3 >= uidnext) "
      "returning uidvalidity, uidnext - 1, pop3_next_seq - 1",
      account_id, mailbox_id, explicit_uid, modseq, unseen, message.size,
      message.identity.pop3_seq);
  if (!row) return {};
  auto [uidvalidity, uid, pop3_seq] = *row;
  return ClaimedPlace{uidvalidity, uid, message.identity.pop3_seq.value_or(pop3_seq)};
}

Result<> check_mailbox(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                       const NewMessage& message) {
  auto uidnext = tx.first<std::uint32_t>(
      "select uidnext from mailbox where account_id = $1 and id = $2 and deleted_at is null",
      account_id, mailbox_id);
  if (!uidnext) return fail(Errc::not_found, "no such mailbox");
  if (message.identity.uid && *message.identity.uid < *uidnext)
    return fail(Errc::invalid, "this UID was given out already");
  return {};
}

// RFC 1939 §11: the size is that of the message as it is sent, and a text of several lines ends
// with CRLF (§3): what has none at its end gets one then.  Nothing: as many octets as are stored.
std::optional<std::int64_t> pop3_size(const NewMessage& message) {
  if (message.identity.pop3_size || message.parsed->final_crlf) return message.identity.pop3_size;
  return message.size + 2;
}

// append() without the organisation's counter, which the caller settles.
Result<Placed> place(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                     const NewMessage& message, const Quota& quota,
                     OrganisationUsage& organisation) {
  // The INBOX is always there; for others all that can fail is asked before anything is written,
  // since an error after a write costs everyone in the same commit a second run.
  if (mailbox_id != inbox_id || message.identity.uid)
    TRY_OK(check_mailbox(tx, account_id, mailbox_id, message));
  TRY(auto claimed, claim_account(tx, account_id, message, quota, organisation));
  auto [next_modseq, used_bytes] = claimed;
  auto modseq = message.identity.modseq.value_or(next_modseq);
  auto at = claim_place(tx, account_id, mailbox_id, message, modseq);
  if (!at) return fail(Errc::not_found, "no such mailbox");
  tx.run(
      "insert into message (account_id, id, blob_id, size, internal_date, received_at, thread_id, "
      "origin, envelope, structure, preview) values ($1, $2, $3, $4, $5, $6, $2, $7, $8, $9, $10)",
      account_id, message.id, message.blob_id, message.size, message.internal_date,
      message.received_at, message.origin, sql::Bytes{message.parsed->envelope},
      sql::Bytes{message.parsed->structure}, message.parsed->preview);
  // Unique in the installation and never used again, so clients may rely on it for ever.
  auto uidl = message.identity.pop3_uidl.value_or(id_text(message.id));
  tx.run(
      "insert into placement (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, "
      "size, saved_at, pop3_seq, pop3_uidl, pop3_size) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      account_id, mailbox_id, at->uid, message.id, static_cast<std::int64_t>(message.flags),
      message.keywords, modseq, message.size, message.received_at, at->pop3_seq, uidl,
      pop3_size(message));
  return Placed{mailbox_id, at->uidvalidity, at->uid, modseq, used_bytes};
}

}  // namespace

Result<Placed> append(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                      const NewMessage& message, const Quota& quota) {
  OrganisationUsage organisation;
  auto placed = place(tx, account_id, mailbox_id, message, quota, organisation);
  organisation.settle(tx);
  return placed;
}

void append_copies(sql::Tx& tx, NewMessage message, std::span<InboxCopy> copies) {
  OrganisationUsage organisation;
  for (auto& copy : copies) {
    message.id = copy.message_id;
    copy.placed = place(tx, copy.account_id, inbox_id, message, copy.quota, organisation);
  }
  organisation.settle(tx);
}

Placement placement_of(const NewMessage& message, const Placed& placed) {
  return {.message_id = message.id,
          .modseq = placed.modseq,
          .size = static_cast<std::uint64_t>(message.size),
          .uid = placed.uid,
          .flags = message.flags,
          .keywords = std::string(message.keywords)};
}

void insert_blob(sql::Tx& tx, std::int64_t blob_id, const blob::Location& at, std::int64_t refs) {
  tx.run(
      "insert into blob (id, segment, position, stored, size, refs) "
      "values ($1, $2, $3, $4, $5, $6)",
      blob_id, at.segment, at.offset, at.stored, at.size, refs);
}

std::optional<blob::Location> drop_blob(sql::Tx& tx, std::int64_t blob_id) {
  tx.run("update blob set refs = refs - 1 where id = $1", blob_id);
  std::optional<blob::Location> free;
  auto take = [&](const sql::Row& row) {
    free = blob::Location{.segment = row.get<std::uint64_t>(0),
                          .offset = row.get<std::uint64_t>(1),
                          .stored = row.get<std::uint64_t>(2),
                          .size = row.get<std::uint64_t>(3)};
  };
  tx.each("delete from blob where id = $1 and refs <= 0 returning segment, position, stored, size",
          take, blob_id);
  return free;
}

void create_mail_account(sql::Tx& tx, std::int64_t account_id, std::int64_t organisation_id,
                         std::string_view locale, Time now) {
  constexpr Role roles[] = {Role::inbox, Role::sent, Role::drafts,
                            Role::trash, Role::junk, Role::archive};
  tx.run(
      "insert into mail_organisation (organisation_id, used_bytes, message_count) "
      "values ($1, 0, 0) on conflict do nothing",
      organisation_id);
  tx.run(
      "insert into mail_account (account_id, organisation_id, modseq, used_bytes, message_count, "
      "next_mailbox_id) values ($1, $2, 1, 0, 0, $3)",
      account_id, organisation_id, static_cast<std::int64_t>(std::size(roles)) + inbox_id);
  auto uidvalidity = to_micros(now) / 1'000'000;
  auto id = inbox_id;
  for (auto role : roles) {
    tx.run(
        "insert into mailbox (account_id, id, name, role, uidvalidity, uidnext, highestmodseq, "
        "message_count, unseen_count, size_bytes, pop3_next_seq, subscribed, created_at) "
        "values ($1, $2, $3, $4, $5, 1, 1, 0, 0, 0, 1, 1, $6)",
        account_id, id++, default_name(role, locale), role_name(role), uidvalidity, now);
  }
}

void abandon_mail_account(sql::Tx& tx, std::int64_t account_id) {
  constexpr std::int64_t long_ago = 0;
  tx.run("update mailbox set deleted_at = $2 where account_id = $1", account_id, long_ago);
}

}  // namespace todoke::store
