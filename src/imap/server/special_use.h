#pragma once

#include "base/ascii.h"
#include "store/model.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

// The attributes of RFC 6154 §2 and the store's roles.
namespace todoke::imap {

inline constexpr std::array<std::pair<store::Role, std::string_view>, 5> special_uses{
    {{store::Role::archive, "\\Archive"},
     {store::Role::drafts, "\\Drafts"},
     {store::Role::junk, "\\Junk"},
     {store::Role::sent, "\\Sent"},
     {store::Role::trash, "\\Trash"}}};

// Empty: the role is no special use.
inline std::string_view use_of(store::Role role) {
  for (auto [known, use] : special_uses)
    if (known == role) return use;
  return {};
}

inline std::optional<store::Role> role_from_use(std::string_view use) {
  for (auto [role, known] : special_uses)
    if (ascii::equal_ignoring_case(known, use)) return role;
  return {};
}

}  // namespace todoke::imap
