#include "smtp/server/state.h"

#include <doctest/doctest.h>

#include <string>

using namespace todoke::smtp;

namespace {

// One letter for each state in which a command has its place, in their order.
std::string places(const Command& command) {
  std::string letters;
  for (auto [state, letter] : {std::pair{State::connected, 'c'}, std::pair{State::greeted, 'g'},
                               std::pair{State::mail, 'm'}, std::pair{State::recipients, 'r'},
                               std::pair{State::message, 'b'}})
    if (out_of_place(command, state) == nullptr) letters += letter;
  return letters;
}

}  // namespace

TEST_CASE("RFC 5321 §4.1.4: which command has its place where") {
  for (const Command& anywhere :
       {Command(Ehlo{}), Command(Helo{}), Command(Lhlo{}), Command(Rset{}), Command(Noop{}),
        Command(Quit{}), Command(Help{}), Command(Vrfy{}), Command(Expn{}), Command(StartTls{})})
    CHECK(places(anywhere) == "cgmrb");
  CHECK(places(Mail{}) == "g");
  CHECK(places(Rcpt{}) == "mr");
  CHECK(places(Data{}) == "r");
  CHECK(places(Bdat{}) == "rb");
  CHECK(places(Auth{}) == "g");
}
