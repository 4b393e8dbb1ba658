#pragma once

#include "smtp/syntax/reply.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace todoke::smtp {

// What a server said about itself in its answer to EHLO or LHLO.  All false after HELO.
struct ServerOffer {
  std::string name;  // the first word of the answer
  bool pipelining = false;
  bool size = false;
  std::optional<std::uint64_t> size_limit;  // RFC 1870 §4: none was said, or 0
  bool eight_bit_mime = false;
  bool smtp_utf8 = false;
  bool starttls = false;
  bool dsn = false;
  bool chunking = false;
  bool binary_mime = false;
  bool require_tls = false;
  bool enhanced_codes = false;
  std::vector<std::string> auth;  // mechanisms, in upper case
  // RFC 9422 §4.
  std::optional<std::uint64_t> mail_max;  // transactions on one connection
  std::optional<std::uint64_t> rcpt_max;  // recipients of one transaction
  std::optional<std::uint64_t> rcpt_domain_max;

  bool has_auth(std::string_view mechanism) const;
};

// Tolerant: what cannot be understood was not offered.  "AUTH=" of old servers counts as "AUTH ".
ServerOffer parse_offer(const Reply& reply);

}  // namespace todoke::smtp
