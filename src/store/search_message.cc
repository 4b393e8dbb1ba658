#include "store/search_message.h"

#include "base/ascii.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/limits.h"
#include "mime/text.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace todoke::store {
namespace {

using Where = TextCondition::Where;

constexpr std::uint64_t piece_size = 256 * 1024;
// Read at once when the body is wanted too: most messages are not larger.
constexpr std::uint64_t read_ahead = 64 * 1024;

std::vector<std::size_t> slots(const Condition& condition, bool with_body) {
  std::vector<std::size_t> found;
  const auto& texts = condition.texts();
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (texts[i].where == Where::text || (with_body && texts[i].where == Where::body))
      found.push_back(i);
  return found;
}

std::vector<std::string_view> needles(const Condition& condition,
                                      const std::vector<std::size_t>& slots) {
  std::vector<std::string_view> found;
  for (auto slot : slots) found.push_back(condition.texts()[slot].needle);
  return found;
}

bool contains(std::string_view text, std::string_view needle) {
  return memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

// Parts that people read: text, reports about delivery, and multiparts that could not be taken
// apart.  Never attachments.
bool is_readable(const mime::Part& part) {
  return part.type == "text" || (part.type == "message" && !part.is_message()) ||
         (part.type == "multipart" && part.opaque);
}

}  // namespace

std::optional<std::chrono::sys_days> sent_day(const std::optional<std::string>& date) {
  if (!date) return {};
  const auto parsed = mime::parse_date(*date);
  if (!parsed) return {};
  return std::chrono::floor<std::chrono::days>(parsed->time +
                                               std::chrono::minutes(parsed->zone_minutes));
}

MessageSearch::MessageSearch(blob::Store& blobs, const Condition& condition)
    : blobs_(blobs),
      condition_(condition),
      header_slots_(slots(condition, false)),
      body_slots_(slots(condition, true)),
      in_header_(needles(condition, header_slots_)),
      in_body_(needles(condition, body_slots_)) {
  for (const auto& text : condition.texts())
    wants_fields_ = wants_fields_ || text.where == Where::field;
}

Result<Truth> MessageSearch::test(Evidence evidence) {
  texts_.assign(condition_.texts().size(), Truth::unknown);
  evidence.texts = texts_;
  in_header_.reset();
  in_body_.reset();
  at_ = evidence.facts->body;
  window_.clear();
  window_begin_ = 0;
  auto looked = look(evidence);
  if (!looked && looked.error().code != Errc::corrupt) return std::unexpected(looked.error());
  return condition_.test(evidence);
}

Result<> MessageSearch::look(Evidence& evidence) {
  if (at_.stored == 0) return fail(Errc::corrupt, "the message's body is not known");
  auto structure = mime::decode_structure(evidence.facts->structure);
  const bool is_known = structure && !structure->parts.empty();
  const bool lacks_date = condition_.wants_sent_date() && !evidence.sent;
  if (wants_fields_ || !header_slots_.empty() || lacks_date || !is_known) {
    const auto whole = is_known ? structure->parts[0].body_begin : mime::max_header_bytes;
    TRY_OK(look_at_header(std::min<std::uint64_t>(whole, mime::max_header_bytes), evidence));
    if (is_decided(evidence)) return {};
  }
  if (body_slots_.empty()) return {};
  if (is_known) {
    TRY_OK(look_at_parts(*structure, evidence));
  } else {
    // All that stands behind the header, as it stands.
    mime::Part rest;
    rest.body_begin = header_end_;
    rest.body_end = at_.size;
    TRY_OK(look_at_text(rest, evidence));
  }
  if (is_decided(evidence)) return {};
  for (auto slot : body_slots_)
    if (texts_[slot] == Truth::unknown) texts_[slot] = Truth::no;
  return {};
}

Result<> MessageSearch::look_at_header(std::uint64_t length, Evidence& evidence) {
  TRY(auto block, bytes(0, length));
  const auto fields = mime::split_header(block);
  header_end_ = fields.empty() ? 0 : fields.back().end;
  for (const auto& field : fields) look_at_field(field);
  for (std::size_t i = 0; i < header_slots_.size(); ++i)
    if (in_header_.found(i)) texts_[header_slots_[i]] = Truth::yes;
  for (std::size_t i = 0; i < texts_.size(); ++i)
    if (condition_.texts()[i].where == Where::field && texts_[i] == Truth::unknown)
      texts_[i] = Truth::no;
  if (condition_.wants_sent_date() && !evidence.sent) {
    const auto* date = mime::find_field(fields, "date");
    evidence.sent =
        sent_day(date == nullptr ? std::optional<std::string>() : mime::unfold(date->raw_value));
  }
  return {};
}

void MessageSearch::look_at_field(const mime::HeaderField& field) {
  if (!in_header_.found_all()) feed_field(field, in_header_);
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const auto& text = condition_.texts()[i];
    if (text.where != Where::field || texts_[i] == Truth::yes ||
        !ascii::equal_ignoring_case(field.name, text.field))
      continue;
    if (text.needle.empty() || contains(fold(mime::header_text(field.raw_value)), text.needle))
      texts_[i] = Truth::yes;
  }
}

void MessageSearch::feed_field(const mime::HeaderField& field, TextFinder& finder) {
  finder.feed(std::string(field.name) + ": " + mime::header_text(field.raw_value));
  finder.end_text();
}

Result<> MessageSearch::look_at_parts(const mime::Structure& structure, const Evidence& evidence) {
  // File names belong to the text of the whole message, not to its body.
  if (!header_slots_.empty()) {
    in_header_.reset();
    for (const auto& part : structure.parts) {
      in_header_.feed(part.file_name());
      in_header_.end_text();
    }
    for (std::size_t i = 0; i < header_slots_.size(); ++i)
      if (in_header_.found(i)) texts_[header_slots_[i]] = Truth::yes;
  }
  if (is_decided(evidence)) return {};
  for (const auto& part : structure.parts) {
    // The header of a message within the message is text of its body.
    if (part.parent >= 0 && structure.parts[static_cast<std::size_t>(part.parent)].is_message()) {
      const auto length = part.body_begin - std::min(part.header_begin, part.body_begin);
      TRY(auto block,
          bytes(part.header_begin, std::min<std::uint64_t>(length, mime::max_header_bytes)));
      for (const auto& field : mime::split_header(block)) feed_field(field, in_body_);
    }
    if (is_readable(part)) {
      TRY_OK(look_at_text(part, evidence));
    }
    if (is_decided(evidence)) return {};
  }
  return {};
}

Result<> MessageSearch::look_at_text(const mime::Part& part, const Evidence& evidence) {
  mime::PartTextDecoder decoder(part);
  for (auto at = part.body_begin; at < part.body_end; at += piece_size) {
    TRY(auto piece, bytes(at, std::min(piece_size, part.body_end - at)));
    if (piece.empty()) break;
    decoded_.clear();
    decoder.feed(piece, decoded_);
    in_body_.feed(decoded_);
    if (is_decided(evidence)) return {};
  }
  decoded_.clear();
  decoder.finish(decoded_);
  in_body_.feed(decoded_);
  in_body_.end_text();
  return {};
}

bool MessageSearch::is_decided(const Evidence& evidence) {
  for (std::size_t i = 0; i < body_slots_.size(); ++i)
    if (in_body_.found(i)) texts_[body_slots_[i]] = Truth::yes;
  return condition_.test(evidence) != Truth::unknown;
}

Result<std::string_view> MessageSearch::bytes(std::uint64_t begin, std::uint64_t length) {
  begin = std::min(begin, at_.size);
  length = std::min(length, at_.size - begin);
  if (length == 0) return std::string_view();
  if (begin < window_begin_ || begin + length > window_begin_ + window_.size()) {
    const auto ahead = body_slots_.empty() ? 0 : read_ahead;
    TRY(window_, blobs_.read(at_, begin, std::max(length, ahead)));
    window_begin_ = begin;
  }
  return std::string_view(window_).substr(begin - window_begin_, length);
}

}  // namespace todoke::store
