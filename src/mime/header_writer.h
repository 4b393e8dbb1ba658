#pragma once

#include "base/result.h"
#include "mime/address.h"
#include "mime/date.h"
#include "mime/parameter.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::mime {

// Writes header fields from typed values (mail-server rule R11): the only place where a header of
// ours comes from.  Lines end in CRLF, are folded at 78 characters where there is a place to fold,
// and are never longer than 998 (RFC 5322 §2.1.1).  Every member refuses with `invalid` what holds
// CR, LF, NUL or another control character, and then writes nothing.
class HeaderWriter {
 public:
  // Whether addresses may be in UTF-8 (RFC 6532; the message then needs SMTPUTF8).  With ascii they
  // are refused; an international domain is for the caller to bring into its ASCII form.
  enum class AddressCharset { ascii, utf8 };

  explicit HeaderWriter(AddressCharset charset = AddressCharset::ascii) : charset_(charset) {}

  // Free text in UTF-8, such as Subject; encoded by RFC 2047 where it must be.  Tabs become spaces.
  Result<> text(std::string_view name, std::string_view utf8);
  // ASCII that has a grammar of its own and is written unchanged, folded at spaces; for fields that
  // have no member here.
  Result<> structured(std::string_view name, std::string_view ascii);
  // Names are in UTF-8, not encoded.  Groups must be complete.
  Result<> addresses(std::string_view name, const AddressList& addresses);
  Result<> date(std::string_view name, const Date& date);
  // Identifiers without their angle brackets (Message-ID, References, In-Reply-To, Content-ID).
  Result<> identifiers(std::string_view name, const std::vector<std::string>& ids);
  // A token and parameters in UTF-8, encoded by RFC 2231 where they must be.
  Result<> parameters(std::string_view name, std::string_view value,
                      const std::vector<Parameter>& parameters);

  const std::string& block() const { return block_; }
  std::string take() && { return std::move(block_); }

 private:
  AddressCharset charset_;
  std::string block_;
};

}  // namespace todoke::mime
