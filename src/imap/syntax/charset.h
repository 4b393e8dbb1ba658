#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

struct UConverter;

namespace todoke::imap {

// What the strings of one SEARCH are written in.  RFC 9051 §6.4.4.  Private to this folder.
class SearchCharset {
 public:
  // UTF-8, of which US-ASCII is a part.
  SearchCharset();
  // Errc::unavailable when we cannot read it.
  static Result<SearchCharset> open(const std::string& name);
  SearchCharset(SearchCharset&&) noexcept;
  SearchCharset& operator=(SearchCharset&&) noexcept;
  ~SearchCharset();

  // Errc::invalid when the bytes are none of this charset.
  Result<std::string> to_utf8(std::string text) const;

 private:
  struct Close {
    void operator()(UConverter* converter) const;
  };
  std::unique_ptr<UConverter, Close> converter_;  // none for UTF-8
};

}  // namespace todoke::imap
