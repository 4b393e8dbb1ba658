#include "net/http_guess.h"

#include "base/ascii.h"

namespace todoke::net {

bool is_http(std::string_view line) {
  using ascii::keyword;
  auto word = line.substr(0, line.find(' '));
  // No command of a mail protocol ends in a colon, and every header field has one there.  Its line
  // is what remains when the request line was too long to be looked at.
  if (word.size() > 1 && word.ends_with(':')) return true;
  if (word.size() == line.size()) return false;
  switch (keyword(word)) {
    case keyword("GET"):
    case keyword("HEAD"):
    case keyword("POST"):
    case keyword("PUT"):
    case keyword("DELETE"):
    case keyword("CONNECT"):
    case keyword("OPTIONS"):
    case keyword("TRACE"):
    case keyword("PATCH"):
    case keyword("PRI"):  // how HTTP/2 begins
      return true;
    default:
      return false;
  }
}

}  // namespace todoke::net
