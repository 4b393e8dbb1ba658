#include "trust/dkim_canonical.h"

#include "base/ascii.h"

#include <algorithm>

namespace todoke::trust {
namespace {

constexpr std::string_view line_end = "\r\n";

// Where a run of text ends.
struct Stops {
  std::array<bool, 256> is_stop{};
  constexpr explicit Stops(std::string_view stops) {
    for (char c : stops) is_stop[static_cast<unsigned char>(c)] = true;
  }
  std::size_t length_of_text(std::string_view text) const {
    auto stop = [this](char c) { return is_stop[static_cast<unsigned char>(c)]; };
    return static_cast<std::size_t>(std::ranges::find_if(text, stop) - text.begin());
  }
};
constexpr Stops line_ends("\r\n");
constexpr Stops blanks_and_line_ends(" \t\r\n");

// RFC 6376 §3.4.2: lower-case name, no folds, each run of white space is one space, none at the
// ends of the value.
void append_relaxed_field(std::string& out, std::string_view name, std::string_view raw_value) {
  for (char c : name) out += ascii::lower(c);
  out += ':';
  bool blank = false, text = false;
  while (!raw_value.empty()) {
    auto word = raw_value.substr(0, blanks_and_line_ends.length_of_text(raw_value));
    if (word.empty()) {
      // A line end is no white space itself: it vanishes where unfolding takes it out.
      blank |= ascii::is_space(raw_value[0]);
      raw_value.remove_prefix(1);
      continue;
    }
    if (blank && text) out += ' ';
    out += word;
    raw_value.remove_prefix(word.size());
    blank = false;
    text = true;
  }
  out += line_end;
}

// RFC 6376 §3.4.1: as it is, but for the line ends that the wire will have.
void append_simple_field(std::string& out, std::string_view name, std::string_view raw_value) {
  out += name;
  out += ':';
  while (!raw_value.empty()) {
    auto text = raw_value.substr(0, line_ends.length_of_text(raw_value));
    out += text;
    raw_value.remove_prefix(text.size());
    if (raw_value.empty()) break;
    raw_value.remove_prefix(raw_value.starts_with(line_end) ? 2 : 1);
    if (!raw_value.empty()) out += line_end;
  }
  out += line_end;
}

}  // namespace

void append_canonical_field(std::string& out, Canonicalization canonicalization,
                            std::string_view name, std::string_view raw_value) {
  if (canonicalization == Canonicalization::relaxed)
    append_relaxed_field(out, name, raw_value);
  else
    append_simple_field(out, name, raw_value);
}

// RFC 6376 §3.4.3 and §3.4.4.
void BodyCanonicalizer::update(std::string_view piece, Out out) {
  const bool relaxed = canonicalization_ == Canonicalization::relaxed;
  const auto& stops = relaxed ? blanks_and_line_ends : line_ends;
  while (!piece.empty()) {
    if (auto length = stops.length_of_text(piece); length > 0) {
      put_text(piece.substr(0, length), out);
      piece.remove_prefix(length);
      continue;
    }
    const char c = piece[0];
    piece.remove_prefix(1);
    if (ascii::is_space(c)) {
      held_blank_ = true;
      after_cr_ = false;
    } else {
      if (c == '\r' || !after_cr_) put_line_end();
      after_cr_ = c == '\r';
    }
  }
}

void BodyCanonicalizer::finish(Out out) {
  if (has_text_ || canonicalization_ == Canonicalization::simple) put(line_end, out);
  flush(out);
}

void BodyCanonicalizer::put_line_end() {
  ++held_line_ends_;
  held_blank_ = false;
}

void BodyCanonicalizer::put_text(std::string_view text, Out out) {
  for (; held_line_ends_ > 0; --held_line_ends_) put(line_end, out);
  if (held_blank_) put(" ", out);
  put(text, out);
  held_blank_ = false;
  after_cr_ = false;
  has_text_ = true;
}

void BodyCanonicalizer::put(std::string_view bytes, Out out) {
  if (bytes.size() > gathered_.size() - gathered_size_) flush(out);
  if (bytes.size() > gathered_.size()) return out(bytes);
  std::ranges::copy(bytes, gathered_.begin() + static_cast<std::ptrdiff_t>(gathered_size_));
  gathered_size_ += bytes.size();
}

void BodyCanonicalizer::flush(Out out) {
  if (gathered_size_ > 0) out({gathered_.data(), gathered_size_});
  gathered_size_ = 0;
}

void BodyHash::update(std::string_view piece) {
  canonical_.update(piece, [this](std::string_view bytes) { sha256_.update(bytes); });
}

std::string BodyHash::finish() {
  canonical_.finish([this](std::string_view bytes) { sha256_.update(bytes); });
  return sha256_.finish();
}

std::string body_hash(std::string_view body, Canonicalization canonicalization) {
  BodyHash hash(canonicalization);
  hash.update(body);
  return hash.finish();
}

}  // namespace todoke::trust
