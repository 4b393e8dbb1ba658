#include "imap/server/command_reader.h"

#include "base/ascii.h"
#include "imap/server/command_table.h"

#include <algorithm>

namespace todoke::imap {
namespace {

// A literal that the client sends without asking and that is too much: skipped up to this size.
constexpr std::uint64_t skippable = 64 << 20;

// The name of the command that a first line begins with; of "UID FETCH" the second word.
std::string_view command_name(std::string_view line) {
  auto word = [&] {
    auto found = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(found.size() + 1, line.size()));
    return found;
  };
  word();
  auto name = word();
  return ascii::equal_ignoring_case(name, "UID") ? word() : name;
}

// Whether what follows is the message of an APPEND: a mailbox name was given before the literal.
bool is_message(std::string_view name, std::string_view before) {
  if (!ascii::equal_ignoring_case(name, "APPEND")) return false;
  auto space = before.find(' ');
  space = space == before.npos ? space : before.find(' ', space + 1);
  return space != before.npos && space + 1 < before.size();
}

}  // namespace

Task<CommandReader::Received> CommandReader::next(bool logged_in) {
  using Kind = Received::Kind;
  Received received;
  auto& text = received.text;
  std::size_t budget = max_before_login;
  std::string name;
  for (bool first = true;; first = false) {
    // The name is in the line that is still to come: the largest budget bounds it.
    constexpr std::size_t longest = 512 << 10;
    auto most = first ? (logged_in ? longest : max_before_login) : budget - text.size();
    auto beginning = co_await look_ahead();
    auto line = co_await io_.read_line(most);
    if (first && !line.over_long) {
      name = command_name(line.text);
      const auto* rule = rule_named(name);
      if (rule != nullptr && logged_in) budget = rule->budget;
    }
    if (line.over_long || text.size() + line.text.size() > budget) {
      text += beginning;
      const auto end = line.over_long ? std::move(line.end) : std::move(line.text);
      received.kind = Kind::too_large;
      // The octets of a literal must never be taken for commands.
      auto literal = ending_literal(end);
      bool skipped = true;
      if (literal)
        skipped = co_await skip_rest(*literal);
      else if (end.ends_with("+}"))
        skipped = false;  // how many follow, a longer number says
      if (!skipped) received.kind = Kind::hopeless;
      co_return received;
    }
    // deviation: RFC 9051 §2.2 — a line may end with a bare LF: nothing can be smuggled in it.
    auto literal = ending_literal(line.text);
    if (!literal) {
      text += line.text;
      co_return received;
    }
    auto before = std::string_view(line.text).substr(0, literal->begin);
    if (is_message(name, text + std::string(before))) {
      text += before;
      received.kind = Kind::message;
      received.literal = *literal;
      co_return received;
    }
    text += line.text;
    text += "\r\n";
    if (literal->size > budget - std::min(budget, text.size())) {
      // A client that waits for our "+" does not send it; RFC 7888 §4 wants the others read.
      received.kind = Kind::too_large;
      bool skipped = co_await skip_rest(*literal);
      if (!skipped) received.kind = Kind::hopeless;
      co_return received;
    }
    if (literal->synchronizing) io_.write("+ Go on\r\n");
    auto wanted = text.size() + static_cast<std::size_t>(literal->size);
    while (text.size() < wanted) {
      if (io_.buffered().empty()) co_await io_.fill();
      auto piece = io_.buffered().substr(0, wanted - text.size());
      text += piece;
      io_.consume(piece.size());
    }
  }
}

// Of a line that is too long only this is known, and its tag must be answered.
Task<std::string> CommandReader::look_ahead() {
  constexpr std::size_t enough = 64;
  auto has_tag = [](std::string_view seen) { return seen.find_first_of(" \n") != seen.npos; };
  while (!has_tag(io_.buffered()) && io_.buffered().size() < enough) co_await io_.fill();
  co_return std::string(io_.buffered().substr(0, enough));
}

Task<bool> CommandReader::skip_rest(LiteralHead literal) {
  constexpr std::size_t longest = 16 << 10;
  for (auto left = skippable; !literal.synchronizing;) {
    if (literal.size > left) co_return false;
    left -= literal.size;
    co_await skip(literal.size);
    auto line = co_await io_.read_line(longest);
    if (line.over_long) co_return false;  // another literal may follow it
    auto next = ending_literal(line.text);
    if (!next) co_return true;
    literal = *next;
  }
  co_return true;
}

Task<> CommandReader::skip(std::uint64_t octets) {
  while (octets > 0) {
    if (io_.buffered().empty()) co_await io_.fill();
    auto piece = std::min<std::uint64_t>(octets, io_.buffered().size());
    io_.consume(static_cast<std::size_t>(piece));
    octets -= piece;
  }
}

}  // namespace todoke::imap
