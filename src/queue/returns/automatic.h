#pragma once

#include "queue/returns/material.h"

#include <string_view>

namespace todoke::queue {

// Whether a program answered in a person's place (RFC 3834 §2), and how we know: rfc3834, vacation,
// challenge, auto-generated (RFC 3834 §5: written by a program, but no answer).  Empty: a person
// wrote it, as far as one can see.
std::string_view automatic_format(const Material& material);

}  // namespace todoke::queue
