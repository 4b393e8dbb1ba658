#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace todoke::crypto {

// RFC 4013 (SASLprep): the form in which user names and SCRAM passwords are compared: NFKC, special
// spaces as spaces, invisible joiners dropped.  Case is kept.  Errc::invalid when the text is not
// UTF-8, has a prohibited character (controls, private use, …), mixes directions, or is empty in
// the end.
//
// deviation: RFC 4013 §2.5 — code points unassigned in Unicode 3.2 are allowed in stored strings
// too, for otherwise a password with an emoji could have no SCRAM keys at all.
Result<std::string> saslprep(std::string_view text);

}  // namespace todoke::crypto
