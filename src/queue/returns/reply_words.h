#pragma once

#include "smtp/syntax/reply.h"
#include "smtp/syntax/stage.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

// Finds the facts of an SMTP conversation in the words of people and programs.  All in linear time.
namespace todoke::queue {

// The first 4xx or 5xx that stands where a reply begins.
std::optional<int> find_reply_code(std::string_view text);
// The first enhanced code; an IPv4 address is none.
std::optional<smtp::EnhancedCode> find_enhanced_code(std::string_view text);
// Which command was answered, from the phrases of the common servers.
std::optional<smtp::Stage> find_stage(std::string_view text);
// The host that refused, from the phrases of the common servers; or nothing.
std::string find_remote_host(std::string_view text);

// `text` is in lower case.
bool contains_any(std::string_view text, std::initializer_list<std::string_view> phrases);

// As valid UTF-8 in one line, at most `limit` bytes.
std::string one_line(std::string_view text, std::size_t limit);

// An address in any of the dresses it has in notices: brackets, quotes, "mailto:", trailing
// punctuation.  Empty when it is no address.
std::string clean_address(std::string_view text);

}  // namespace todoke::queue
