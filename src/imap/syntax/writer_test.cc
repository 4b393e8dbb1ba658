#include "imap/syntax/writer.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::imap;

namespace {

template <class... Arguments>
std::string written(void (*write)(std::string&, Arguments...),
                    std::type_identity_t<Arguments>... arguments) {
  std::string out;
  write(out, arguments...);
  return out;
}

}  // namespace

TEST_CASE("strings are quoted where that is possible, else literals") {
  CHECK(written(write_string, "") == "\"\"");
  CHECK(written(write_string, "a \"b\" \\c") == R"("a \"b\" \\c")");
  CHECK(written(write_string, "a\tb") == "\"a\tb\"");
  CHECK(written(write_string, "届け") == "{6}\r\n届け");
  CHECK(written(write_string, "a\r\nb NO") == "{7}\r\na\r\nb NO");
  CHECK(written(write_string, std::string_view("a\0b", 3)) == "{3}\r\na?b");
  CHECK(written(write_string, std::string(1000, 'a')).starts_with('"'));
  CHECK(written(write_string, std::string(1001, 'a')).starts_with("{1001}\r\na"));
  CHECK(written(write_nstring, std::nullopt) == "NIL");
  CHECK(written(write_nstring, "NIL") == "\"NIL\"");
}

TEST_CASE("an astring is an atom where that is possible") {
  CHECK(written(write_astring, "INBOX") == "INBOX");
  CHECK(written(write_astring, "a]b") == "a]b");
  CHECK(written(write_astring, "") == "\"\"");
  CHECK(written(write_astring, "nil") == "\"nil\"");
  CHECK(written(write_astring, "a b") == "\"a b\"");
  for (std::string_view special : {"(", ")", "{", "%", "*", "\"", "\\", " "}) {
    CAPTURE(special);
    CHECK(written(write_astring, special).starts_with('"'));
  }
  CHECK(written(write_astring, "é") == "{2}\r\né");
}

TEST_CASE("mailbox names in both forms") {
  CHECK(written(write_mailbox, "INBOX", NameForm::modified_utf7) == "INBOX");
  CHECK(written(write_mailbox, "日本語", NameForm::modified_utf7) == "&ZeVnLIqe-");
  CHECK(written(write_mailbox, "a b", NameForm::modified_utf7) == "\"a b\"");
  CHECK(written(write_mailbox, "日本語", NameForm::utf8) == "\"日本語\"");
  CHECK(written(write_mailbox, "a\"b", NameForm::utf8) == R"("a\"b")");
  CHECK(written(write_mailbox, "a\r\nb", NameForm::utf8) == "{4}\r\na\r\nb");
  CHECK(written(write_mailbox, "a\r\nb", NameForm::modified_utf7) == "a&AA0ACg-b");
  CHECK(written(write_mailbox, "\xE4", NameForm::utf8) == "{1}\r\n\xE4");
}

TEST_CASE("RFC 9051 §9 date-time") {
  using namespace std::chrono;
  Time at = sys_days(2026y / January / 1) + 0h;
  CHECK(written(write_date_time, at, 0) == "\"01-Jan-2026 00:00:00 +0000\"");
  CHECK(written(write_date_time, at, 540) == "\"01-Jan-2026 09:00:00 +0900\"");
  CHECK(written(write_date_time, at + 999999us, -210) == "\"31-Dec-2025 20:30:00 -0330\"");
  CHECK(written(write_date_time, at - 1us, 0) == "\"31-Dec-2025 23:59:59 +0000\"");
  // Nothing breaks out of the form.
  CHECK(written(write_date_time, Time::max(), 99999) == "\"30-Dec-9999 23:59:00 +2359\"");
  CHECK(written(write_date_time, Time::min(), -99999) == "\"01-Jan-0000 00:01:00 -2359\"");
}

TEST_CASE("text of responses is one line of ASCII") {
  CHECK(written(write_text, "no such mailbox") == "no such mailbox");
  CHECK(written(write_text, "a\r\n* BYE") == "a??* BYE");
  CHECK(written(write_text, std::string_view("a\0b\x7F", 4)) == "a?b?");
  CHECK(written(write_text, "届け \xFF") == "?? ?");
}
