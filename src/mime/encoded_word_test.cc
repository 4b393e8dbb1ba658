#include "mime/encoded_word.h"

#include "base/utf8.h"

#include <doctest/doctest.h>

#include <random>

using namespace todoke;
using namespace todoke::mime;

TEST_CASE("RFC 2047 §8: examples") {
  CHECK(decode_words("=?ISO-8859-1?Q?a?=") == "a");
  CHECK(decode_words("=?ISO-8859-1?Q?a?= b") == "a b");
  CHECK(decode_words("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=") == "ab");
  CHECK(decode_words("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=") == "ab");
  CHECK(decode_words("=?ISO-8859-1?Q?a_b?=") == "a b");
  CHECK(decode_words("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=") == "a b");
  CHECK(decode_words("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>") ==
        "Keith Moore <moore@cs.utk.edu>");
  CHECK(decode_words("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=") == "Keld Jørn Simonsen");
  CHECK(decode_words("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
                     "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=") ==
        "If you can read this you understand the example.");
  CHECK(decode_words("=?US-ASCII*EN?Q?Keith_Moore?=") == "Keith Moore");  // RFC 2231 §5
}

TEST_CASE("words cut within characters and within ISO-2022-JP's state") {
  CHECK(decode_words("=?UTF-8?B?5bGK44GR44Gv4w==?= "
                     "=?utf-8?B?gIHjg6Hjg7zjg6vjgpLlpLHjgYTjgb7jgZvjgpPjgII=?=") ==
        "届けは、メールを失いません。");
  CHECK(decode_words("=?ISO-2022-JP?B?GyRCRk8kMSRP?= =?ISO-2022-JP?B?JWEhPCVrJHIbKEI=?=") ==
        "届けはメールを");
  CHECK(decode_words("=?ISO-2022-JP?B?GyRCRk8kMSRPISIlYSE8JWskchsoQg==?=") == "届けは、メールを");
  CHECK(decode_words("=?UTF-8?Q?=E5=B1=8A=E3?==?UTF-8?Q?=81=91?=") == "届け");
}

TEST_CASE("what is broken stays as it is") {
  for (std::string text : {"=?", "=?utf-8?B?5bGK", "=?utf-8?X?abc?=", "=??Q?a?=", "=?utf-8?Q",
                           "a =? b ?=", "50%?=", "=?a b?Q?x?="}) {
    CAPTURE(text);
    CHECK(decode_words(text) == text);
  }
  CHECK(decode_words("=?utf-8?Q?open =?utf-8?Q?a?=") == "=?utf-8?Q?open a");
  CHECK(decode_words("=?utf-8?Q?really?_yes?=") == "really? yes");
  CHECK(decode_words("=?utf-8?Q?100=?=") == "100=");
  CHECK(decode_words("Re:=?utf-8?Q?a?=b") == "Re:ab");
  CHECK(decode_words("=?utf-8?Q?a b?=") == "a b");
}

TEST_CASE("raw text beside words, and nothing that breaks lines") {
  CHECK(decode_words("\x1B$BFO$1\x1B(B =?utf-8?B?5bGK?=") == "届け 届");
  CHECK(decode_words("\x93\xCD\x82\xAF =?utf-8?Q?a?=") == "届け a");
  CHECK(decode_words("=?utf-8?Q?a=0D=0ABcc:_x=00?=") == "a  Bcc: x ");
}

TEST_CASE("encoding: 75 characters, whole characters, and back") {
  std::mt19937 random(8);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (auto n = 1 + random() % 200; n > 0; --n) append_utf8(text, 33 + random() % 0xD000);
    auto words = encode_words(text, 20 + random() % 60);
    std::string joined;
    for (const auto& word : words) {
      CHECK(word.size() <= 75);
      CHECK(decode_words(word).find(replacement_character) == std::string::npos);
      joined += word + " ";
    }
    joined.pop_back();
    CHECK(decode_words(joined) == text);
  }
  CHECK(encode_words("").empty());
}
