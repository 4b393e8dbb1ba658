#include "provider/book.h"
#include "provider/built_in.h"
#include "provider/proof.h"

#include <doctest/doctest.h>

#include <set>

using namespace todoke;
using provider::Book;

TEST_CASE("the built-in book parses") {
  auto book = Book::parse(provider::built_in_toml());
  INFO((book ? std::string() : book.error().text));
  REQUIRE(book);
  CHECK(book->version() == Book::built_in().version());
}

TEST_CASE("every fixture of the built-in book is taken by its own rule") {
  for (const auto& fault : provider::faults(Book::built_in())) FAIL_CHECK(fault);
}

TEST_CASE("the providers we must know are known") {
  for (const auto* id :
       {"gmail",         "yahoo",          "yahoo-japan", "icloud",  "microsoft-consumer",
        "microsoft-365", "microsoft-dane", "docomo",      "au",      "softbank",
        "y-mobile",      "rakuten",        "ocn",         "nifty",   "biglobe",
        "so-net",        "plala",          "j-com",       "generic", "generic-jp"}) {
    CAPTURE(id);
    CHECK(Book::built_in().find(id) != nullptr);
  }
}

TEST_CASE("each provider is written down in full") {
  const std::set<std::string> parts = {"mx", "limits", "replies"};
  for (const auto& provider : Book::built_in().all()) {
    CAPTURE(provider.id);
    auto sentences = [](const std::string& text, std::string_view end) {
      int count = 0;
      for (auto at = text.find(end); at != text.npos; at = text.find(end, at + 1)) ++count;
      return count;
    };
    CHECK(sentences(provider.guide.ja, "。") >= 2);
    CHECK(sentences(provider.guide.ja, "。") <= 4);
    CHECK(provider.guide.en.size() > 60);
    CHECK((provider.guide.url.empty() || provider.guide.url.starts_with("https://")));
    CHECK(provider.verified_on.size() == 10);
    for (const auto& part : provider.unverified) CHECK(parts.contains(part));
    for (const auto& suffix : provider.mx_suffixes) CHECK(suffix.find('.') != suffix.npos);
  }
}

// Rules for every Japanese destination.
TEST_CASE("Japanese providers get one recipient at a time") {
  for (const auto* id : {"yahoo-japan", "docomo", "au", "softbank", "y-mobile", "rakuten", "ocn",
                         "nifty", "biglobe", "so-net", "plala", "j-com", "generic-jp"}) {
    CAPTURE(id);
    const auto* provider = Book::built_in().find(id);
    REQUIRE(provider != nullptr);
    const auto& limits = provider->limits;
    CHECK(limits.recipients_per_transaction == 1);
    CHECK(limits.messages_per_connection <= 20);
    CHECK(limits.connections == 2);
    CHECK(provider->quirks.avoids_full_hours);
  }
}
