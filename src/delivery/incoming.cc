#include "delivery/incoming.h"

#include "base/ascii.h"
#include "delivery/preview.h"
#include "mime/header.h"

#include <algorithm>

namespace todoke::delivery {
namespace {

// A header larger than this passes through without Date or Message-ID being added.
constexpr std::size_t max_held = 256 << 10;
// What the preview is made from.
constexpr std::size_t max_beginning = 16 << 10;
// deviation: RFC 5321 §6.3 — 50 Received fields and not 100: no way of mail today is that long, and
// each round of a loop costs everyone on it.
constexpr int max_hops = 50;

// A first line that would continue the last of the header fields in front of it.
bool begins_with_blank(std::string_view text) {
  return text.starts_with(' ') || text.starts_with('\t');
}

// Where the header ends: behind the last line end before the blank line; npos if it goes on.
std::size_t find_header_end(std::string_view text, std::size_t from) {
  if (text.starts_with("\r\n") || begins_with_blank(text)) return 0;
  auto blank = text.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  return blank == text.npos ? blank : blank + 2;
}

}  // namespace

Incoming::Incoming(std::unique_ptr<blob::Writer> writer) : writer_(std::move(writer)) {}
Incoming::Incoming(Incoming&&) noexcept = default;
Incoming& Incoming::operator=(Incoming&&) noexcept = default;
Incoming::~Incoming() = default;

void Incoming::complete_with(std::string date, std::string message_id) {
  date_ = std::move(date);
  message_id_ = std::move(message_id);
}

Result<> Incoming::append(std::string_view bytes) {
  size_ += bytes.size();
  if (header_passed_) return pass(bytes);
  auto before = held_.size();
  held_ += bytes;
  if (find_header_end(held_, before) == held_.npos && held_.size() < max_held) return {};
  return pass_header();
}

// The header is complete, or too long to wait for its end.
Result<> Incoming::pass_header() {
  header_passed_ = true;
  auto header = std::string_view(held_).substr(0, find_header_end(held_, 0));
  auto fields = mime::split_header(header);
  auto hops = std::ranges::count_if(fields, [](const mime::HeaderField& field) {
    return ascii::equal_ignoring_case(field.name, "received");
  });
  if (hops > max_hops && may_loop_)
    return fail(Errc::denied, "the message loops: too many hops");
  auto added = trace_;
  if (!date_.empty() && mime::find_field(fields, "date") == nullptr)
    added += "Date: " + date_ + "\r\n";
  if (!message_id_.empty() && mime::find_field(fields, "message-id") == nullptr)
    added += "Message-ID: <" + message_id_ + ">\r\n";
  // RFC 5322 §2.2.3: folding belongs to a field, and there is none.  An empty line makes such text
  // body, as other servers do; the sender's bytes stay as they are.
  if (!added.empty() && begins_with_blank(held_)) added += "\r\n";
  TRY_OK(pass(added));
  return pass(std::exchange(held_, {}));
}

Result<> Incoming::pass(std::string_view bytes) {
  if (beginning_.size() < max_beginning)
    beginning_ += bytes.substr(0, max_beginning - beginning_.size());
  parser_.feed(bytes);
  return writer_->append(bytes);
}

Result<Incoming::Finished> Incoming::finish() {
  if (!header_passed_) TRY_OK(pass_header());
  TRY(auto location, writer_->finish({}));
  auto structure = parser_.finish();
  return Finished{.location = location,
                  .envelope = mime::encode(structure.envelope),
                  .structure = mime::encode(structure),
                  .preview = preview(structure, beginning_),
                  .final_crlf = structure.final_crlf};
}

}  // namespace todoke::delivery
