#include "mime/parameter.h"

#include "mime/limits.h"

#include <doctest/doctest.h>

using namespace todoke::mime;

namespace {

std::string summary(std::string_view value) {
  auto field = parse_parameter_field(value);
  std::string out = field.value;
  for (const auto& [name, text] : field.parameters.decoded) out += ";" + name + "=" + text;
  return out;
}

}  // namespace

TEST_CASE("RFC 2045 §5.1: parameters") {
  CHECK(summary("text/plain; charset=us-ascii (Plain text)") == "text/plain;charset=us-ascii");
  CHECK(summary("text/plain; charset=\"us-ascii\"") == "text/plain;charset=us-ascii");
  CHECK(summary(" Text/HTML ;\r\n\tCharset = UTF-8 ;; x=\"a\\\"b;c\"") ==
        "Text/HTML;charset=UTF-8;x=a\"b;c");
  CHECK(summary("text/plain (a); (b) charset (c) = (d \"e\") utf-8") == "text/plain;charset=utf-8");
  CHECK(summary("") == "");
}

TEST_CASE("RFC 2231 §3, §4: examples") {
  CHECK(summary("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n"
                " URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"") ==
        "message/external-body;access-type=URL;url=ftp://cs.utk.edu/pub/moore/bulk-mailer/"
        "bulk-mailer.tar");
  CHECK(summary("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A") ==
        "application/x-stuff;title=This is ***fun***");
  CHECK(summary("application/x-stuff\r\n title*0*=us-ascii'en'This%20is%20even%20more%20\r\n"
                " title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n title*2=\"isn't it!\"") ==
        "application/x-stuff;title=This is even more ***fun*** isn't it!");
}

TEST_CASE("RFC 2231: order, characters cut by sections, charsets, twins") {
  CHECK(summary("a; f*1*=%81%91; f*0*=utf-8''%E5%B1%8A%E3") == "a;f=届け");
  CHECK(summary("a; f*=ISO-2022-JP''%1B$BFO$1%1B%28B.txt") == "a;f=届け.txt");
  CHECK(summary("a; f*=Shift_JIS''%95%5C.txt") == "a;f=表.txt");
  CHECK(summary("a; f=plain; f*=utf-8''%E5%B1%8A") == "a;f=届");
  CHECK(summary("a; f*=utf-8''%E5%B1%8A; f=plain") == "a;f=届");
  CHECK(summary("a; f=1; f=2") == "a;f=1");
  CHECK(summary("a; f*=%zz%4") == "a;f=%zz%4");
  CHECK(summary("a; f*x=1; f*99999999999=2") == "a;f*x=1;f*99999999999=2");
  CHECK(summary("a; f*=utf-8''x%0D%0ABcc:%20y%00") == "a;f=x  Bcc: y ");
}

TEST_CASE("what half of the world writes") {
  CHECK(summary("a; name=\"=?ISO-2022-JP?B?GyRCRk8kMSRPISIlYSE8JWskchsoQg==?=\"") ==
        "a;name=届けは、メールを");
  CHECK(summary("a; name=\"=?UTF-8?B?5bGK?=\r\n =?UTF-8?B?44GR?=.pdf\"") == "a;name=届け.pdf");
  CHECK(summary("a; filename=my report (1).pdf; size=1") == "a;filename=my report (1).pdf;size=1");
  CHECK(summary("a; name=\"\x95\x5C\x8E\xA6.txt\"") == "a;name=表示.txt");
  CHECK(summary("a; name=\"\x1B$B;3ED\x1B(B.txt\"") == "a;name=山田.txt");
  CHECK(summary("a; name=\"unclosed; x=y") == "a;name=unclosed; x=y");
  CHECK(summary("multipart/mixed; boundary=\"=?utf-8?Q?a?=\"") ==
        "multipart/mixed;boundary==?utf-8?Q?a?=");
  CHECK(summary("text/plain charset=utf-8") == "text/plain;charset=utf-8");
  CHECK(summary("text/plain; =x; \"; (unclosed; a=b") == "text/plain");
}

TEST_CASE("as sent, for IMAP") {
  auto field = parse_parameter_field("a; F*0*=utf-8''%E5%B1; f*1*=%8A; g=h");
  CHECK(field.parameters.as_sent() ==
        std::vector<Parameter>{{"f*0*", "utf-8''%E5%B1"}, {"f*1*", "%8A"}, {"g", "h"}});
  CHECK(*field.parameters.find("F") == "届");
  CHECK(parse_parameter_field("a; g=h").parameters.raw.empty());
}

TEST_CASE("the limit") {
  std::string value = "a";
  for (std::size_t i = 0; i < max_parameters; ++i) value += ";p" + std::to_string(i) + "=x";
  CHECK_FALSE(parse_parameter_field(value).truncated);
  CHECK(parse_parameter_field(value + ";q=x").truncated);
}
