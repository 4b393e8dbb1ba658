#include "queue/stored_mail.h"

#include "base/ascii.h"
#include "trust/dkim_canonical.h"

#include <algorithm>

namespace todoke::queue {
namespace {

// Larger texts are read piece by piece while they are sent.
constexpr std::uint64_t held_in_memory = 1 << 20;
constexpr std::uint64_t piece_size = 256 << 10;

// From memory at once, else from the disk on another thread.
Task<Result<std::string>> read_body(blob::Store& blobs, WorkerPool& pool,  // NOLINT: outlive us
                                    blob::Location body, std::uint64_t from, std::uint64_t length) {
  std::string piece;
  auto cached = blobs.read_cached(body, from, length, piece);
  if (cached && *cached) co_return piece;
  auto work = [&] { return blobs.read(body, from, length); };
  co_return co_await pool.run(work);
}

}  // namespace

std::size_t return_path_length(std::string_view text) {
  constexpr std::string_view name = "Return-Path:";
  if (!ascii::starts_with_ignoring_case(text, name)) return 0;
  auto end = text.find("\r\n");
  while (end != text.npos && end + 2 < text.size() &&
         (text[end + 2] == ' ' || text[end + 2] == '\t'))
    end = text.find("\r\n", end + 2);
  return end == text.npos ? 0 : end + 2;
}

const Copy* StoredMail::find(std::int64_t message_id) {
  auto found = std::ranges::find(kept_, message_id, &Kept::message_id);
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return &kept_.front().copy;
}

void StoredMail::keep(std::int64_t message_id, const Copy& copy) {
  if (find(message_id) != nullptr) return;
  kept_.push_front({message_id, copy});
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (auto one = kept_.begin(); one != kept_.end();) {
    bytes += one->copy.text ? one->copy.text->size() : 0;
    one = ++count > kept_copies || bytes > kept_bytes ? kept_.erase(one) : std::next(one);
  }
}

Task<Result<Copy>> StoredMail::render(std::shared_ptr<const Message> message, RecipientId) {
  if (const auto* kept = find(message->id)) co_return *kept;
  auto in_memory = std::min(message->body.size, held_in_memory);
  CO_TRY(auto text, co_await read_body(blobs_, pool_, message->body, 0, in_memory));
  Copy copy{.skip = return_path_length(text)};
  copy.size = message->body.size - copy.skip;
  text.erase(0, copy.skip);
  if (signer_ != nullptr) {
    CO_TRY(copy.head, co_await signatures(message->body, copy, text));
  }
  if (message->body.size <= held_in_memory)
    copy.text = std::make_shared<const std::string>(std::move(text));
  keep(message->id, copy);
  co_return copy;
}

// `beginning` is the message from its first field on, as much as is held in memory.
Task<Result<std::string>> StoredMail::signatures(blob::Location body, Copy copy,
                                                 std::string beginning) {
  auto end = beginning.find("\r\n\r\n");
  // A header that fills a megabyte is nobody's letter.
  if (end == beginning.npos && beginning.size() < copy.size) co_return std::string();
  auto header = beginning.substr(0, end == beginning.npos ? end : end + 2);
  bool is_signed = co_await signer_->signs(header);
  if (!is_signed) co_return std::string();
  auto from = copy.skip + (end == beginning.npos ? copy.size : end + 4);
  auto work = [&]() -> Result<std::string> {
    trust::BodyHash hash;
    for (auto at = from; at < body.size;) {
      TRY(auto piece, blobs_.read(body, at, piece_size));
      if (piece.empty()) break;
      hash.update(piece);
      at += piece.size();
    }
    return hash.finish();
  };
  CO_TRY(auto hash, co_await pool_.run(work));
  co_return co_await signer_->sign(std::move(header), std::move(hash));
}

Task<Result<std::string_view>> CopySource::next() {
  if (part_ == Part::head) {
    part_ = Part::text;
    if (!copy_.head.empty()) co_return copy_.head;
  }
  if (part_ == Part::end) co_return std::string_view();
  if (copy_.text) {
    part_ = Part::end;
    co_return *copy_.text;
  }
  if (at_ >= body_.size) co_return std::string_view();
  CO_TRY(piece_, co_await read_body(blobs_, pool_, body_, at_, piece_size));
  at_ += piece_.size();
  co_return piece_;
}

}  // namespace todoke::queue
