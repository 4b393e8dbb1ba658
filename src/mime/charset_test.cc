#include "mime/charset.h"

#include "base/utf8.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace todoke;
using namespace todoke::mime;

namespace {

struct Sample {
  std::string utf8;
  std::string iso_2022_jp;
  std::string shift_jis;
  std::string euc_jp;
};

// The third has NEC and IBM characters, the fourth half-width katakana, the fifth two-byte
// characters whose second byte is a backslash.
const std::vector<Sample> samples{
    {"届けは、メールを失いません。",
     "\x1B"
     "$BFO$1$O!\"%a!<%k$r<:$$$^$;$s!#\x1B"
     "(B",
     "\x93\xCD\x82\xAF\x82\xCD\x81"
     "A\x83\x81\x81"
     "[\x83\x8B\x82\xF0\x8E\xB8\x82\xA2\x82\xDC\x82\xB9\x82\xF1\x81"
     "B",
     "\xC6\xCF\xA4\xB1\xA4\xCF\xA1\xA2\xA5\xE1\xA1\xBC\xA5\xEB\xA4\xF2\xBC\xBA\xA4\xA4\xA4\xDE\xA4"
     "\xBB\xA4\xF3\xA1\xA3"
     ""},
    {"連絡網のお知らせ【重要】",
     "\x1B"
     "$BO\"MmLV$N$*CN$i$;!Z=EMW![\x1B"
     "(B",
     "\x98"
     "A\x97\x8D\x96\xD4\x82\xCC\x82\xA8\x92"
     "m\x82\xE7\x82\xB9\x81"
     "y\x8F"
     "d\x97"
     "v\x81"
     "z",
     "\xCF\xA2\xCD\xED\xCC\xD6\xA4\xCE\xA4\xAA\xC3\xCE\xA4\xE9\xA4\xBB\xA1\xDA\xBD\xC5\xCD\xD7\xA1"
     "\xDB"
     ""},
    {"①②Ⅲ㈱髙﨑∑～",
     "\x1B"
     "$B-!-\"-7-j|byu-t!A\x1B"
     "(B",
     "\x87"
     "@\x87"
     "A\x87"
     "V\x87\x8A\xEE\xE0\xED\x95\x87\x94\x81"
     "`",
     "\xAD\xA1\xAD\xA2\xAD\xB7\xAD\xEA\xFC\xE2\xF9\xF5\xAD\xF4\xA1\xC1"
     ""},
    {"ｶﾀｶﾅとカタカナ",
     "\x1B"
     "(I6@6E\x1B"
     "$B$H%+%\?%+%J\x1B"
     "(B",
     "\xB6\xC0\xB6\xC5\x82\xC6\x83"
     "J\x83"
     "^\x83"
     "J\x83"
     "i",
     "\x8E\xB6\x8E\xC0\x8E\xB6\x8E\xC5\xA4\xC8\xA5\xAB\xA5\xBF\xA5\xAB\xA5\xCA"
     ""},
    {"Re: 表示ソ能 test~100%",
     "Re: \x1B"
     "$BI=<(%=G=\x1B"
     "(B test~100%",
     "Re: \x95"
     "\\\x8E\xA6\x83"
     "\\\x94"
     "\\ test~100%",
     "Re: \xC9\xBD\xBC\xA8\xA5\xBD\xC7\xBD"
     " test~100%"},
    {"ご担当者様\nいつもお世話になっております。\n株式会社とどけの山田です。\n",
     "\x1B"
     "$B$4C4Ev<TMM\x1B"
     "(B\n\x1B"
     "$B$$$D$b$*@$OC$K$J$C$F$*$j$^$9!#\x1B"
     "(B\n\x1B"
     "$B3t<02q<R$H$I$1$N;3ED$G$9!#\x1B"
     "(B\n",
     "\x82\xB2\x92"
     "S\x93\x96\x8E\xD2\x97"
     "l\n\x82\xA2\x82\xC2\x82\xE0\x82\xA8\x90\xA2\x98"
     "b\x82\xC9\x82\xC8\x82\xC1\x82\xC4\x82\xA8\x82\xE8\x82\xDC\x82\xB7\x81"
     "B\n\x8A\x94\x8E\xAE\x89\xEF\x8E\xD0\x82\xC6\x82\xC7\x82\xAF\x82\xCC\x8E"
     "R\x93"
     "c\x82\xC5\x82\xB7\x81"
     "B\n",
     "\xA4\xB4\xC3\xB4\xC5\xF6\xBC\xD4\xCD\xCD\n\xA4\xA4\xA4\xC4\xA4\xE2\xA4\xAA\xC0\xA4\xCF\xC3"
     "\xA4\xCB\xA4\xCA\xA4\xC3\xA4\xC6\xA4\xAA\xA4\xEA\xA4\xDE\xA4\xB9\xA1\xA3\n\xB3\xF4\xBC\xB0"
     "\xB2\xF1\xBC\xD2\xA4\xC8\xA4\xC9\xA4\xB1\xA4\xCE\xBB\xB3\xC5\xC4\xA4\xC7\xA4\xB9\xA1\xA3\n"},
};

std::string in_chunks(std::string_view bytes, std::string_view charset, std::mt19937& random) {
  std::string out;
  TextDecoder decoder(charset);
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, random() % 5);
    decoder.feed(piece, out);
    bytes.remove_prefix(piece.size());
  }
  decoder.finish(out);
  return out;
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("Japanese charsets, declared, in any chunks") {
  std::mt19937 random(3);
  for (const auto& sample : samples) {
    CAPTURE(sample.utf8);
    for (std::string_view name : {"ISO-2022-JP", "iso-2022-jp-ms", "CP50220", "cp50221",
                                  "iso-2022-jp-1", "ISO-2022-JP-2", "iso-2022-jp-3"}) {
      CHECK(to_utf8(sample.iso_2022_jp, name) == sample.utf8);
      CHECK(in_chunks(sample.iso_2022_jp, name, random) == sample.utf8);
    }
    for (std::string_view name : {"Shift_JIS", "windows-31j", "CP932", "x-sjis", "\"shift_jis\""}) {
      CHECK(to_utf8(sample.shift_jis, name) == sample.utf8);
      CHECK(in_chunks(sample.shift_jis, name, random) == sample.utf8);
    }
    for (std::string_view name : {"EUC-JP", "eucJP-ms", "CP51932"}) {
      CHECK(to_utf8(sample.euc_jp, name) == sample.utf8);
      CHECK(in_chunks(sample.euc_jp, name, random) == sample.utf8);
    }
    CHECK(to_utf8(sample.utf8, "utf-8") == sample.utf8);
    CHECK(in_chunks(sample.utf8, "UTF8", random) == sample.utf8);
  }
}

TEST_CASE("Japanese charsets, undeclared, unknown or declared as ASCII") {
  for (std::string_view declared : {"", "us-ascii", "x-unknown", "utf-7", "ISO-2022-JP"}) {
    for (const auto& sample : samples) {
      CAPTURE(declared);
      CAPTURE(sample.utf8);
      CHECK(to_utf8(sample.iso_2022_jp, declared) == sample.utf8);
      CHECK(to_utf8(sample.utf8, declared) == sample.utf8);
      CHECK(to_utf8(sample.shift_jis, declared) == sample.utf8);
      if (sample.utf8.starts_with("ｶ") || sample.utf8.starts_with("①")) continue;  // ambiguous
      CHECK(to_utf8(sample.euc_jp, declared) == sample.utf8);
    }
  }
}

TEST_CASE("declared charsets that lie") {
  const auto& sample = samples[0];
  CHECK(to_utf8(sample.shift_jis, "utf-8") == sample.utf8);
  CHECK(to_utf8(sample.iso_2022_jp, "utf-8") == sample.utf8);
  CHECK(to_utf8(sample.utf8, "shift_jis") == sample.utf8);
  CHECK(to_utf8(sample.utf8, "iso-8859-1") == sample.utf8);
  CHECK(to_utf8(sample.utf8, "gb2312") == sample.utf8);
  CHECK(to_utf8(sample.euc_jp, "shift_jis") == sample.utf8);
  CHECK(to_utf8(sample.iso_2022_jp, "iso-8859-1") == sample.utf8);
}

TEST_CASE("detection names what it saw") {
  CHECK(detect_charset("plain") == "us-ascii");
  CHECK(detect_charset(samples[0].utf8) == "utf-8");
  CHECK(detect_charset(samples[0].iso_2022_jp) == "iso-2022-jp");
  CHECK(detect_charset(samples[0].shift_jis) == "shift_jis");
  CHECK(detect_charset(samples[0].euc_jp) == "euc-jp");
  CHECK(detect_charset("na\xEFve caf\xE9 \xA9 \xFC") == "windows-1252");
}

TEST_CASE("other charsets") {
  CHECK(to_utf8("caf\xE9 \x80", "iso-8859-1") == "café €");
  CHECK(to_utf8("\xA4", "iso-8859-15") == "€");
  CHECK(to_utf8("\xCF\xF0\xE8\xE2\xE5\xF2", "windows-1251") == "Привет");
  CHECK(to_utf8("\xF0\xD2\xC9\xD7\xC5\xD4", "KOI8-R") == "Привет");
  CHECK(to_utf8("\xC4\xE3\xBA\xC3", "gb2312") == "你好");
  CHECK(to_utf8("\x81\x30\x84\x36\x95\x32\x82\x36", "gb18030") == "¥𠀀");
  CHECK(to_utf8("\xA7\x41\xA6\x6E", "Big5") == "你好");
  CHECK(to_utf8("\xBE\xC8\xB3\xE7", "EUC-KR") == "안녕");
  CHECK(to_utf8("\x1B$)C\x0E>H3g\x0F!", "ISO-2022-KR") == "안녕!");
  CHECK(to_utf8(std::string("\0h\0i", 4), "utf-16be") == "hi");
  CHECK(is_known_charset(" UTF-8 "));
  CHECK_FALSE(is_known_charset("utf-7"));
  CHECK_FALSE(is_known_charset("ibm-37"));
}

TEST_CASE("UTF-7 is text, not markup") {
  CHECK(to_utf8("+ADw-script+AD4-", "utf-7") == "+ADw-script+AD4-");
}

TEST_CASE("ISO-2022-JP: what senders get wrong") {
  CHECK(to_utf8("\x1B$BFO$1", "iso-2022-jp") == "届け");          // never back to ASCII
  CHECK(to_utf8("\x1B$BFO$1\nok", "iso-2022-jp") == "届け\nok");  // a line begins in ASCII
  CHECK(to_utf8("\x1B$BFO$\x1B(Bok", "iso-2022-jp") == "届\xEF\xBF\xBDok");
  CHECK(to_utf8("\x1B(J\\100\x1B(B", "iso-2022-jp") == "\\100");
  CHECK(to_utf8("\x1B$(D0!\x1B(B", "iso-2022-jp-1") == "丂");  // JIS X 0212
  CHECK(to_utf8("\x1B$ADc:C\x1B(B", "iso-2022-jp-2") == "你好");
  CHECK(to_utf8("\x1B$(C>H3g\x1B(B", "iso-2022-jp-2") == "안녕");
  CHECK(to_utf8("a\x1BZb", "iso-2022-jp") == "a\xEF\xBF\xBDZb");
  CHECK(to_utf8("\x0E\x36\x40\x0F!", "cp50222") == "ｶﾀ!");
}

TEST_CASE("malformed bytes become U+FFFD and eat no ASCII") {
  const std::string good = repeat(samples[0].shift_jis, 20);
  CHECK(to_utf8(good + "\x81\"<", "shift_jis") == repeat(samples[0].utf8, 20) + "\xEF\xBF\xBD\"<");
  CHECK(to_utf8(good + "\x81", "shift_jis") == repeat(samples[0].utf8, 20) + "\xEF\xBF\xBD");
  const std::string euc = repeat(samples[0].euc_jp, 20);
  CHECK(to_utf8(euc + "\xA4<", "euc-jp") == repeat(samples[0].utf8, 20) + "\xEF\xBF\xBD<");
}

TEST_CASE("whatever comes in, UTF-8 comes out, in any chunks") {
  std::mt19937 random(11);
  for (std::string_view charset : {"", "utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030",
                                   "big5", "euc-kr", "iso-2022-kr", "utf-16", "windows-1252"}) {
    for (int i = 0; i < 100; ++i) {
      std::string bytes;
      for (auto n = random() % 200; n > 0; --n)
        bytes += random() % 4 == 0 ? "\x1B$B("[random() % 4] : static_cast<char>(random());
      CAPTURE(charset);
      auto text = to_utf8(bytes, charset);
      CHECK(is_utf8(text));
      CHECK(in_chunks(bytes, charset, random) == text);
    }
  }
}

TEST_CASE("output can be capped, and long text flows") {
  CHECK(to_utf8(samples[0].shift_jis, "shift_jis", 7) == "届け");
  std::string text = std::string(100'000, 'a') + repeat(samples[0].shift_jis, 5'000);
  CHECK(to_utf8(text) == std::string(100'000, 'a') + repeat(samples[0].utf8, 5'000));
  CHECK(to_utf8(text, "", 1'000) == std::string(1'000, 'a'));
}

TEST_CASE("raw 8-bit headers") {
  for (const auto& sample : samples) {
    if (sample.utf8.ends_with('\n')) continue;
    CHECK(header_to_utf8(sample.shift_jis) == sample.utf8);
    CHECK(header_to_utf8(sample.iso_2022_jp) == sample.utf8);
    CHECK(header_to_utf8(sample.utf8) == sample.utf8);
  }
}
