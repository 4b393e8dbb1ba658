#pragma once

#include "smtp/client/client.h"
#include "smtp/syntax/path.h"
#include "sql/db.h"

#include <optional>
#include <string>

// Addresses with dots side by side or at an end, which Japanese carriers gave out until 2009, go
// out as quoted local parts, the only lawful form; where a server refuses that, the raw form is the
// second try, and what worked is remembered.
namespace todoke::queue {

struct AddressForm {
  std::string address;  // as given
  bool is_odd = false;  // only then does the form matter
  smtp::Dots dots = smtp::Dots::strict;

  std::string on_the_wire() const;
};

// The form to begin with.
[[nodiscard]] Task<AddressForm> first_form(sql::Db& db, std::string address);  // NOLINT: outlives
// The other form, if such an answer to the first suggests it.
std::optional<AddressForm> second_form(const AddressForm& first,
                                       const smtp::RecipientResult& result);
[[nodiscard]] Task<> remember_form(sql::Db& db, AddressForm form);  // NOLINT: outlives

}  // namespace todoke::queue
