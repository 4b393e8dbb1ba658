#pragma once

#include "provsim/ledger.h"
#include "provsim/script.h"

#include <string>

namespace todoke::provsim {

// The notice that a provider sends to the reverse-path after it had said 250, in the form of:
//   rfc3464  a delivery report by the standard (RFC 3464 §2)
//   ezweb    au's "Mail System Error", words around the returned text
//   biglobe  "Mail Delivery Failed" in words of its own
//   qmail    "Hi. This is the qmail-send program" (QSBMF)
// `head` is the returned message's header section.
std::string bounce_text(BounceFormat format, const Receipt& receipt, const std::string& head,
                        Time at);

}  // namespace todoke::provsim
