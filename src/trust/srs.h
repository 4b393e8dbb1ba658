#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

// The sender rewriting scheme: mail that we forward keeps its sender reachable, though its envelope
// names a domain of ours, so that SPF (RFC 7208) lets it pass.  There is no RFC; the form is the
// one that all implementations of SRS share:
//
//   ann@example.com           →  SRS0=HASH=TT=example.com=ann@ours.example
//   SRS0=…@first.example      →  SRS1=HASH=first.example==…@ours.example
//   SRS1=…=first.example==…   →  SRS1=HASH=first.example==…@ours.example, the way back shortened
namespace todoke::trust {

// Unquoted, as in smtp::Path.
struct SrsAddress {
  std::string local;
  std::string domain;
  friend bool operator==(const SrsAddress&, const SrsAddress&) = default;
};

// How long after the forwarding bounces find their way back.
constexpr auto srs_validity = std::chrono::days(30);

// Rewrites and reverses with one secret.  Any thread.
class Srs {
 public:
  // `domain` is ours, in the form in which it will come back.
  Srs(std::string secret, std::string domain)
      : secret_(std::move(secret)), domain_(std::move(domain)) {}

  // The sender to use when mail from `sender` is forwarded.  One of our own domain stays as it is.
  // Errc::over_limit: the local part would be longer than the 64 bytes of RFC 5321 §4.5.3.1.1;
  // Errc::invalid: the sender is null, which needs no rewriting, or has an address literal.
  Result<SrsAddress> rewrite(const SrsAddress& sender, Time now) const;

  // Whether a local part has the form, true or forged.
  static bool is_srs(std::string_view local);

  // Where mail to <local@ours> goes.  Errc::invalid: it is not of the form, or none of our making;
  // Errc::denied: it was ours, and is too old.  The case of its letters does not matter.
  Result<SrsAddress> reverse(std::string_view local, Time now) const;

 private:
  std::string hash(std::string_view tag, std::string_view rest) const;

  std::string secret_;
  std::string domain_;
};

}  // namespace todoke::trust
