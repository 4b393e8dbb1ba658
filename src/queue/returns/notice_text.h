#pragma once

#include "queue/returns/material.h"
#include "queue/returns/return_parser.h"

#include <string_view>

// Notices in words only, as servers wrote them before RFC 3464 and some still do.
namespace todoke::queue {

// Reads recipients and reasons from a notice of a form that is known by its looks, or of no known
// form when its sender calls itself a mail server and it names an address with a reason.  False,
// and `out` unchanged, when it is no notice.
bool read_notice(const Material& material, Return& out);

// Whether the words announce that the server goes on trying.
bool says_delay(const Material& material);

// What the words of a notice know beside its RFC 3464 fields: the stage, and recipients that the
// fields have forgotten.
void complete_from_words(const Material& material, Return& out);

}  // namespace todoke::queue
