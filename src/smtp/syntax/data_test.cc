#include "smtp/syntax/data.h"

#include "base/dot_stuffing.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace todoke;
using namespace todoke::smtp;

namespace {

struct Decoded {
  std::string text;
  std::size_t consumed = 0;
  bool ended = false;
  LineFaults faults;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Feeds `input` in pieces: bit i of `cuts` set means a cut after byte i, of every 32 bytes.
Decoded decode(std::string_view input, unsigned cuts) {
  DataReader reader;
  Decoded out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < input.size() && !reader.ended(); ++i) {
    if (i + 1 < input.size() && (cuts >> i % 32 & 1) == 0) continue;
    out.consumed += reader.read(input.substr(begin, i + 1 - begin), out.text);
    begin = i + 1;
  }
  out.ended = reader.ended();
  out.faults = reader.faults();
  CHECK(reader.size() == out.text.size());
  return out;
}

Decoded decode(std::string_view input) {
  return decode(input, 0);
}

// The rules again, slowly and by regarding the whole input: our oracle.
Decoded oracle(std::string_view input) {
  Decoded out;
  bool line_start = true;
  std::size_t i = 0;
  while (i < input.size()) {
    auto rest = input.substr(i);
    if (line_start && rest.starts_with(".\r\n")) {
      out.ended = true;
      out.consumed = i + 3;
      return out;
    }
    if (line_start && rest.front() == '.') {
      ++i;
      line_start = false;
      continue;
    }
    if (rest.starts_with("\r\n")) {
      out.text += "\r\n";
      i += 2;
      line_start = true;
      continue;
    }
    if (rest.front() == '\r') out.faults.bare_cr = true;
    if (rest.front() == '\n') out.faults.bare_lf = true;
    out.text += rest.front();
    ++i;
    line_start = false;
  }
  out.consumed = i;
  return out;
}

// Every text of up to `length` symbols out of CR, LF, dot and a letter.
std::vector<std::string> all_texts(std::size_t length) {
  std::vector<std::string> texts = {""};
  for (std::size_t begin = 0; length > 0; --length) {
    auto end = texts.size();
    for (; begin < end; ++begin)
      for (char c : {'\r', '\n', '.', 'a'}) texts.push_back(texts[begin] + c);
  }
  return texts;
}

}  // namespace

TEST_CASE("RFC 5321 §4.5.2: transparency") {
  auto plain = decode("Subject: x\r\n\r\nhello\r\n..dot\r\n.\r\nQUIT\r\n");
  CHECK(plain.ended);
  CHECK(plain.text == "Subject: x\r\n\r\nhello\r\n.dot\r\n");
  CHECK(plain.consumed == 31);
  CHECK(plain.faults == LineFaults{});

  CHECK(decode(".\r\n") == Decoded{"", 3, true, {}});
  CHECK(decode("..\r\n.\r\n").text == ".\r\n");
  CHECK(decode(".x\r\n.\r\n").text == "x\r\n");
}

TEST_CASE("R1: what is not exactly CRLF.CRLF never ends the message") {
  const char* ends[] = {"\r", "\n", "\r\n", "\n\r", "\r\r\n", "\r\n\n", "", "\n\n", "\r\r"};
  for (std::string before : ends) {
    for (std::string after : ends) {
      auto text = "a" + before + "." + after;
      bool ends_message = before.ends_with("\r\n") && after.starts_with("\r\n");
      for (unsigned cuts = 0; cuts < 1U << text.size(); ++cuts) {
        CAPTURE(cuts);
        CHECK(decode(text, cuts).ended == ends_message);
      }
    }
  }
}

TEST_CASE("every text of six symbols, in every chunking, decodes as the rules say") {
  for (const auto& text : all_texts(6)) {
    auto input = "b\r\n" + text;
    auto wanted = oracle(input);
    for (unsigned cuts = 0; cuts < 1U << text.size(); ++cuts) {
      auto found = decode(input, cuts << 3);
      // A CR or a dot at the end of unfinished input is still undecided.
      if (!wanted.ended) {
        CHECK(!found.ended);
        CHECK(found.consumed == wanted.consumed);
        CHECK(wanted.text.starts_with(found.text));
        CHECK(wanted.text.size() - found.text.size() <= 1);
      } else {
        CHECK(found == wanted);
      }
    }
    // Once the end is there, nothing is undecided.
    CHECK(decode(input + "\r\n.\r\n") == oracle(input + "\r\n.\r\n"));
  }
}

TEST_CASE("encoding and decoding is the identity, faults included, in every chunking") {
  for (const auto& text : all_texts(6)) {
    bool complete = text.empty() || text.ends_with("\r\n");
    auto wanted = complete ? text : text + "\r\n";
    for (unsigned cuts = 0; cuts < 1U << text.size(); cuts += 1 + cuts % 3) {
      DotStuffer stuffer(DotStuffer::BareLineEnds::keep);
      std::string wire;
      std::size_t begin = 0;
      for (std::size_t i = 0; i < text.size(); ++i) {
        if ((cuts >> i & 1) == 0 && i + 1 < text.size()) continue;
        stuffer.encode(std::string_view(text).substr(begin, i + 1 - begin), wire);
        begin = i + 1;
      }
      stuffer.finish(wire);
      CHECK(wire == dot_stuff(text, DotStuffer::BareLineEnds::keep));
      auto back = decode(wire + "QUIT\r\n");
      CHECK(back.ended);
      CHECK(back.consumed == wire.size());
      CHECK(back.text == wanted);
    }
  }
}

TEST_CASE("R1: what we send has no bare line end and exactly one end of message") {
  using enum DotStuffer::BareLineEnds;
  CHECK(dot_stuff("a\n.\r.\nb", to_crlf) == "a\r\n..\r\n..\r\nb\r\n.\r\n");
  CHECK(dot_stuff("a\r\n", to_crlf) == "a\r\n.\r\n");
  CHECK(dot_stuff("a\r", to_crlf) == "a\r\n.\r\n");
  CHECK(dot_stuff("", to_crlf) == ".\r\n");
  CHECK(dot_stuff("a\n.\n", keep) == "a\n.\n\r\n.\r\n");
  for (const auto& text : all_texts(6)) {
    auto whole = dot_stuff(text, to_crlf);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      DotStuffer stuffer(to_crlf);
      std::string wire;
      stuffer.encode(std::string_view(text).substr(0, cut), wire);
      stuffer.encode(std::string_view(text).substr(cut), wire);
      stuffer.finish(wire);
      CHECK(wire == whole);
    }
    auto back = decode(whole);
    CHECK(back.ended);
    CHECK(back.consumed == whole.size());
    CHECK(back.faults == LineFaults{});
  }
}

TEST_CASE("lines over 998 bytes are noted, the stuffed dot and shorter ones are not") {
  auto line = [](std::size_t length) { return std::string(length, 'x') + "\r\n"; };
  CHECK_FALSE(decode(line(998) + ".\r\n").faults.long_line);
  CHECK(decode(line(999) + ".\r\n").faults.long_line);
  CHECK_FALSE(decode("." + line(998) + ".\r\n").faults.long_line);
  // The reader counts across pieces, and afresh in each line.
  CHECK(decode(line(10) + line(999) + ".\r\n", ~0U).faults.long_line);
  CHECK_FALSE(decode(line(600) + line(600) + ".\r\n").faults.long_line);
}

TEST_CASE("BDAT chunks are checked by the same rule, across their borders") {
  auto check = [](std::initializer_list<std::string_view> chunks) {
    LineChecker checker;
    for (auto chunk : chunks) checker.take_all(chunk);
    checker.finish();
    return checker.faults();
  };
  CHECK(check({"a\r", "\nb\r\n"}) == LineFaults{});
  CHECK(check({"a\r", "b\r\n"}) == LineFaults{.bare_cr = true});
  CHECK(check({"a\r"}) == LineFaults{.bare_cr = true});
  CHECK(check({"a", "\nb\r\n"}) == LineFaults{.bare_lf = true});
  CHECK(check({std::string(1001, 'x')}) == LineFaults{.long_line = true});
  std::string nul(1, '\0');
  CHECK(check({"a" + nul + "\r\n"}) == LineFaults{.nul = true});
  CHECK(check({"a\r\n", nul, "\r\n"}) == LineFaults{.nul = true});
  CHECK(check({"a\r" + nul}) == LineFaults{.bare_cr = true, .nul = true});
}
