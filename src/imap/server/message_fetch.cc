#include "imap/server/message_fetch.h"

#include "base/ids.h"
#include "imap/server/flag_text.h"
#include "imap/syntax/writer.h"
#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace todoke::imap {
namespace {

template <class... Args>
void print(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

// The octets that "<offset.length>" leaves of a range.  RFC 9051 §6.4.5.
OctetRange part_of(OctetRange range, const std::optional<FetchItem::Partial>& partial) {
  if (!partial) return range;
  auto begin = range.begin + std::min(partial->offset, range.size());
  return {begin, begin + std::min(partial->length, range.end - begin)};
}

}  // namespace

// RFC 2180 §4.1.3: a message that another session expunged is served for as long as its rows are
// there, which is 30 days.
Task<> MessageFetch::write(std::shared_ptr<const store::View> view, std::size_t index,
                           store::MessageFacts facts, Flags flags) {
  if (!facts.found) {
    ++missed_;
    co_return;
  }
  message_ = (*view)[index];
  facts_ = std::move(facts);
  has_structure_ = false;
  print(line_, "* {} FETCH (", index + 1);
  bool first = true;
  for (const auto& item : items_) {
    if (!std::exchange(first, false)) line_ += ' ';
    // Coroutines for what may wait only: most items are in memory.
    if (write_plain(item)) continue;
    auto step = write_item(item);
    co_await std::move(step);
    if (line_.size() > net::Stream::much) co_await hand_over();
  }
  if (flags != Flags::as_asked) write_changed(flags);
  line_ += ")\r\n";
  io_.write(line_);
  line_.clear();
  inside_answer_ = false;
}

// Gives what is written to the stream.  From here on the answer has to be written to its end.
Task<> MessageFetch::hand_over() {
  inside_answer_ = true;
  io_.write(line_);
  line_.clear();
  co_await io_.breathe(stalled_);
}

// What the client must learn because its command has set \Seen.  RFC 9051 §6.4.5, RFC 7162 §3.2.4.
void MessageFetch::write_changed(Flags flags) {
  auto tell = [&](FetchItem::Kind kind) {
    if (std::ranges::find(items_, kind, &FetchItem::kind) != items_.end()) return;
    line_ += ' ';
    write_plain({.kind = kind});
  };
  tell(FetchItem::Kind::flags);
  if (flags == Flags::told) return;
  tell(FetchItem::Kind::uid);
  tell(FetchItem::Kind::mod_seq);
}

// Items that are in memory already.  False: it is another.
bool MessageFetch::write_plain(const FetchItem& item) {
  using Kind = FetchItem::Kind;
  switch (item.kind) {
    case Kind::uid:
      print(line_, "UID {}", message_->uid);
      return true;
    case Kind::flags:
      line_ += "FLAGS ";
      write_flag_list(line_, message_->flags, message_.keywords);
      return true;
    case Kind::internal_date:
      line_ += "INTERNALDATE ";
      write_date_time(line_, facts_.internal_date);
      return true;
    case Kind::rfc822_size:
      print(line_, "RFC822.SIZE {}", message_->size);
      return true;
    case Kind::envelope:
      line_ += "ENVELOPE ";
      line_ += facts_.envelope;
      return true;
    case Kind::mod_seq:
      print(line_, "MODSEQ ({})", message_->modseq);
      return true;
    case Kind::save_date:
      line_ += "SAVEDATE ";
      if (facts_.saved_at)
        write_date_time(line_, *facts_.saved_at);
      else
        line_ += "NIL";
      return true;
    case Kind::email_id:
      print(line_, "EMAILID ({})", id_text(facts_.blob_id));
      return true;
    case Kind::thread_id:
      print(line_, "THREADID ({})", id_text(facts_.thread_id));
      return true;
    case Kind::preview:
      line_ += "PREVIEW ";
      write_string(line_, facts_.preview);
      return true;
    case Kind::body:
    case Kind::body_structure: {
      bool extended = item.kind == Kind::body_structure;
      line_ += extended ? "BODYSTRUCTURE " : "BODY ";
      write_body_structure(line_, *structure(), extended ? Extensions::yes : Extensions::no);
      return true;
    }
    case Kind::section:
    case Kind::binary:
    case Kind::binary_size:
      break;
  }
  return false;
}

// The structure as it was found at acceptance; a damaged row reads as one opaque part.
const mime::Structure* MessageFetch::structure() {
  if (!has_structure_) {
    auto decoded = mime::decode_structure(facts_.structure);
    structure_ = decoded ? *std::move(decoded) : mime::Structure{};
    if (structure_.parts.empty()) {
      structure_.parts.emplace_back();
      structure_.parts[0].body_end = message_->size;
    }
    has_structure_ = true;
  }
  return &structure_;
}

Task<> MessageFetch::write_item(FetchItem item) {
  line_ += item.name;
  line_ += ' ';
  if (item.kind == FetchItem::Kind::section)
    co_await write_section(std::move(item));
  else
    co_await write_binary(std::move(item));
}

Task<> MessageFetch::write_section(FetchItem item) {
  const auto& section = item.section;
  bool whole = section.part.empty() && section.what == Section::What::everything;
  std::optional<OctetRange> range = OctetRange{0, message_->size};
  if (!whole) range = find_section(*structure(), section, message_->size);
  if (!range) {
    line_ += "NIL";
    co_return;
  }
  using What = Section::What;
  if (section.what == What::header_fields || section.what == What::header_fields_not) {
    co_await write_fields(std::move(item), *range);
    co_return;
  }
  co_await send(part_of(*range, item.partial));
}

Task<> MessageFetch::write_fields(FetchItem item, OctetRange header) {
  auto bytes = co_await read(header.begin, std::min<std::uint64_t>(header.size(), 2 << 20));
  if (!bytes) {
    damaged();
    co_return;
  }
  auto chosen = select_fields(*bytes, item.section);
  auto wanted = part_of({0, chosen.size()}, item.partial);
  literal(std::string_view(chosen).substr(wanted.begin, wanted.size()));
}

void MessageFetch::literal(std::string_view text) {
  print(line_, "{{{}}}\r\n", text.size());
  line_ += text;
}

void MessageFetch::damaged() {
  ++corrupt_;
  line_ += "NIL";
}

Task<Result<std::string>> MessageFetch::read(std::uint64_t offset, std::uint64_t length) {
  if (length == 0) co_return std::string();
  auto bytes = co_await store_.read(facts_.body, offset, length);
  if (!bytes && bytes.error().code == Errc::not_found) {
    std::vector<store::Mailbox::MessageKey> key{{message_->uid, message_->message_id}};
    auto again = co_await mailbox_.facts(std::move(key), store::fact_body);
    if (again.front().body.size != facts_.body.size)
      co_return fail(Errc::corrupt, "the body changed its size");
    facts_.body = again.front().body;
    bytes = co_await store_.read(facts_.body, offset, length);
  }
  if (bytes && bytes->size() != length)
    co_return fail(Errc::corrupt, "the body is shorter than recorded");
  co_return bytes;
}

// Sends octets of the body as a literal.  Whatever fails after the first piece ends the connection,
// as the client has been promised the octets.
Task<> MessageFetch::send(OctetRange range) {
  constexpr std::uint64_t piece = 128 << 10;
  auto offset = range.begin;
  auto first = std::min(piece, range.size());
  auto head = line_.size();
  print(line_, "{{{}}}\r\n", range.size());
  auto cached =
      first == 0 ? Result<bool>(true) : store_.read_cached(facts_.body, offset, first, line_);
  if (!cached || !*cached) {
    auto bytes = co_await read(offset, first);
    if (!bytes) {
      line_.resize(head);
      damaged();
      co_return;
    }
    line_ += *bytes;
  }
  for (offset += first; offset < range.end;) {
    co_await hand_over();
    auto bytes = co_await read(offset, std::min(piece, range.end - offset));
    if (!bytes) throw net::Closed("a body could not be read to its end: " + bytes.error().text);
    line_ += *bytes;
    offset += bytes->size();
  }
}

// BINARY and BINARY.SIZE: the octets with their transfer encoding undone.  RFC 3516, RFC 9051
// §6.4.5.
Task<> MessageFetch::write_binary(FetchItem item) {
  bool is_size = item.kind == FetchItem::Kind::binary_size;
  auto part = find_part(*structure(), item.section.part);
  if (!part) {
    line_ += is_size ? "0" : "NIL";
    co_return;
  }
  const auto& found = structure_.parts[static_cast<std::size_t>(*part)];
  bool whole = item.section.part.empty();
  if (!whole && !mime::is_known_encoding(found.encoding)) {
    ++undecodable_;
    line_ += is_size ? "0" : "NIL";
    co_return;
  }
  OctetRange range{whole ? 0 : found.body_begin, whole ? message_->size : found.body_end};
  auto encoding =
      whole ? mime::TransferEncoding::identity : mime::transfer_encoding(found.encoding);
  auto size = co_await decoded_size(range, encoding);
  if (!size) {
    if (is_size) {
      ++corrupt_;
      line_ += '0';
    } else {
      damaged();
    }
    co_return;
  }
  if (is_size) {
    line_ += std::to_string(*size);
    co_return;
  }
  auto wanted = part_of({0, *size}, item.partial);
  print(line_, "~{{{}}}\r\n", wanted.size());
  co_await send_decoded(range, encoding, wanted);
}

// One pass to count, since a literal's size comes before its octets; another to send.
Task<Result<std::uint64_t>> MessageFetch::decoded_size(OctetRange range,
                                                       mime::TransferEncoding encoding) {
  if (encoding == mime::TransferEncoding::identity) co_return range.size();
  constexpr std::uint64_t piece = 128 << 10;
  mime::TransferDecoder decoder(encoding);
  std::string out;
  std::uint64_t size = 0;
  for (auto offset = range.begin; offset < range.end;) {
    auto bytes = co_await read(offset, std::min(piece, range.end - offset));
    if (!bytes) co_return std::unexpected(bytes.error());
    decoder.feed(*bytes, out);
    size += out.size();
    out.clear();
    offset += bytes->size();
  }
  decoder.finish(out);
  co_return size + out.size();
}

// Sends [wanted.begin, wanted.end) of what `range` decodes to.
Task<> MessageFetch::send_decoded(OctetRange range, mime::TransferEncoding encoding,
                                  OctetRange wanted) {
  constexpr std::uint64_t piece = 128 << 10;
  mime::TransferDecoder decoder(encoding);
  std::string out;
  std::uint64_t decoded = 0;
  for (auto offset = range.begin; decoded < wanted.end;) {
    if (offset < range.end) {
      auto bytes = co_await read(offset, std::min(piece, range.end - offset));
      if (!bytes) throw net::Closed("a body could not be read to its end: " + bytes.error().text);
      decoder.feed(*bytes, out);
      offset += bytes->size();
    } else {
      decoder.finish(out);
    }
    auto from = std::max(wanted.begin, decoded), to = std::min(wanted.end, decoded + out.size());
    if (from < to) line_.append(out, from - decoded, to - from);
    decoded += out.size();
    out.clear();
    co_await hand_over();
  }
}

}  // namespace todoke::imap
