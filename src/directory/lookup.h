#pragma once

#include "base/result.h"
#include "directory/model.h"
#include "directory/names.h"
#include "sql/tx.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// How administration finds what it is told to change, inside a transaction.
namespace todoke::directory {

struct AccountRef {
  std::int64_t id = 0;
  std::int64_t organisation = 0;
  State state = State::active;
  std::string address;  // the primary one
};

struct DomainRef {
  std::string name;
  std::int64_t organisation = 0;
};

struct OrganisationRef {
  std::int64_t id = 0;
  State state = State::active;
  std::string locale;
};

// Errc::not_found in words.
Result<OrganisationRef> find_organisation(sql::Tx& tx, std::string_view name);
// Errc::invalid when it is no domain, else Errc::not_found.
Result<DomainRef> find_domain(sql::Tx& tx, std::string_view name);
Result<AccountRef> find_account(sql::Tx& tx, std::int64_t id);
// The account whose primary address it is, or to which alone it leads; deleted ones too.
// Errc::not_found, and Errc::conflict when it leads to several.  The address is folded already.
Result<std::int64_t> find_holder(sql::Tx& tx, const AddressParts& address);
// The same for an address as typed.
Result<AccountRef> find_account(sql::Tx& tx, std::string_view address);
// The same without deleted ones (Errc::conflict).
Result<AccountRef> find_live_account(sql::Tx& tx, std::string_view address);

// The whole account; it exists.
Account read_account(sql::Tx& tx, std::int64_t id);

}  // namespace todoke::directory
