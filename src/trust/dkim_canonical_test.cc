#include "trust/dkim_canonical.h"

#include "base/encoding.h"

#include <doctest/doctest.h>

#include <ctime>
#include <functional>
#include <vector>

using namespace todoke;
using namespace todoke::trust;

namespace {

std::string field(Canonicalization kind, std::string_view name, std::string_view raw_value) {
  std::string out;
  append_canonical_field(out, kind, name, raw_value);
  return out;
}

std::string body(Canonicalization kind, const std::vector<std::string_view>& pieces) {
  std::string out;
  auto collect = [&](std::string_view bytes) { out += bytes; };
  BodyCanonicalizer canonical(kind);
  for (auto piece : pieces) canonical.update(piece, collect);
  canonical.finish(collect);
  return out;
}
std::string simple(std::string_view text) {
  return body(Canonicalization::simple, {text});
}
std::string relaxed(std::string_view text) {
  return body(Canonicalization::relaxed, {text});
}

}  // namespace

TEST_CASE("dkim canonical: the examples of RFC 6376 §3.4.5") {
  CHECK(field(Canonicalization::relaxed, "A", " X\r\n") == "a:X\r\n");
  CHECK(field(Canonicalization::relaxed, "B", " Y\t\r\n\tZ  \r\n") == "b:Y Z\r\n");
  CHECK(field(Canonicalization::simple, "A", " X\r\n") == "A: X\r\n");
  CHECK(field(Canonicalization::simple, "B ", " Y\t\r\n\tZ  \r\n") == "B : Y\t\r\n\tZ  \r\n");
  CHECK(relaxed(" C \r\nD \t E\r\n\r\n\r\n") == " C\r\nD E\r\n");
  CHECK(simple(" C \r\nD \t E\r\n\r\n\r\n") == " C \r\nD \t E\r\n");
}

// RFC 6376 §3.4.3 and §3.4.4 give these digests.
TEST_CASE("dkim canonical: the hash of nothing") {
  CHECK(base64_encode(body_hash("")) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  CHECK(base64_encode(body_hash("", Canonicalization::simple)) ==
        "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
}

TEST_CASE("dkim canonical: header fields") {
  for (std::string_view raw : {" a  b\r\n", "a\r\n b", "\r\n a b \r\n", "\t a\t \r\n \t b\t",
                               " a\n\tb\n", "a \rb", "\r\n\r\n a b\r\n \r\n"}) {
    CAPTURE(raw);
    CHECK(field(Canonicalization::relaxed, "SubJECT", raw) == "subject:a b\r\n");
  }
  CHECK(field(Canonicalization::relaxed, "X", "") == "x:\r\n");
  CHECK(field(Canonicalization::relaxed, "X", " \t \r\n \r\n") == "x:\r\n");
  // Unfolding takes the line end out and leaves nothing in its place.
  CHECK(field(Canonicalization::relaxed, "X", "a\r\nb") == "x:ab\r\n");
  CHECK(field(Canonicalization::relaxed, "件名", " 届け　です") == "件名:届け　です\r\n");
  CHECK(field(Canonicalization::simple, "X", " a\n b\r\n") == "X: a\r\n b\r\n");
  CHECK(field(Canonicalization::simple, "X", "") == "X:\r\n");
}

TEST_CASE("dkim canonical: ends of bodies") {
  CHECK(simple("") == "\r\n");
  CHECK(relaxed("") == "");
  CHECK(simple("\r\n\r\n") == "\r\n");
  CHECK(relaxed("\r\n\r\n") == "");
  CHECK(relaxed(" \t\r\n \r\n\t") == "");
  CHECK(simple(" \r\n\r\n") == " \r\n");
  CHECK(relaxed("a") == "a\r\n");
  CHECK(simple("a") == "a\r\n");
  CHECK(relaxed("a \t") == "a\r\n");
  CHECK(simple("a ") == "a \r\n");
  CHECK(relaxed("\r\n\r\na\r\n \r\nb\r\n\r\n \r\n") == "\r\n\r\na\r\n\r\nb\r\n");
  CHECK(simple("\r\n\r\na\r\n \r\nb\r\n\r\n") == "\r\n\r\na\r\n \r\nb\r\n");
  CHECK(relaxed("\t a\t\tb") == " a b\r\n");
}

TEST_CASE("dkim canonical: every kind of line end is what it will be on the wire") {
  CHECK(simple("a\nb\rc\r\nd\r\r\ne\n\rf") == "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf\r\n");
  CHECK(relaxed("a \nb \rc \r\nd \r \r\n") == "a\r\nb\r\nc\r\nd\r\n");
}

TEST_CASE("dkim canonical: pieces do not matter") {
  constexpr std::string_view text = " \r\n\t a \t b\r\r\n\r\nc \n\n d\r\n \r\n\r\n";
  for (auto kind : {Canonicalization::simple, Canonicalization::relaxed}) {
    const auto whole = body(kind, {text});
    for (std::size_t i = 0; i <= text.size(); ++i)
      for (std::size_t j = i; j <= text.size(); ++j)
        CHECK(body(kind, {text.substr(0, i), text.substr(i, j - i), text.substr(j)}) == whole);
  }
}

TEST_CASE("dkim canonical: more than is gathered") {
  std::string words, expected;
  for (int i = 0; i < 5000; ++i) {
    words += "word  ";
    expected += "word ";
  }
  expected.pop_back();
  CHECK(relaxed(words) == expected + "\r\n");
  const std::string run(10'000, 'x');
  CHECK(relaxed("a " + run + " b") == "a " + run + " b\r\n");
}

// Mail-server rule R5, as in mime/linear_test.cc.
TEST_CASE("dkim canonical: linear time") {
  auto seconds = [](const std::string& text) {
    auto begin = std::clock();
    body_hash(text);
    field(Canonicalization::relaxed, "Subject", text);
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  for (std::string_view unit : {"a", " ", "a ", "\r\n", "\r\na", " \r\n", "\r", "\n"}) {
    CAPTURE(unit);
    constexpr std::size_t growth = 8;
    std::string small, large;
    for (std::size_t i = 0; i < 24'000 / unit.size(); ++i) small += unit;
    for (std::size_t i = 0; i < growth; ++i) large += small;
    constexpr double noise = 0.002;
    double one = 0, many = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      one = seconds(small);
      many = seconds(large);
      if (many < (one + noise) * growth * 3) break;
    }
    CHECK(many < (one + noise) * growth * 3);
  }
}
