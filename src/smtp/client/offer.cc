#include "smtp/client/offer.h"

#include "base/ascii.h"
#include "base/cursor.h"

#include <algorithm>

namespace todoke::smtp {
namespace {

constexpr std::size_t max_mechanisms = 32;

std::string_view take_word(Cursor& cursor) {
  cursor.skip_spaces();
  return cursor.take_until(" \t");
}

void read_auth(Cursor cursor, ServerOffer& offer) {
  while (!cursor.at_end() && offer.auth.size() < max_mechanisms) {
    auto mechanism = ascii::to_upper(take_word(cursor));
    if (!mechanism.empty() && !offer.has_auth(mechanism)) offer.auth.push_back(mechanism);
  }
}

// RFC 9422 §4: NAME=VALUE, and a limit of nothing is none.
void read_limits(Cursor cursor, ServerOffer& offer) {
  while (!cursor.at_end()) {
    auto word = take_word(cursor);
    auto equals = word.find('=');
    if (equals == word.npos) continue;
    auto name = word.substr(0, equals);
    auto value = ascii::to_number(word.substr(equals + 1));
    if (!value || *value == 0) continue;
    if (ascii::equal_ignoring_case(name, "MAILMAX")) offer.mail_max = value;
    if (ascii::equal_ignoring_case(name, "RCPTMAX")) offer.rcpt_max = value;
    if (ascii::equal_ignoring_case(name, "RCPTDOMAINMAX")) offer.rcpt_domain_max = value;
  }
}

void read_size(Cursor cursor, ServerOffer& offer) {
  offer.size = true;
  auto limit = ascii::to_number(take_word(cursor));
  if (limit && *limit > 0) offer.size_limit = limit;
}

bool* flag_of(std::string_view keyword, ServerOffer& offer) {
  struct Row {
    std::string_view keyword;
    bool* flag;
  };
  const Row rows[] = {{"PIPELINING", &offer.pipelining},
                      {"8BITMIME", &offer.eight_bit_mime},
                      {"SMTPUTF8", &offer.smtp_utf8},
                      {"STARTTLS", &offer.starttls},
                      {"DSN", &offer.dsn},
                      {"CHUNKING", &offer.chunking},
                      {"BINARYMIME", &offer.binary_mime},
                      {"REQUIRETLS", &offer.require_tls},
                      {"ENHANCEDSTATUSCODES", &offer.enhanced_codes}};
  for (const auto& row : rows)
    if (ascii::equal_ignoring_case(keyword, row.keyword)) return row.flag;
  return nullptr;
}

void read_line(std::string_view line, ServerOffer& offer) {
  Cursor cursor(line);
  if (cursor.take_word("AUTH=")) return read_auth(cursor, offer);
  auto keyword = take_word(cursor);
  if (auto* flag = flag_of(keyword, offer)) *flag = true;
  if (ascii::equal_ignoring_case(keyword, "AUTH")) read_auth(cursor, offer);
  if (ascii::equal_ignoring_case(keyword, "SIZE")) read_size(cursor, offer);
  if (ascii::equal_ignoring_case(keyword, "LIMITS")) read_limits(cursor, offer);
}

}  // namespace

bool ServerOffer::has_auth(std::string_view mechanism) const {
  return std::ranges::find(auth, mechanism) != auth.end();
}

// RFC 5321 §4.1.1.1: the first line is a greeting, each other one a keyword and its parameters.
ServerOffer parse_offer(const Reply& reply) {
  ServerOffer offer;
  if (reply.lines.empty()) return offer;
  Cursor greeting(reply.lines.front());
  offer.name = take_word(greeting);
  for (std::size_t i = 1; i < reply.lines.size(); ++i) read_line(reply.lines[i], offer);
  return offer;
}

}  // namespace todoke::smtp
