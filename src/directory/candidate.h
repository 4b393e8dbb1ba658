#pragma once

#include "directory/model.h"
#include "sql/tx.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace todoke::directory {

// A credential of an account, as stored.
struct StoredCredential {
  enum class Kind { password = 0, app_password = 1 };
  std::int64_t id = 0;
  Kind kind = Kind::password;
  std::string stored;
  std::optional<std::string> scram;
  ServiceSet scope = 0;
  std::optional<Time> last_used_at;
};

// Whom a login means, and what would prove it.
struct Candidate {
  Principal principal;                        // its scope is the account's services
  State state = State::active;                // the worse of the account's and its organisation's
  std::vector<StoredCredential> credentials;  // for the service, not expired; the password first
};

// The account behind a folded login that is asked for on a listener; nothing when there is none, or
// it or its organisation is deleted.
std::optional<Candidate> find_candidate(sql::Tx& tx, const std::string& login,
                                        const std::string& listener, Service service, Time now);

}  // namespace todoke::directory
