// What sessions read of a mailbox.
#include "store/mailbox.h"
#include "store/mailbox_row.h"
#include "store/store.h"

#include <algorithm>
#include <tuple>

namespace todoke::store {
namespace {

// In the order in which read_facts() takes them.
#define MESSAGE_COLUMNS "id, internal_date, thread_id, envelope, structure, preview, blob_id"

void read_facts(sql::Tx& tx, const sql::Row& row, FactSet wanted, MessageFacts& facts) {
  facts.found = true;
  if ((wanted & fact_date) != 0) facts.internal_date = row.get<Time>(1);
  if ((wanted & fact_thread) != 0) {
    facts.thread_id = row.integer(2);
    facts.blob_id = row.integer(6);
  }
  if ((wanted & fact_envelope) != 0) facts.envelope = row.text(3);
  if ((wanted & fact_structure) != 0) facts.structure = row.text(4);
  if ((wanted & fact_preview) != 0) facts.preview = row.text(5);
  if ((wanted & fact_body) == 0) return;
  auto place = tx.first<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>(
      "select segment, position, stored, size from blob where id = $1", row.integer(6));
  if (place)
    std::tie(facts.body.segment, facts.body.offset, facts.body.stored, facts.body.size) = *place;
}

// Reads the facts of messages in order, until they are all read or are `most` bytes together.
class FactsReader {
 public:
  FactsReader(sql::Tx& tx, std::int64_t account_id,
              const std::vector<Mailbox::MessageKey>& messages, FactSet wanted, std::size_t most)
      : tx_(tx), account_id_(account_id), messages_(messages), wanted_(wanted), left_(most) {}

  std::vector<MessageFacts> read(std::int64_t mailbox_id) {
    facts_.reserve(messages_.size());
    if (messages_.size() > 4) walk();
    while (!is_done()) look_up();
    if ((wanted_ & fact_saved) != 0)
      for (std::size_t i = 0; i < facts_.size(); ++i)
        facts_[i].saved_at = tx_.first<Time>(
            "select saved_at from placement where account_id = $1 and mailbox_id = $2 and uid = $3",
            account_id_, mailbox_id, messages_[i].first);
    return std::move(facts_);
  }

 private:
  bool is_done() const { return facts_.size() == messages_.size() || left_ == 0; }
  std::int64_t next_id() const { return messages_[facts_.size()].second; }
  void take(const sql::Row& row) {
    auto& facts = facts_.emplace_back();
    read_facts(tx_, row, wanted_, facts);
    auto bytes = facts.envelope.size() + facts.structure.size() + facts.preview.size();
    left_ -= std::min(left_, bytes);
  }

  // Messages that came one after the other mostly have growing ids with few others between: one
  // walk along the table finds them for a third of what looking up each costs, until that stops
  // paying.
  void walk() {
    constexpr std::size_t worth = 3;  // rows passed over for each one found
    std::size_t passed = 0;
    auto step = [&](const sql::Row& row) {
      auto id = row.integer(0);
      // Ids of messages that are gone, or whose order is another: looked up one by one.
      if (id > next_id()) return false;
      if (id < next_id()) return ++passed <= worth * (facts_.size() + 8);
      take(row);
      return !is_done();
    };
    tx_.each("select " MESSAGE_COLUMNS
             " from message where account_id = $1 and id >= $2 order by id",
             step, account_id_, next_id());
  }

  void look_up() {
    auto before = facts_.size();
    auto step = [&](const sql::Row& row) { take(row); };
    tx_.each("select " MESSAGE_COLUMNS " from message where account_id = $1 and id = $2", step,
             account_id_, next_id());
    if (facts_.size() == before) facts_.emplace_back();
  }

  sql::Tx& tx_;
  const std::int64_t account_id_;
  const std::vector<Mailbox::MessageKey>& messages_;
  const FactSet wanted_;
  std::size_t left_;
  std::vector<MessageFacts> facts_;
};

constexpr std::size_t facts_at_once = 4 << 20;  // bytes that a session holds of what is to come

}  // namespace

sql::Db::Begun<Mailbox::FactsQuery> Mailbox::begin_facts(std::vector<MessageKey> messages,
                                                         FactSet wanted) {
  FactsQuery query = [account = account_id_, mailbox = mailbox_id_, messages = std::move(messages),
                      wanted](sql::Tx& tx) {
    return FactsReader(tx, account, messages, wanted, facts_at_once).read(mailbox);
  };
  return store_->db_.begin_read(std::move(query));
}

Task<std::vector<MessageFacts>> Mailbox::facts(std::vector<MessageKey> messages, FactSet wanted) {
  if (messages.empty()) co_return std::vector<MessageFacts>();
  auto query = [&](sql::Tx& tx) {
    return FactsReader(tx, account_id_, messages, wanted, SIZE_MAX).read(mailbox_id_);
  };
  co_return co_await store_->db_.read(query);
}

Task<std::vector<blob::Location>> Mailbox::locate(std::vector<std::int64_t> message_ids) {
  std::vector<MessageKey> messages;
  for (auto id : message_ids) messages.emplace_back(0, id);
  auto found = co_await facts(std::move(messages), fact_body);
  std::vector<blob::Location> places;
  for (const auto& one : found) places.push_back(one.body);
  co_return places;
}

Task<std::vector<std::uint32_t>> Mailbox::vanished_since(std::int64_t modseq) {
  std::vector<std::uint32_t> uids;
  auto query = [&](sql::Tx& tx) {
    auto take = [&](const sql::Row& row) { uids.push_back(row.get<std::uint32_t>(0)); };
    tx.each(
        "select uid from vanished where account_id = $1 and mailbox_id = $2 and modseq > $3 "
        "order by uid",
        take, account_id_, mailbox_id_, modseq);
  };
  co_await store_->db_.read(query);
  co_return uids;
}

Task<std::shared_ptr<const Maildrop>> Mailbox::maildrop() {
  auto& store = *store_;
  auto account = account_id_, mailbox = mailbox_id_;
  auto query = [&](sql::Tx& tx) -> std::shared_ptr<const Maildrop> {
    auto modseq = tx.first<std::int64_t>(
        "select highestmodseq from mailbox where account_id = $1 and id = $2", account, mailbox);
    if (!modseq) return std::make_shared<Maildrop>();
    if (auto kept = store.maildrops_->find(account, mailbox, *modseq)) return kept;
    auto fresh = read_maildrop(tx, account, mailbox);
    store.maildrops_->put(account, mailbox, *modseq, fresh);
    return fresh;
  };
  co_return co_await store.db_.read(query);
}

Task<Result<MailboxInfo>> Mailbox::info() {
  auto query = [&](sql::Tx& tx) { return find_mailbox(tx, account_id_, mailbox_id_); };
  auto found = co_await store_->db_.read(query);
  if (!found) co_return fail(Errc::not_found, "no such mailbox");
  co_return *std::move(found);
}

}  // namespace todoke::store
