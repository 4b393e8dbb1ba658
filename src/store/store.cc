#include "store/store.h"

#include <algorithm>

namespace todoke::store {
namespace {

constexpr std::size_t maildrop_cache_bytes = 16 << 20;

}  // namespace

Store::Store(sql::Db& db, blob::Store& blobs, const Clock& clock, IdGenerator& ids,
             WorkerPool& pool, Hub& hub)
    : db_(db),
      blobs_(blobs),
      clock_(clock),
      ids_(ids),
      pool_(pool),
      hub_(hub),
      maildrops_(std::make_unique<MaildropCache>(maildrop_cache_bytes)) {}

Store::~Store() = default;

Task<Result<Mailbox>> Store::open(Principal principal, std::int64_t mailbox_id, Rights needed) {
  auto account_id = principal.account_id;
  auto query = [&](sql::Tx& tx) {
    return tx.first<std::int64_t>(
        "select id from mailbox where account_id = $1 and id = $2 and deleted_at is null",
        account_id, mailbox_id);
  };
  auto found = co_await db_.read(query);
  // Every right on one's own mailboxes; there are no shared ones yet.
  if (!found) co_return fail(Errc::not_found, "no such mailbox");
  co_return Mailbox(*this, account_id, mailbox_id, needed);
}

Task<Result<std::string>> Store::read(blob::Location at, std::uint64_t offset,
                                      std::uint64_t length) {
  std::string bytes;
  auto cached = blobs_.read_cached(at, offset, length, bytes);
  if (!cached) co_return std::unexpected(cached.error());
  if (*cached) co_return bytes;
  auto work = [&] { return blobs_.read(at, offset, length); };
  co_return co_await pool_.run(work);
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

Task<std::vector<blob::Location>> Mailbox::locate(std::vector<std::int64_t> message_ids) {
  auto account = account_id_;
  auto query = [&](sql::Tx& tx) {
    std::vector<blob::Location> places;
    for (auto id : message_ids) {
      auto row = tx.first<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>(
          "select b.segment, b.position, b.stored, b.size from message m "
          "join blob b on b.id = m.blob_id where m.account_id = $1 and m.id = $2",
          account, id);
      places.emplace_back();
      if (row)
        std::tie(places.back().segment, places.back().offset, places.back().stored,
                 places.back().size) = *row;
    }
    return places;
  };
  co_return co_await store_->db_.read(query);
}

}  // namespace todoke::store
