#include "provider/classify.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace todoke;
using provider::Book;
using provider::Named;
using provider::ReplyClass;
using provider::Scope;
using smtp::Stage;

namespace {

provider::Verdict verdict(std::string_view provider, std::string_view fixture) {
  auto parsed = provider::Fixture::parse(fixture);
  REQUIRE(parsed);
  const auto* found = Book::built_in().find(provider);
  REQUIRE(found != nullptr);
  return provider::classify(Book::built_in(), *found, parsed->response());
}

}  // namespace

TEST_CASE("the stage decides at docomo, the address at au") {
  CHECK(verdict("docomo", "rcpt 550 Unknown user").reply_class == ReplyClass::gone);
  CHECK(verdict("docomo", "end 550 Unknown user").reply_class == ReplyClass::filtered);
  CHECK(verdict("docomo", "end 550 5.2.0 Unknown user").reply_class == ReplyClass::filtered);
  CHECK(verdict("generic", "end 550 Unknown user").reply_class == ReplyClass::gone);
  CHECK(verdict("au", "end 550 <a@au.com>: User unknown").reply_class == ReplyClass::gone);
  CHECK(verdict("au", "end 550 : User unknown").reply_class == ReplyClass::filtered);
  CHECK(verdict("au", "end 550 5.0.0 User unknown").reply_class == ReplyClass::filtered);
}

TEST_CASE("a reset is overload at au and a network fault elsewhere") {
  CHECK(verdict("au", "rcpt reset").reply_class == ReplyClass::throttled);
  CHECK(verdict("au", "rcpt closed").reply_class == ReplyClass::unreachable);
  CHECK(verdict("gmail", "rcpt reset").reply_class == ReplyClass::unreachable);
  CHECK(verdict("docomo", "connect refused").reply_class == ReplyClass::throttled);
  CHECK_FALSE(verdict("au", "rcpt reset").permanent);
}

TEST_CASE("what is said next to a breakdown does not count") {
  provider::Response response{.stage = Stage::rcpt,
                              .breakdown = smtp::Breakdown::closed,
                              .code = 550,
                              .enhanced = smtp::EnhancedCode{5, 1, 1},
                              .text = "user unknown"};
  const auto& book = Book::built_in();
  auto result = provider::classify(book, book.generic(), response);
  CHECK(result.reply_class == ReplyClass::unreachable);
  CHECK(result.rule == "code.no-reply");
  CHECK_FALSE(result.permanent);
}

TEST_CASE("Gmail names what it blames") {
  auto at_end = [](std::string_view words) {
    return verdict("gmail",
                   "end 421 4.7.28 Our system has detected an unusual rate of "
                   "unsolicited mail " +
                       std::string(words));
  };
  CHECK(at_end("originating from your IP address.").named == Named::ip);
  CHECK(at_end("originating from your IP Netblock.").named == Named::netblock);
  CHECK(at_end("originating from your DKIM domain [a.jp 36].").named == Named::dkim_domain);
  CHECK(at_end("originating from your SPF domain [a.jp 36].").named == Named::spf_domain);
  CHECK(at_end("containing one of your URL domains.").named == Named::url_domain);
  CHECK(at_end("somehow").named == Named::none);
  CHECK(at_end("somehow").reply_class == ReplyClass::throttled);

  auto one = verdict("gmail",
                     "rcpt 450 4.2.1 The user you are trying to contact is receiving mail "
                     "at a rate that prevents delivery.");
  CHECK(one.reply_class == ReplyClass::full);
  CHECK(one.scope == Scope::recipient);
  // The seed of it all: a 5xx that blames us is never held against the address.
  auto blocked = verdict("gmail", "end 550 5.7.1 very low reputation of the sending domain");
  CHECK(blocked.reply_class == ReplyClass::blocked);
  CHECK(blocked.permanent);
  CHECK_FALSE(provider::counts_against_address(blocked.reply_class));
  CHECK(provider::is_retried(blocked.reply_class, blocked.permanent));
}

TEST_CASE("iCloud: inactive is not gone") {
  CHECK(verdict("icloud", "rcpt 550 5.1.1 <a@me.com>: inactive email address").reply_class ==
        ReplyClass::inactive);
}

TEST_CASE("providers of one family share rules") {
  for (const auto* id : {"microsoft-consumer", "microsoft-365", "microsoft-dane"})
    CHECK(verdict(id, "rcpt 550 5.4.1 Recipient address rejected: Access denied.").rule ==
          "microsoft-consumer.not-in-directory");
  CHECK(verdict("y-mobile", "rcpt 550 Invalid recipient: <a@y-mobile.ne.jp>").rule ==
        "softbank.invalid-recipient");
  // Elsewhere the same words are no word about the recipient.
  CHECK(
      verdict("generic", "rcpt 550 5.4.1 Recipient address rejected: Access denied.").reply_class ==
      ReplyClass::blocked);
}

// The order of the mapping: each row would come out otherwise if a later step came first.
TEST_CASE("the first step that knows decides") {
  struct Row {
    const char* provider;
    const char* reply;
    const char* rule;
    ReplyClass reply_class;
  };
  const Row rows[] = {
      // rules of the provider before words
      {"icloud", "rcpt 550 5.1.1 user does not exist", "icloud.no-such-user", ReplyClass::gone},
      {"docomo", "end 550 Unknown user", "docomo.refused-by-settings", ReplyClass::filtered},
      // words that blame us before words that blame the recipient
      {"generic", "rcpt 550 5.1.1 User unknown, blocked using zen.spamhaus.org", "global.spamhaus",
       ReplyClass::blocked},
      {"generic", "end 550 Quota exceeded, IP on our blacklist", "global.block-list",
       ReplyClass::blocked},
      {"generic", "end 550 User unknown or DMARC failed", "global.dmarc", ReplyClass::auth},
      {"generic", "rcpt 450 4.1.1 User unknown: greylisted", "global.greylist",
       ReplyClass::throttled},
      // words before enhanced codes
      {"generic", "rcpt 550 5.7.1 User unknown", "global.unknown-user", ReplyClass::gone},
      {"generic", "rcpt 450 4.7.1 Mailbox is full", "global.full", ReplyClass::full},
      {"generic", "end 554 5.7.1 Message too large", "global.size", ReplyClass::content},
      // enhanced codes before bare ones
      {"generic", "rcpt 550 5.7.1 Refused", "enhanced.policy", ReplyClass::blocked},
      {"generic", "rcpt 450 4.2.2 Not now", "enhanced.full", ReplyClass::full},
      {"generic", "end 421 4.3.2 Not now", "enhanced.server-fault", ReplyClass::unreachable},
      {"generic", "connect 550 5.7.25 No", "enhanced.unauthenticated", ReplyClass::auth},
      // an undefined code says nothing, the bare one decides
      {"generic", "rcpt 550 5.0.0 Refused", "code.rcpt-550", ReplyClass::gone},
      {"generic", "end 554 5.0.0 Refused", "code.end-550", ReplyClass::content},
      {"generic", "rcpt 452 4.2.0 Not now", "code.rcpt-452", ReplyClass::full},
      // else nobody knows
      {"generic", "end 599 No", "unknown", ReplyClass::unknown},
      {"generic", "end 499 Not now", "unknown", ReplyClass::unknown},
      {"generic", "end - nobody knows", "unknown", ReplyClass::unknown},
      {"generic", "end - 5.0.0 nobody knows", "unknown", ReplyClass::unknown},
  };
  for (const auto& row : rows) {
    CAPTURE(row.reply);
    auto result = verdict(row.provider, row.reply);
    CHECK(result.rule == row.rule);
    CHECK(result.reply_class == row.reply_class);
  }
}

// Section 3 of the mapping, with every other condition out of the way.
TEST_CASE("enhanced codes") {
  struct Row {
    const char* codes;
    ReplyClass reply_class;
  };
  const Row rows[] = {
      {"x.1.1 x.1.2 x.1.3 x.1.6 x.1.10", ReplyClass::gone},
      {"x.1.7", ReplyClass::content},
      {"x.1.8", ReplyClass::auth},
      {"x.2.1", ReplyClass::inactive},
      {"x.2.2", ReplyClass::full},
      {"x.2.3 x.3.4", ReplyClass::content},
      {"x.3.1 x.3.2 x.4.1 x.4.2 x.4.5 x.4.4 x.4.3", ReplyClass::unreachable},
      {"x.4.6 5.4.14", ReplyClass::auth},
      {"x.4.7", ReplyClass::expired},
      {"x.5.3", ReplyClass::throttled},
      {"x.5.0 x.5.1 x.5.2 x.5.4 x.5.5 x.5.6 x.6.0 x.6.1 x.6.9", ReplyClass::content},
      {"4.7.0 4.7.1 4.7.26 4.7.500", ReplyClass::throttled},
      {"5.7.0 5.7.1 5.7.2 5.7.28 5.7.999", ReplyClass::blocked},
      {"5.7.20 5.7.21 5.7.22 5.7.23 5.7.24 5.7.25 5.7.26 5.7.27 5.7.30 5.7.500 5.7.599",
       ReplyClass::auth},
      {"5.7.17 5.7.18", ReplyClass::gone},
      {"x.0.0 x.1.0 x.2.0 5.3.0 5.4.0 x.9.9", ReplyClass::unknown},
  };
  for (const auto& row : rows)
    for (std::string_view rest = row.codes; !rest.empty();) {
      auto code = std::string(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(rest.size(), code.size() + 1));
      for (const char* status_class : {"4", "5"}) {
        if (code.front() != 'x' && code.substr(0, 1) != status_class) continue;
        auto reply = std::string("end - ") + status_class + code.substr(1);
        CAPTURE(reply);
        auto result = verdict("generic", reply);
        CHECK(result.reply_class == row.reply_class);
        CHECK(result.permanent == (*status_class == '5'));
      }
    }
}

// Section 4 of the mapping.
TEST_CASE("bare codes by stage") {
  struct Row {
    const char* reply;
    ReplyClass first, later;
  };
  const auto gone = ReplyClass::gone;
  const auto full = ReplyClass::full;
  const auto throttled = ReplyClass::throttled;
  const auto blocked = ReplyClass::blocked;
  const auto auth = ReplyClass::auth;
  const auto content = ReplyClass::content;
  const auto unreachable = ReplyClass::unreachable;
  const Row rows[] = {
      {"connect 450", blocked, blocked},
      {"connect 554", blocked, blocked},
      {"connect 421", throttled, throttled},
      {"ehlo 550", auth, auth},
      {"ehlo 450", throttled, throttled},
      {"ehlo 421", throttled, throttled},
      {"starttls 454", unreachable, unreachable},
      {"auth 535", auth, auth},
      {"auth 454", unreachable, unreachable},
      {"mail 550", blocked, blocked},
      {"mail 553", blocked, blocked},
      {"mail 552", content, content},
      {"mail 451", throttled, throttled},
      {"mail 530", auth, auth},
      {"rcpt 550", gone, gone},
      {"rcpt 551", gone, gone},
      {"rcpt 553", gone, gone},
      {"rcpt 450", throttled, unreachable},
      {"rcpt 451", throttled, unreachable},
      {"rcpt 452", full, full},
      {"rcpt 421", throttled, throttled},
      {"rcpt 554", blocked, blocked},
      {"rcpt 501", content, content},
      {"data 554", content, content},
      {"end 550", content, content},
      {"end 554", content, content},
      {"end 552", full, full},
      {"end 451", throttled, unreachable},
      {"end 452", unreachable, unreachable},
      {"end 421", throttled, throttled},
      {"rcpt 556", gone, gone},
  };
  for (const auto& row : rows) {
    CAPTURE(row.reply);
    CHECK(verdict("generic", row.reply).reply_class == row.first);
    CHECK(verdict("generic", std::string("again ") + row.reply).reply_class == row.later);
  }
  CHECK(verdict("generic", "end 552 Too big, message size limit").reply_class == content);
  CHECK(verdict("generic", "end 552 Mailbox is full").reply_class == full);
}

TEST_CASE("every stage and breakdown has an answer") {
  for (int breakdown = 1; breakdown <= 8; ++breakdown)
    for (int stage = 0; stage <= 8; ++stage) {
      const auto& book = Book::built_in();
      provider::Response response{.stage = static_cast<Stage>(stage),
                                  .breakdown = static_cast<smtp::Breakdown>(breakdown)};
      CHECK(provider::classify(book, book.generic(), response).reply_class ==
            ReplyClass::unreachable);
      for (const auto& from : book.all())
        CHECK_FALSE(
            provider::counts_against_address(provider::classify(book, from, response).reply_class));
    }
}

TEST_CASE("bounces that come later are read alike") {
  struct Row {
    const char* provider;
    const char* text;
    ReplyClass reply_class;
    bool permanent;
  };
  const Row rows[] = {
      {"gmail", "smtp; 550-5.1.1 The email account that you tried to reach does not exist.",
       ReplyClass::gone, true},
      {"gmail",
       "smtp; 421-4.7.28 Gmail has detected an unusual rate of unsolicited mail "
       "originating from your IP address.",
       ReplyClass::throttled, false},
      {"docomo", "smtp;550 Unknown user a@docomo.ne.jp", ReplyClass::filtered, true},
      {"docomo", "smtp; 550 5.1.1 Unknown user", ReplyClass::gone, true},
      {"au", "550 : User unknown", ReplyClass::filtered, true},
      {"au", "<a@ezweb.ne.jp>: User unknown", ReplyClass::gone, false},
      {"generic", "Sorry, no mailbox here by that name. (#5.1.1)", ReplyClass::gone, true},
      {"generic", "x-unix; user unknown", ReplyClass::gone, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto& book = Book::built_in();
    provider::Response response{.stage = Stage::end_of_data, .text = row.text};
    auto result = provider::classify(book, *book.find(row.provider), response);
    CHECK(result.reply_class == row.reply_class);
    CHECK(result.permanent == row.permanent);
  }
}

TEST_CASE("replies of common servers") {
  struct Row {
    const char* reply;
    ReplyClass reply_class;
  };
  const Row rows[] = {
      {"rcpt 550 5.1.1 <a@b.jp>: Recipient address rejected: User unknown in local recipient table",
       ReplyClass::gone},
      {"rcpt 550 Unrouteable address", ReplyClass::gone},
      {"rcpt 553 5.3.0 <a@b.jp>... User unknown", ReplyClass::gone},
      {"rcpt 550 5.1.1 RESOLVER.ADR.RecipNotFound; not found", ReplyClass::gone},
      {"rcpt 550 Requested action not taken: mailbox unavailable", ReplyClass::gone},
      {"rcpt 550 5.1.0 Address rejected.", ReplyClass::gone},
      // The words of RFC 5321 for any refusal say nothing about a mailbox after the text.
      {"end 550 Requested action not taken: mailbox unavailable", ReplyClass::content},
      {"rcpt 450 Requested mail action not taken: mailbox unavailable", ReplyClass::throttled},
      {"rcpt 450 4.7.1 <mail>: Helo command rejected: Host not found", ReplyClass::auth},
      {"rcpt 450 4.7.1 Client host rejected: cannot find your reverse hostname", ReplyClass::auth},
      {"rcpt 450 4.1.1 <a@b.jp>: Recipient address rejected: unverified address", ReplyClass::gone},
      {"rcpt 450 4.2.0 <a@b.jp>: Recipient address rejected: Greylisted", ReplyClass::throttled},
      {"rcpt 451 Temporary local problem - please try later", ReplyClass::throttled},
      {"rcpt 451 4.3.0 <a@b.jp>: Temporary lookup failure", ReplyClass::unreachable},
      {"mail 452 4.3.1 Insufficient system storage", ReplyClass::unreachable},
      {"mail 552 5.3.4 Message size exceeds fixed limit", ReplyClass::content},
      {"end 554 5.4.6 Too many hops", ReplyClass::auth},
      {"rcpt 552 5.2.2 Mailbox full: too many messages", ReplyClass::full},
      {"end 554 5.7.1 Rejected: contains a prohibited virus or spam content", ReplyClass::content},
      {"rcpt 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.spamcop.net",
       ReplyClass::blocked},
      {"connect 421 4.7.0 mx Error: too many connections from 192.0.2.7", ReplyClass::throttled},
      {"connect 554 5.7.1 mx: no", ReplyClass::blocked},
  };
  for (const auto& row : rows) {
    CAPTURE(row.reply);
    CHECK(verdict("generic", row.reply).reply_class == row.reply_class);
  }
}

TEST_CASE("an address cannot talk its way into another class") {
  for (const auto* address : {"spamhaus@example.jp", "dmarc+quota.exceeded@example.jp",
                              "\"mailbox full\"@example.jp", "blacklist@spamhaus.example"}) {
    auto result = verdict("generic", std::string("rcpt 550 5.1.1 <") + address + ">: User unknown");
    CAPTURE(address);
    CHECK(result.rule == "global.unknown-user");
  }
}

TEST_CASE("hostile texts are read in bounded time") {
  const auto& book = Book::built_in();
  for (const auto* unit : {"@", "\"@", "a", "#5.1.1x", "mailbox ", "550 ", "too many messages "}) {
    std::string text;
    while (text.size() < 1 << 20) text += unit;
    auto begin = std::chrono::steady_clock::now();
    for (const auto& from : book.all())
      provider::classify(book, from, {.stage = Stage::end_of_data, .code = 599, .text = text});
    CAPTURE(unit);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  }
}
