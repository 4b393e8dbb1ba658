#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace todoke::smtp {

// What was said both ways, one line each: "> MAIL FROM:<…>", "< 250 …", "= TLSv1.3 …" for what we
// note.  At most 8 KiB: of a longer one the beginning and the end are kept.  UTF-8 without control
// characters but LF, whatever the peer said.
class Dialogue {
 public:
  static constexpr std::size_t max_bytes = 8 << 10;

  void add(char who, std::string_view line);
  std::string text() const;
  std::string take();

 private:
  std::string head_;
  std::string tail_;
  bool cut_ = false;
};

}  // namespace todoke::smtp
