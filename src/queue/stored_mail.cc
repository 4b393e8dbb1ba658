#include "queue/stored_mail.h"

#include "base/ascii.h"

namespace todoke::queue {
namespace {

// Larger texts are read piece by piece while they are sent.
constexpr std::uint64_t held_in_memory = 1 << 20;
constexpr std::uint64_t piece_size = 256 << 10;

// The length of a Return-Path field at the beginning, folds included.
std::size_t return_path_length(std::string_view text) {
  constexpr std::string_view name = "Return-Path:";
  if (!ascii::starts_with_ignoring_case(text, name)) return 0;
  auto end = text.find("\r\n");
  while (end != text.npos && end + 2 < text.size() &&
         (text[end + 2] == ' ' || text[end + 2] == '\t'))
    end = text.find("\r\n", end + 2);
  return end == text.npos ? 0 : end + 2;
}

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

Task<Result<std::string>> StoredMail::read(blob::Location body, std::uint64_t from,
                                           std::uint64_t length) {
  return read_body(blobs_, pool_, body, from, length);
}

Task<Result<Copy>> StoredMail::render(std::shared_ptr<const Message> message, RecipientId) {
  if (message->id == last_id_) co_return last_;
  auto in_memory = std::min(message->body.size, held_in_memory);
  CO_TRY(auto text, co_await read(message->body, 0, in_memory));
  Copy copy{.skip = return_path_length(text)};
  copy.size = message->body.size - copy.skip;
  if (message->body.size <= held_in_memory)
    copy.text = std::make_shared<const std::string>(text.substr(copy.skip));
  last_ = copy;
  last_id_ = message->id;
  co_return copy;
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
