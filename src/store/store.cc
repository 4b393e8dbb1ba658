#include "store/store.h"

#include <algorithm>

namespace todoke::store {
namespace {

constexpr std::size_t maildrop_cache_bytes = 16 << 20;
constexpr std::size_t view_cache_bytes = 32 << 20;  // of mailboxes that nobody has open

}  // namespace

Store::Store(sql::Db& db, blob::Store& blobs, const Clock& clock, IdGenerator& ids,
             WorkerPool& pool, Hub& hub)
    : db_(db),
      blobs_(blobs),
      clock_(clock),
      ids_(ids),
      pool_(pool),
      hub_(hub),
      maildrops_(std::make_unique<MaildropCache>(maildrop_cache_bytes)),
      views_(std::make_unique<LiveViews>(db, hub, view_cache_bytes)) {}

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

}  // namespace todoke::store
