#include "smtp/syntax/data.h"

namespace todoke::smtp {
namespace {

constexpr std::uint64_t max_text_line = 1000;  // RFC 5321 §4.5.3.1.6, CRLF included

}  // namespace

// One memchr finds the LF, others look for a bare CR and a NUL before it until the first one is
// known: linear, and fast on ordinary text.
std::size_t LineChecker::take_line(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    auto rest = bytes.substr(taken);
    auto text = rest.substr(0, rest.find('\n'));
    bool has_lf = text.size() < rest.size();
    bool has_cr = text.empty() ? after_cr_ : text.back() == '\r';
    if (after_cr_ && !text.empty()) faults_.bare_cr = true;
    if (!faults_.bare_cr && text.size() > 1)
      faults_.bare_cr = text.substr(0, text.size() - 1).contains('\r');
    if (!faults_.nul) faults_.nul = text.contains('\0');
    after_cr_ = has_cr && !has_lf;
    taken += text.size() + (has_lf ? 1 : 0);
    if (has_lf && has_cr) {
      if (line_length_ + taken > max_text_line) faults_.long_line = true;
      line_length_ = 0;
      return taken;
    }
    if (has_lf) faults_.bare_lf = true;
  }
  line_length_ += taken;
  return taken;
}

void LineChecker::take_all(std::string_view bytes) {
  while (!bytes.empty()) bytes.remove_prefix(take_line(bytes));
}

void LineChecker::finish() {
  if (after_cr_) faults_.bare_cr = true;
  if (line_length_ > max_text_line) faults_.long_line = true;
  after_cr_ = false;
}

// RFC 5321 §4.5.2: a line of one dot ends the text; from any other line that begins with a dot,
// that dot is removed.
DataReader::Piece DataReader::next(std::string_view input) {
  std::size_t used = 0;
  while (used < input.size() && at_ != At::end) {
    char c = input[used];
    if (at_ == At::dot && c == '\r') {
      at_ = At::dot_cr;
      ++used;
    } else if (at_ == At::dot_cr && c == '\n') {
      at_ = At::end;
      ++used;
    } else if (at_ == At::dot_cr) {
      at_ = At::text;
      take_text("\r");
      return {"\r", used};
    } else if (at_ == At::text && c == '.' && checker_.at_line_start()) {
      at_ = At::dot;
      ++used;
    } else {
      at_ = At::text;
      auto length = take_text(input.substr(used));
      return {input.substr(used, length), used + length};
    }
  }
  return {{}, used};
}

std::size_t DataReader::read(std::string_view input, std::string& out) {
  std::size_t used = 0;
  while (used < input.size() && !ended()) {
    auto piece = next(input.substr(used));
    out += piece.text;
    used += piece.consumed;
  }
  return used;
}

// Up to a line that begins with a dot.  The first byte is text, whatever it is.
std::size_t DataReader::take_text(std::string_view input) {
  std::size_t length = 0;
  do {
    length += checker_.take_line(input.substr(length));
  } while (length < input.size() && !(checker_.at_line_start() && input[length] == '.'));
  size_ += length;
  return length;
}

}  // namespace todoke::smtp
