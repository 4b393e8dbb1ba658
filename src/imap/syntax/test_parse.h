#pragma once

#include "imap/syntax/command.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

// What the tests of commands share.
namespace todoke::imap {

// The command that `line` is, behind the tag.
template <class C>
C parse(std::string_view line) {
  CAPTURE(line);
  auto tagged = parse_command("A1 " + std::string(line));
  REQUIRE(tagged.has_value());
  CHECK(tagged->tag == "A1");
  if (!tagged->command) FAIL_CHECK(tagged->command.error().text);
  REQUIRE(tagged->command.has_value());
  auto* found = std::get_if<C>(&*tagged->command);
  REQUIRE(found != nullptr);
  return std::move(*found);
}

template <class C>
bool is(std::string_view line) {
  auto tagged = parse_command("A1 " + std::string(line));
  return tagged && tagged->command && std::holds_alternative<C>(*tagged->command);
}

// The error's text, or the empty text when the line is a good command.
inline std::string refusal(std::string_view line, Errc code = Errc::invalid) {
  auto tagged = parse_command("A1 " + std::string(line));
  if (!tagged) return "no tag";
  if (tagged->command) return {};
  CAPTURE(line);
  CHECK(tagged->command.error().code == code);
  return tagged->command.error().text;
}

}  // namespace todoke::imap
