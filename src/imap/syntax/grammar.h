#pragma once

#include "base/ascii.h"

#include <array>
#include <string_view>

// Character classes and words of RFC 9051 §9 that parser and writer share.
namespace todoke::imap {

// ATOM-CHAR: 7-bit, and neither control nor one of ( ) { SP % * " \ ]
constexpr bool is_atom_char(char c) {
  constexpr std::string_view specials = "(){ %*\"\\]";
  return !ascii::is_control(c) && !ascii::is_8bit(c) && !specials.contains(c);
}

constexpr bool is_astring_char(char c) {
  return is_atom_char(c) || c == ']';
}

inline constexpr std::array<std::string_view, 12> month_names = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace todoke::imap
