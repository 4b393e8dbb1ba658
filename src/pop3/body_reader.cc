#include "pop3/body_reader.h"

#include <algorithm>

namespace todoke::pop3 {
namespace {

constexpr std::size_t places_at_once = 64;
// store::Mailbox::locate() promises a minute.
constexpr std::chrono::seconds places_hold{50};
constexpr std::size_t piece_kept = 64 << 10;

}  // namespace

BodyReader::BodyReader(store::Store& store, store::Mailbox mailbox,
                       std::shared_ptr<const store::Maildrop> drop, const Clock& clock)
    : store_(store), mailbox_(mailbox), drop_(std::move(drop)), clock_(clock) {}

Task<Result<>> BodyReader::open(std::size_t index) {
  index_ = index;
  offset_ = 0;
  bool known = index >= places_from_ && index - places_from_ < places_.size() &&
               clock_.steady() < places_until_;
  if (known) {
    at_ = places_[index - places_from_];
  } else {
    CO_TRY_OK(co_await locate());
  }
  if (at_.stored == 0) co_return fail(Errc::not_found, "the message is gone");
  co_return Result<>();
}

Task<Result<>> BodyReader::locate() {
  const auto& entries = drop_->entries();
  std::vector<std::int64_t> ids;
  auto end = std::min(entries.size(), index_ + places_at_once);
  ids.reserve(end - index_);
  for (auto i = index_; i < end; ++i) ids.push_back(entries[i].message_id);
  places_until_ = clock_.steady() + places_hold;
  places_ = co_await mailbox_.locate(std::move(ids));
  places_from_ = index_;
  if (places_.empty()) co_return fail(Errc::not_found, "the message is gone");
  at_ = places_.front();
  if (at_.stored == 0) co_return fail(Errc::not_found, "the message is gone");
  co_return Result<>();
}

Task<Result<std::string_view>> BodyReader::next(std::size_t most) {
  piece_.clear();
  auto length = static_cast<std::size_t>(std::min<std::uint64_t>(most, at_.size - offset_));
  if (length == 0) co_return std::string_view();
  auto done = co_await read(length);
  if (!done && done.error().code == Errc::not_found) {
    // Compaction moved it.  The bytes are the same wherever they stand, so we go on where we were.
    auto size = at_.size;
    CO_TRY_OK(co_await locate());
    if (at_.size != size) co_return fail(Errc::corrupt, "the body changed its size");
    done = co_await read(length);
  }
  if (!done) co_return std::unexpected(done.error());
  if (piece_.size() != length) co_return fail(Errc::corrupt, "the body is shorter than recorded");
  offset_ += length;
  co_return std::string_view(piece_);
}

Task<Result<>> BodyReader::read(std::size_t length) {
  piece_.clear();
  CO_TRY(bool cached, store_.read_cached(at_, offset_, length, piece_));
  if (cached) co_return Result<>();
  CO_TRY(piece_, co_await store_.read(at_, offset_, length));
  co_return Result<>();
}

void BodyReader::rest() {
  if (piece_.capacity() > piece_kept) piece_ = std::string();
}

}  // namespace todoke::pop3
