#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::smtp {

// RFC 3463 §2: class "." subject "." detail.
struct EnhancedCode {
  std::uint8_t status_class;  // 2, 4 or 5
  std::uint16_t subject;      // up to 999
  std::uint16_t detail;       // up to 999

  friend bool operator==(const EnhancedCode&, const EnhancedCode&) = default;
};

std::string to_text(EnhancedCode code);
// The whole of `text` is an enhanced code.
std::optional<EnhancedCode> parse_enhanced_code(std::string_view text);

// An answer to a command, ours or another server's (RFC 5321 §4.2).
struct Reply {
  int code = 0;                          // three digits, 200 to 599
  std::optional<EnhancedCode> enhanced;  // RFC 2034 §4: stands in every line
  std::vector<std::string> lines;        // text only; no line at all means an empty one

  bool is_positive() const { return code < 400; }
  bool is_transient() const { return code >= 400 && code < 500; }
  bool is_permanent() const { return code >= 500; }
  friend bool operator==(const Reply&, const Reply&) = default;
};

Reply make_reply(int code, std::string text);
Reply make_reply(int code, EnhancedCode enhanced, std::string text);

// Appends the reply as it goes over the wire.  A line never exceeds the 512 bytes of
// RFC 5321 §4.5.3.1.5: longer text is cut between characters.  Whatever the text holds, no control
// character is sent (it becomes a space), nor anything that is not UTF-8 (it becomes '?').
void render(const Reply& reply, std::string& out);
std::string render(const Reply& reply);

// Puts a reply of another server together from its lines.  Tolerant, as servers are: blanks and
// text may be missing, codes of the lines may differ (the last one counts), lines inside a
// multi-line reply may lack their code.  Control characters become spaces; other bytes are kept, so
// the text may not be UTF-8.
class ReplyParser {
 public:
  static constexpr std::size_t max_lines = 200;
  static constexpr std::size_t max_bytes = 32'768;

  // One line without its line end.  True means that the reply is complete: take it.
  // Errc::invalid: this is no SMTP reply, the connection is useless.  Errc::over_limit: too long.
  Result<bool> add(std::string_view line);
  // The complete reply; the parser is then ready for the next one.
  Reply take();

 private:
  Reply reply_;
  std::size_t bytes_ = 0;
};

}  // namespace todoke::smtp
