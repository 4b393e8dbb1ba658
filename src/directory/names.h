#pragma once

#include "base/result.h"
#include "directory/model.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The forms in which names are stored and compared.  Two kinds of functions: `fold_…` never fails
// and is for looking up what a peer sent; the others refuse, with words for an administrator
// (Errc::invalid), what we would not want to store.
namespace todoke::directory {

struct AddressParts {
  std::string local;   // folded, without quotes
  std::string domain;  // A-labels, lower case
  bool operator==(const AddressParts&) const = default;
};

// The local part for comparing: lower case; text beyond ASCII in NFC as well (RFC 6532 §3.1).  Dots
// are compared as given, wherever they stand, for carriers have handed out such addresses.
std::string fold_local(std::string_view local);
// The domain for comparing: A-labels (RFC 5891), lower case, without a dot at the end.  What cannot
// be a domain stays as it is, in lower case, and so equals none.
std::string fold_domain(std::string_view domain);
// A login name for comparing; one with "@" folds as an address.
std::string fold_login(std::string_view login);

// "name" of "name+detail"; nothing without a detail.
std::optional<std::string_view> without_detail(std::string_view local);

std::string to_text(const AddressParts& address);

// A domain that may become ours: two labels at least, letters, digits and hyphens in each.
Result<std::string> domain_name(std::string_view text);
// An address that may become one of ours.  Of the characters that RFC 5321 §4.1.2 wants quoted,
// none is taken: no client types them reliably.
Result<AddressParts> mail_address(std::string_view text);
// A name to sign in with: up to 255 bytes without blanks and controls.
Result<std::string> login_name(std::string_view text);
// Empty, or the IP address of a listener in its usual spelling.
Result<std::string> listener_address(std::string_view text);
// Text that people read: UTF-8 on one line, 200 bytes at most.  `what` begins the words.
Result<std::string> one_line(std::string_view text, std::string_view what);
Result<std::string> required_line(std::string_view text, std::string_view what);
// "ja" or "en".
Result<std::string> locale_name(std::string_view text);
// Nothing, or 0 bytes to 1 PiB.
Result<> check_quota(const std::optional<std::int64_t>& bytes);
// Not empty, and only services that exist.
Result<> check_services(ServiceSet services);

}  // namespace todoke::directory
