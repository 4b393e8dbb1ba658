#pragma once

#include <string>
#include <string_view>

namespace todoke::transfer {

// Message bytes of files, in pieces, to what we store: every LF without a CR gets one.  Nothing
// else changes.
class ToCrlf {
 public:
  void feed(std::string_view bytes, std::string& out) {
    for (char c : bytes) {
      if (c == '\n' && last_ != '\r') out += '\r';
      out += c;
      last_ = c;
    }
  }

 private:
  char last_ = '\0';
};

// The way back: CRLF becomes LF, in pieces; a CR that stands alone stays.
class FromCrlf {
 public:
  void feed(std::string_view bytes, std::string& out) {
    for (char c : bytes) {
      if (held_ && c != '\n') out += '\r';
      held_ = c == '\r';
      if (!held_) out += c;
    }
  }
  void finish(std::string& out) {
    if (held_) out += '\r';
    held_ = false;
  }

 private:
  bool held_ = false;  // a CR was seen and not yet passed on
};

}  // namespace todoke::transfer
