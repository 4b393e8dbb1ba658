#pragma once

#include "mime/structure.h"

#include <string>
#include <string_view>

namespace todoke::delivery {

// The first words of a message as lists of messages show them (RFC 8970 §3.2): at most 200
// characters of its first text part, white space folded, markup of HTML left out.  `beginning` is
// the first bytes of the message; empty if the text begins behind them.
std::string preview(const mime::Structure& structure, std::string_view beginning);

}  // namespace todoke::delivery
