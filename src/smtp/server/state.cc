#include "smtp/server/state.h"

#include <array>
#include <variant>

namespace todoke::smtp {
namespace {

constexpr auto no_hello = "Say EHLO first";
constexpr auto no_mail = "MAIL first";
constexpr auto nobody = "No recipient was accepted";
constexpr auto is_open = "A transaction is open; RSET ends it";
constexpr auto within = "Not within a transaction";
constexpr auto has_begun = "BDAT has begun this message";
constexpr const char* fine = nullptr;

// One line for each command that has not its place everywhere; none is read while closing.
using Places = std::array<const char*, 6>;
template <class C>
constexpr Places places{};
// clang-format off
//                                           connected greeted  mail     recipients message
template <> constexpr Places places<Mail> = {no_hello, fine,    is_open, is_open,   is_open};
template <> constexpr Places places<Rcpt> = {no_mail,  no_mail, fine,    fine,      has_begun};
template <> constexpr Places places<Data> = {no_mail,  no_mail, nobody,  fine,      has_begun};
template <> constexpr Places places<Bdat> = {no_mail,  no_mail, nobody,  fine,      fine};
template <> constexpr Places places<Auth> = {no_hello, fine,    within,  within,    within};
// clang-format on

}  // namespace

const char* out_of_place(const Command& command, State state) {
  auto look = [&]<class C>(const C&) { return places<C>[static_cast<std::size_t>(state)]; };
  return std::visit(look, command);
}

}  // namespace todoke::smtp
