#include "store/mailbox.h"

#include "store/append.h"
#include "store/expunge.h"
#include "store/loose_body.h"
#include "store/store.h"

#include <algorithm>

namespace todoke::store {
namespace {

std::unexpected<Error> read_only() {
  return fail(Errc::denied, "this mailbox is read-only");
}

// Hands a delta over to all who hear of it.
void announce(Hub& hub, std::int64_t account_id, std::int64_t mailbox_id, std::int64_t modseq,
              Delta& delta) {
  if (delta.placed.empty() && delta.gone.empty()) return;
  if (!hub.is_heard(account_id)) return;
  hub.publish({.account_id = account_id,
               .mailbox_id = mailbox_id,
               .modseq = modseq,
               .delta = std::make_shared<const Delta>(delta)});
}

}  // namespace

std::shared_ptr<LiveView> Mailbox::live() {
  return store_->views_->find(account_id_, mailbox_id_);
}

Task<Result<int>> Mailbox::expunge(std::vector<std::uint32_t> uids, unsigned required) {
  if (!has(right_expunge)) co_return read_only();
  std::ranges::sort(uids);
  auto now = store_->clock_.now();
  ExpungeOutcome outcome;
  auto work = [&](sql::Tx& tx) {
    outcome = store::expunge(tx, account_id_, mailbox_id_, uids, required, now);
  };
  auto tell = [&] {
    announce(store_->hub_, account_id_, mailbox_id_, outcome.modseq, outcome.delta);
  };
  co_await store_->db_.write(work, tell);
  co_return static_cast<int>(outcome.delta.gone.size());
}

Task<Result<FlagsChanged>> Mailbox::change_flags(std::vector<UidRange> ranges, FlagChange change,
                                                 std::optional<std::int64_t> unchanged_since) {
  if (!has(right_flags)) co_return read_only();
  Result<FlagsChanged> outcome;
  auto work = [&](sql::Tx& tx) -> Result<> {
    outcome = store::change_flags(tx, account_id_, mailbox_id_, ranges, change, unchanged_since);
    TRY_OK(outcome);
    return {};
  };
  auto tell = [&] {
    announce(store_->hub_, account_id_, mailbox_id_, outcome->modseq, outcome->delta);
  };
  auto done = co_await store_->db_.write(work, tell);
  if (!done) co_return std::unexpected(done.error());
  co_return outcome;
}

Task<Result<std::vector<Placed>>> Mailbox::append(std::vector<Appended> messages, Quota quota) {
  std::vector<std::unique_ptr<LooseBody>> bodies;
  for (const auto& message : messages)
    bodies.push_back(std::make_unique<LooseBody>(store_->blobs_, message.body));
  if (!has(right_insert)) co_return read_only();
  auto now = store_->clock_.now();
  std::vector<Placed> placed;
  Delta delta;
  auto work = [&](sql::Tx& tx) -> Result<> {
    placed.clear();
    delta = {};
    for (const auto& message : messages) {
      TRY(auto keywords, learn_keywords(tx, account_id_, mailbox_id_, message.keywords));
      NewMessage made{.id = store_->ids_.next(),
                      .blob_id = store_->ids_.next(),
                      .size = static_cast<std::int64_t>(message.body.size),
                      .internal_date = message.internal_date.value_or(now),
                      .received_at = now,
                      .origin = "append",
                      .parsed = &message.parsed,
                      .flags = message.flags,
                      .keywords = keywords};
      TRY(auto place, store::append(tx, account_id_, mailbox_id_, made, quota));
      insert_blob(tx, made.blob_id, message.body, 1);
      delta.placed.push_back(placement_of(made, place));
      placed.push_back(place);
    }
    return {};
  };
  auto tell = [&] {
    announce(store_->hub_, account_id_, mailbox_id_, placed.back().modseq, delta);
  };
  auto done = co_await store_->db_.write(work, tell);
  if (!done) co_return std::unexpected(done.error());
  for (auto& body : bodies) body->keep();
  co_return placed;
}

Task<Result<Copied>> Mailbox::copy_to(Mailbox target, std::vector<UidRange> ranges, Quota quota) {
  if (!target.has(right_insert)) co_return read_only();
  auto now = store_->clock_.now();
  Result<Copied> copied;
  auto work = [&](sql::Tx& tx) -> Result<> {
    copied = copy_messages(tx, store_->ids_, account_id_, mailbox_id_, ranges, target.mailbox_id_,
                           now, quota);
    TRY_OK(copied);
    return {};
  };
  auto tell = [&] {
    announce(store_->hub_, account_id_, target.mailbox_id_, copied->modseq, copied->target);
  };
  auto done = co_await store_->db_.write(work, tell);
  if (!done) co_return std::unexpected(done.error());
  co_return copied;
}

Task<Result<Copied>> Mailbox::move_to(Mailbox target, std::vector<UidRange> ranges) {
  if (!has(right_expunge) || !target.has(right_insert)) co_return read_only();
  auto now = store_->clock_.now();
  Result<Copied> moved;
  auto work = [&](sql::Tx& tx) -> Result<> {
    moved = move_messages(tx, account_id_, mailbox_id_, ranges, target.mailbox_id_, now);
    TRY_OK(moved);
    return {};
  };
  auto tell = [&] {
    if (target.mailbox_id_ == mailbox_id_) {
      moved->target.gone = moved->source.gone;
    } else {
      announce(store_->hub_, account_id_, mailbox_id_, moved->modseq, moved->source);
    }
    announce(store_->hub_, account_id_, target.mailbox_id_, moved->modseq, moved->target);
  };
  auto done = co_await store_->db_.write(work, tell);
  if (!done) co_return std::unexpected(done.error());
  co_return moved;
}

}  // namespace todoke::store
