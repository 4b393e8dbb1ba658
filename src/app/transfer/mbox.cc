#include "app/transfer/mbox.h"

#include "base/ascii.h"
#include "mime/date.h"
#include "store/model.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace todoke::transfer {
namespace {

// A From line is looked at this far.
constexpr std::size_t max_line_start = 1024;
constexpr std::size_t max_header = 1 << 20;

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// The date of "From sender Thu Nov 20 10:00:00 2026": behind the first word, which may be missing
// or, with some writers, hold spaces.
std::optional<Time> from_line_date(std::string_view line) {
  auto rest = ascii::trim(without_line_end(line).substr(5));
  if (rest.find(':') == rest.npos) return {};
  for (int i = 0; i < 3 && !rest.empty(); ++i) {
    auto word = rest.substr(0, rest.find(' '));
    rest = ascii::trim(rest.substr(word.size()));
    if (auto date = mime::parse_date(rest)) return date->time;
  }
  return {};
}

// Whether the line, of which `line` is the beginning, may still turn out to need a closer look.
bool undecided(std::string_view line) {
  auto word = line.substr(std::min(line.size(), line.find_first_not_of('>')));
  constexpr std::string_view from = "From ";
  if (line.starts_with('F')) return from.starts_with(line.substr(0, 5));
  if (line.starts_with('\r')) return line.size() == 1;
  return line.starts_with('>') && word.size() < from.size() && from.starts_with(word);
}

bool is_quoted_from(std::string_view line) {
  auto at = line.find_first_not_of('>');
  return at != line.npos && at > 0 && line.substr(at).starts_with("From ");
}

constexpr std::pair<char, unsigned> status_flags[] = {{'R', store::flag_seen}};
constexpr std::pair<char, unsigned> x_status_flags[] = {{'A', store::flag_answered},
                                                        {'F', store::flag_flagged},
                                                        {'T', store::flag_draft},
                                                        {'D', store::flag_deleted}};
constexpr std::string_view own_fields[] = {"status", "x-status", "x-keywords",
                                           "x-uid",  "x-imap",   "x-imapbase"};

}  // namespace

std::string tidy_keywords(std::string_view text) {
  std::set<std::string> words;
  while (!text.empty()) {
    auto begin = text.find_first_not_of(" \t,");
    if (begin == text.npos) break;
    text.remove_prefix(begin);
    auto word = text.substr(0, text.find_first_of(" \t,"));
    text.remove_prefix(word.size());
    auto is_atom = [](char c) {
      return !ascii::is_control(c) && !ascii::is_8bit(c) &&
             std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
    };
    if (word.size() <= 64 && words.size() < 64 && std::ranges::all_of(word, is_atom))
      words.insert(ascii::to_lower(word));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

Result<> MboxReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    auto end = bytes.find('\n');
    auto piece = bytes.substr(0, end == bytes.npos ? bytes.size() : end + 1);
    bool whole = end != bytes.npos;
    bytes.remove_prefix(piece.size());
    offset_ += piece.size();
    if (inside_) {
      pass(piece);
      inside_ = !whole;
      after_blank_ = false;
    } else {
      line_ += piece;
      TRY_OK(take_line_start(whole));
    }
    if (whole) line_offset_ = offset_;
  }
  return {};
}

Result<> MboxReader::finish() {
  if (!line_.empty()) TRY_OK(take_line_start(true));
  // The last empty line belongs to the file.
  if (open_) sink_.end();
  open_ = false;
  return {};
}

// Looks at line_, the beginning of a line: `whole` when all of it is there.
Result<> MboxReader::take_line_start(bool whole) {
  // Of a run of ">" only one is held back, which is all that may have to go.
  if (open_ && line_.starts_with(">>")) {
    auto surplus = std::min(line_.find_first_not_of('>'), line_.size()) - 1;
    pass(std::string_view(line_).substr(0, surplus));
    line_.erase(0, surplus);
  }
  bool from = line_.starts_with("From ");
  if (!whole && line_.size() < max_line_start && (from || undecided(line_))) return {};
  auto line = std::exchange(line_, {});
  inside_ = !whole;
  if (without_line_end(line).empty()) {
    if (!open_) return {};  // above the first message
    if (!blank_.empty()) pass({});
    blank_ = std::move(line);
    after_blank_ = true;
    return {};
  }
  if (from && after_blank_) {
    if (auto date = from_line_date(line); date || !open_) {
      begin_message(line);
      return {};
    }
  }
  if (!open_)
    return fail(Errc::invalid, "this is no mbox file: its first line does not begin with From");
  after_blank_ = false;
  pass(is_quoted_from(line) ? std::string_view(line).substr(1) : std::string_view(line));
  return {};
}

void MboxReader::begin_message(std::string_view line) {
  if (open_) sink_.end();
  blank_.clear();
  open_ = true;
  // An empty line right below the From line is the message's own.
  after_blank_ = false;
  sink_.begin(line_offset_, from_line_date(line));
}

void MboxReader::pass(std::string_view bytes) {
  if (!blank_.empty()) sink_.body(std::exchange(blank_, {}));
  if (!bytes.empty()) sink_.body(bytes);
}

void StatusFilter::feed(std::string_view bytes, std::string& out) {
  while (in_header_ && !bytes.empty()) {
    auto end = bytes.find('\n');
    auto piece = bytes.substr(0, end == bytes.npos ? bytes.size() : end + 1);
    bytes.remove_prefix(piece.size());
    line_ += piece;
    header_bytes_ += piece.size();
    if (end != bytes.npos || header_bytes_ > max_header) {
      if (without_line_end(line_).empty() || header_bytes_ > max_header) in_header_ = false;
      if (!in_header_ || !take(line_)) out += line_;
      line_.clear();
    }
  }
  out += bytes;
}

void StatusFilter::finish(std::string& out) {
  if (!line_.empty() && !take(line_)) out += line_;
  line_.clear();
}

// Whether the line is a field of ours, to be left out.
bool StatusFilter::take(std::string_view line) {
  auto colon = line.find(':');
  if (colon == line.npos || colon > 12) return false;
  auto name = ascii::to_lower(line.substr(0, colon));
  auto known = std::ranges::find(own_fields, name);
  if (known == std::end(own_fields)) return false;
  auto bit = 1u << (known - std::begin(own_fields));
  if ((seen_ & bit) != 0) return false;
  seen_ |= bit;
  auto value = ascii::trim(without_line_end(line.substr(colon + 1)));
  auto read = [&](auto& flags) {
    for (auto [letter, flag] : flags)
      if (value.find(letter) != value.npos) marks_.flags |= flag;
  };
  if (name == "status") read(status_flags);
  if (name == "x-status") read(x_status_flags);
  if (name == "x-keywords") marks_.keywords = tidy_keywords(value);
  return true;
}

void MboxWriter::begin(const Marks& marks, std::string& out) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(marks.internal_date.value_or(Time{}));
  out += fmt::format("From MAILER-DAEMON {:%a %b %e %H:%M:%S %Y}\n", fmt::gmtime(seconds));
  out += (marks.flags & store::flag_seen) != 0 ? "Status: RO\n" : "Status: O\n";
  out += "X-Status: ";
  for (auto [letter, flag] : x_status_flags)
    if ((marks.flags & flag) != 0) out += letter;
  // Always there, so that a reader takes ours and leaves what the message itself has.
  out += fmt::format("\nX-Keywords: {}\n", marks.keywords);
  line_start_.clear();
  at_start_ = true;
  cr_ = false;
  last_ = '\n';
}

void MboxWriter::body(std::string_view bytes, std::string& out) {
  for (char c : bytes) {
    if (cr_ && c != '\n') put('\r', out);
    cr_ = c == '\r';
    if (!cr_) put(c, out);
  }
}

// Holds a line's beginning back while it looks like ">*From ".  The run of ">" is not held, since
// one more of them is right wherever it stands in the run.
void MboxWriter::put(char c, std::string& out) {
  constexpr std::string_view from = "From ";
  last_ = c;
  if (at_start_) {
    if (line_start_.empty() && c == '>') {
      out += c;
      return;
    }
    line_start_ += c;
    if (line_start_ == from) {
      out += '>';
      at_start_ = false;
    } else if (from.starts_with(line_start_)) {
      return;
    }
    out += std::exchange(line_start_, {});
    at_start_ = c == '\n';
    return;
  }
  out += c;
  at_start_ = c == '\n';
}

void MboxWriter::end(std::string& out) {
  if (cr_) put('\r', out);
  cr_ = false;
  out += std::exchange(line_start_, {});
  if (last_ != '\n') out += '\n';
  out += '\n';
  at_start_ = true;
}

}  // namespace todoke::transfer
