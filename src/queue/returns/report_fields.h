#pragma once

#include "queue/returns/material.h"
#include "queue/returns/return_parser.h"

#include <string_view>

// The blocks of header-like fields that reports consist of.
namespace todoke::queue {

// RFC 3464 §2.2, §2.3: one block for the message and one for each recipient, in `fields`.  Adds to
// `out`; true if there was any field of these.  Blank lines that are missing or too many do no
// harm.
bool read_delivery_status(std::string_view fields, Return& out);

// Kind of `out` from its recipients' actions.  Where an action is missing the status decides, and
// `says_delay`, what the words of the notice look like.
void settle_kind(Return& out, bool says_delay);

// RFC 5965 §3.
bool read_feedback_report(std::string_view fields, Return& out);

// RFC 8098 §3.
bool read_disposition(std::string_view fields, Return& out);

}  // namespace todoke::queue
