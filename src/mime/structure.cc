#include "mime/structure.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/transfer.h"

#include <algorithm>
#include <utility>

namespace todoke::mime {
namespace {

// Only lines up to this length can be boundaries: "--", the boundary, "--", some padding.
constexpr std::size_t max_boundary_line = max_boundary + 128;

std::string text_of(std::string_view raw_value) {
  return valid_utf8(header_to_utf8(unfold(raw_value)));
}

// The first word of a structured field, in lower case.
std::string token_of(std::string_view raw_value) {
  auto text = text_of(raw_value);
  return ascii::to_lower(std::string_view(text).substr(0, text.find_first_of(" \t;(")));
}

// RFC 3282 §2: tags with commas between.
std::vector<std::string> languages_of(std::string_view raw_value) {
  auto text = text_of(raw_value);
  std::vector<std::string> languages;
  for (std::size_t at = 0; at < text.size() && languages.size() < max_parameters;) {
    auto end = std::min(text.find(',', at), text.size());
    auto tag = ascii::trim(std::string_view(text).substr(at, end - at));
    if (!tag.empty()) languages.emplace_back(tag);
    at = end + 1;
  }
  return languages;
}

bool is_nested_message(const Part& part) {
  return part.type == "message" && (part.subtype == "rfc822" || part.subtype == "global");
}

// RFC 2045 §5.1.  A field that makes no sense leaves the default, as §5.2 advises.
bool read_content_type(Part& part, std::string_view raw_value) {
  auto field = parse_parameter_field(raw_value);
  auto slash = field.value.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == field.value.size()) {
    part.type = "text";
    part.subtype = "plain";
  } else {
    part.type = ascii::to_lower(std::string_view(field.value).substr(0, slash));
    part.subtype = ascii::to_lower(std::string_view(field.value).substr(slash + 1));
  }
  part.parameters = std::move(field.parameters);
  return !field.truncated;
}

}  // namespace

std::string Part::file_name() const {
  if (const auto* name = disposition_parameters.find("filename")) return *name;
  if (const auto* name = parameters.find("name")) return *name;
  return {};
}

std::vector<int> Structure::children(int part) const {
  std::vector<int> found;
  for (std::size_t i = static_cast<std::size_t>(part) + 1; i < parts.size(); ++i)
    if (parts[i].parent == part) found.push_back(static_cast<int>(i));
  return found;
}

StructureParser::StructureParser() {
  begin_part(-1, 0);
}

void StructureParser::note_end(std::string_view chunk) {
  for (char c : chunk.substr(chunk.size() - std::min<std::size_t>(chunk.size(), 2)))
    end_ = {end_[1], c};
}

void StructureParser::feed(std::string_view chunk) {
  note_end(chunk);
  while (!chunk.empty()) {
    // Without a boundary to look for nothing but the line feeds counts.
    if (state_ == State::opaque || (state_ == State::body && open_.empty())) {
      line_feeds_ += static_cast<std::uint64_t>(std::ranges::count(chunk, '\n'));
      auto last = chunk.rfind('\n');
      if (last != std::string_view::npos) line_begin_ = offset_ + last + 1;
      offset_ += chunk.size();
      return;
    }
    auto newline = chunk.find('\n');
    bool whole = newline != std::string_view::npos;
    auto piece = whole ? chunk.substr(0, newline + 1) : chunk;
    chunk.remove_prefix(piece.size());
    take_piece(piece, whole);
  }
}

void StructureParser::take_piece(std::string_view piece, bool whole) {
  bool alone = offset_ == line_begin_;
  offset_ += piece.size();
  Line line{piece, piece, offset_ - line_begin_, 0};
  char before = piece.size() > 1 ? piece[piece.size() - 2] : alone ? '\0' : last_byte_;
  last_byte_ = piece.back();
  if (whole) line.end = before == '\r' ? 2 : 1;
  if (!whole || !alone) {
    // Of a line in a body only what could be a boundary is kept; of a header what may fit the
    // limit.
    auto wanted = max_boundary_line;
    if (state_ == State::header) wanted = std::max(wanted, header_left_);
    line_ += piece.substr(0, wanted - std::min(wanted, line_.size()));
    if (!whole) return;
    line.raw = line_;
  }
  auto text_length = line.length - static_cast<std::uint64_t>(line.end);
  line.text = line.raw.substr(0, std::min<std::uint64_t>(text_length, line.raw.size()));
  take_line(line);
  line_.clear();
}

void StructureParser::take_line(const Line& line) {
  for (bool taken = false; !taken;) {
    auto boundary = find_boundary(line);
    if (boundary && state_ == State::header) {
      end_header(line_begin_, line_feeds_);  // may open another header, at most max_depth times
    } else if (boundary) {
      take_boundary(*boundary);
      taken = true;
    } else {
      taken = state_ != State::header || take_header_line(line);
    }
  }
  if (line.end > 0) ++line_feeds_;
  previous_end_ = static_cast<std::uint64_t>(line.end);
  previous_is_empty_ = line.length == previous_end_;
  line_begin_ = offset_;
}

// RFC 2046 §5.1.1.  The whole line must match, so that one boundary may begin like another; if two
// open multiparts share one, it is the inner one's.
std::optional<StructureParser::Boundary> StructureParser::find_boundary(const Line& line) const {
  if (state_ == State::opaque || open_.empty() || !line.text.starts_with("--")) return {};
  if (line.length > max_boundary_line) return {};
  auto text = ascii::trim(line.text.substr(2));
  for (auto level = open_.size(); level-- > 0;) {
    std::string_view boundary = open_[level].boundary;
    if (text.size() < boundary.size() || text.size() > boundary.size() + 2) continue;
    if (!text.starts_with(boundary)) continue;
    auto rest = text.substr(boundary.size());
    if (rest.empty() || rest == "--") return Boundary{level, !rest.empty()};
  }
  return {};
}

void StructureParser::take_boundary(Boundary boundary) {
  int multipart = open_[boundary.level].part;
  if (!boundary.closes && result_.parts.size() == max_parts) {
    result_.truncated = true;
    state_ = State::opaque;
    return;
  }
  // The line end before the boundary is part of it.
  close_parts(multipart, line_begin_ - previous_end_, line_feeds_ - (previous_is_empty_ ? 1 : 0));
  open_.resize(boundary.closes ? boundary.level : boundary.level + 1);
  current_ = multipart;
  if (!boundary.closes) begin_part(multipart, offset_);
}

// Answers false when the line ended the header and is still to be taken.
bool StructureParser::take_header_line(const Line& line) {
  if (line.length > header_left_) {
    result_.truncated = true;
    current().body_begin = line_begin_;
    current().lines = line_feeds_;
    read_header();
    current().opaque = true;
    state_ = State::opaque;
    return true;
  }
  auto kind = classify_header_line(line.text);
  if (kind == HeaderLine::continuation && !block_has_field_) kind = HeaderLine::other;
  if (kind == HeaderLine::envelope && !block_.empty()) kind = HeaderLine::other;
  if (kind == HeaderLine::other) {
    end_header(line_begin_, line_feeds_);
    return false;
  }
  header_left_ -= line.length;
  if (kind == HeaderLine::blank) {
    end_header(offset_, line_feeds_ + 1);
    return true;
  }
  if (kind == HeaderLine::field) block_has_field_ = true;
  block_ += line.raw;
  return true;
}

void StructureParser::end_header(std::uint64_t body_begin, std::uint64_t lines_before) {
  current().body_begin = body_begin;
  current().lines = lines_before;
  read_header();
  enter_body();
}

void StructureParser::read_header() {
  Part& part = current();
  auto fields = split_header(block_);
  if (part.parent < 0) {
    result_.envelope = parse_envelope(fields);
  } else if (auto& parent = result_.parts[static_cast<std::size_t>(part.parent)];
             parent.type == "message") {
    parent.envelope = parse_envelope(fields, addresses_left_, &result_.truncated);
    addresses_left_ -= std::min(addresses_left_, address_count(*parent.envelope));
  } else if (parent.subtype == "digest") {
    part.type = "message";  // RFC 2046 §5.1.5
    part.subtype = "rfc822";
  }
  bool type_seen = false;
  for (const auto& field : fields) {
    auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(field.name, name); };
    if (field.name.size() < 8 || !ascii::starts_with_ignoring_case(field.name, "Content-"))
      continue;
    if (is("Content-Type") && !std::exchange(type_seen, true)) {
      if (!read_content_type(part, field.raw_value)) result_.truncated = true;
    } else if (is("Content-Transfer-Encoding")) {
      part.encoding = token_of(field.raw_value);
    } else if (is("Content-Disposition") && part.disposition.empty()) {
      auto disposition = parse_parameter_field(field.raw_value);
      part.disposition = ascii::to_lower(disposition.value);
      part.disposition_parameters = std::move(disposition.parameters);
      result_.truncated = result_.truncated || disposition.truncated;
    } else if (is("Content-ID")) {
      part.content_id = text_of(field.raw_value);
    } else if (is("Content-Description")) {
      part.description = text_of(field.raw_value);
    } else if (is("Content-Language")) {
      part.languages = languages_of(field.raw_value);
    } else if (is("Content-Location")) {
      part.location = text_of(field.raw_value);
    } else if (is("Content-MD5")) {
      part.md5 = text_of(field.raw_value);
    }
  }
  if (part.encoding.empty()) part.encoding = "7bit";
  if (current_ == 0) result_.header = std::move(block_);
  block_.clear();
}

void StructureParser::enter_body() {
  Part& part = current();
  state_ = State::body;
  bool is_message = is_nested_message(part);
  if (part.type != "multipart" && !is_message) return;
  const auto* boundary = part.parameters.find("boundary");
  auto trimmed = boundary == nullptr ? std::string_view() : ascii::trim(*boundary);
  // An encoded message is against RFC 2046 §5.2.1 and cannot be looked into.  An encoded multipart
  // is too (§5.1), but those that say so are not encoded in truth.
  bool readable = is_message ? transfer_encoding(part.encoding) == TransferEncoding::identity
                             : !trimmed.empty() && trimmed.size() <= max_boundary;
  bool in_limits = depths_[static_cast<std::size_t>(current_)] < max_depth &&
                   (!is_message || result_.parts.size() < max_parts);
  if (readable && !in_limits) result_.truncated = true;
  if (!readable || !in_limits) {
    part.opaque = true;
  } else if (is_message) {
    begin_part(current_, part.body_begin);
  } else {
    open_.push_back({current_, std::string(trimmed)});
  }
}

void StructureParser::begin_part(int parent, std::uint64_t offset) {
  auto depth = parent < 0 ? 0 : depths_[static_cast<std::size_t>(parent)] + 1;
  if (parent >= 0) has_children_[static_cast<std::size_t>(parent)] = true;
  Part part;
  part.parent = parent;
  part.header_begin = part.body_begin = part.body_end = offset;
  current_ = static_cast<int>(result_.parts.size());
  result_.parts.push_back(std::move(part));
  depths_.push_back(depth);
  has_children_.push_back(false);
  state_ = State::header;
  block_.clear();
  block_has_field_ = false;
}

// Ends the bodies of the current part and of those around it, but not of `until`.  Until now
// `lines` held the line number at which each body began.
void StructureParser::close_parts(int until, std::uint64_t end, std::uint64_t lines_before) {
  for (; current_ != until; current_ = current().parent) {
    Part& part = current();
    // A header that runs into the boundary keeps its line end, and so do the parts around it.
    end = std::max(part.body_begin, end);
    part.body_end = end;
    part.lines = lines_before - std::min(lines_before, part.lines);
    bool childless = !has_children_[static_cast<std::size_t>(current_)];
    if (part.type == "multipart" && childless) part.opaque = true;
  }
}

Structure StructureParser::finish() {
  auto unfinished = offset_ > line_begin_ ? 1U : 0U;
  if (unfinished > 0 && !line_.empty()) {
    auto kept = std::exchange(line_, {});
    take_line({kept, kept, offset_ - line_begin_, 0});
  }
  while (state_ == State::header) end_header(offset_, line_feeds_ + unfinished);
  close_parts(-1, offset_, line_feeds_ + unfinished);
  result_.final_crlf = offset_ == 0 || end_ == std::array{'\r', '\n'};
  return std::move(result_);
}

Structure parse_structure(std::string_view message) {
  StructureParser parser;
  parser.feed(message);
  return parser.finish();
}

}  // namespace todoke::mime
