#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The compact form in which structures are stored: LEB128 numbers and strings with
// their length in front.  The reader survives anything; after the first bad byte it answers zeros
// and empty strings, and `good()` is false.
namespace todoke::mime {

class WireWriter {
 public:
  void number(std::uint64_t value) {
    for (; value >= 128; value >>= 7) out_ += static_cast<char>(value | 128);
    out_ += static_cast<char>(value);
  }
  void text(std::string_view text) {
    number(text.size());
    out_ += text;
  }
  // Absent is not the same as empty.
  void optional_text(const std::optional<std::string>& value) {
    number(value ? value->size() + 1 : 0);
    if (value) out_ += *value;
  }
  std::string take() && { return std::move(out_); }

 private:
  std::string out_;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 127U} << shift;
      if (byte < 128) return value;
    }
    return bad();
  }
  std::string text() { return bytes(number()); }
  std::optional<std::string> optional_text() {
    auto size = number();
    if (size == 0) return {};
    return bytes(size - 1);
  }
  // How many things follow.  Each takes at least `least` bytes, so that nobody reserves memory for
  // more than the bytes can hold; more than `limit` is bad.
  std::size_t count(std::size_t least, std::size_t limit) {
    auto value = number();
    if (value > limit || value > rest_.size() / least) return bad();
    return value;
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }
  // Refuses what has been read: the rest is not looked at.
  std::uint64_t bad() {
    good_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::string bytes(std::uint64_t size) {
    if (size > rest_.size()) size = bad();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(text.size());
    return text;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace todoke::mime
