#pragma once

#include "smtp/client/client.h"
#include "sql/tx.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace todoke::queue {

// Another server that takes all mail of an organisation for others, instead of the servers of each
// domain.
struct Smarthost {
  std::string host;
  std::uint16_t port = 587;
  // `required` and `implicit` also want a certificate of a known authority for `host`.
  smtp::TlsPolicy::Need tls = smtp::TlsPolicy::Need::required;
  std::optional<smtp::Login> login;
};

// By organisation; 0 is for everybody who has none of his own.
std::map<std::int64_t, Smarthost> read_smarthosts(sql::Tx& tx);
void write_smarthost(sql::Tx& tx, std::int64_t organisation_id, const Smarthost& smarthost);
// Whether there was one.
bool remove_smarthost(sql::Tx& tx, std::int64_t organisation_id);

}  // namespace todoke::queue
