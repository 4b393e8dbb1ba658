#include "queue/returns/dsn_composer.h"

#include "base/ascii.h"
#include "mime/address.h"
#include "mime/structure.h"
#include "mime/text.h"
#include "queue/returns/return_parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace todoke;
using namespace todoke::queue;

namespace {

using Action = DsnRecipient::Action;

// 2026-11-22 09:00:00 UTC, 18:00 in Japan.
constexpr Time evening{std::chrono::seconds(1'795'338'000)};

DsnRequest request() {
  DsnRequest r;
  r.reporting_mta = "todoke.example";
  r.from_address = "MAILER-DAEMON@todoke.example";
  r.to = "sensei@midori.example.jp";
  r.envid = "QQ314159";
  r.message_id = "dsn.1@todoke.example";
  r.arrival = evening - std::chrono::hours(2);
  r.now = evening;
  r.original_header =
      "From: sensei@midori.example.jp\r\nTo: taro@example.com\r\n"
      "Message-ID: <undokai.7@midori.example.jp>\r\n"
      "Subject: =?UTF-8?B?5piO5pel44Gu6YGL5YuV5Lya?=\r\nDate: Sun, 22 Nov 2026 16:00:00 +0900\r\n";
  r.recipients.push_back({.address = "taro@example.com",
                          .original = smtp::OriginalRecipient{"rfc822", "taro+old@example.com"},
                          .status = {5, 1, 1},
                          .diagnostic = "550 5.1.1 <taro@example.com>: no such user",
                          .remote_mta = "mx.example.com",
                          .last_attempt = evening});
  return r;
}

std::string composed(const DsnRequest& r) {
  auto message = compose_dsn(r);
  REQUIRE(message.has_value());
  return *message;
}

std::string text_of(const std::string& message) {
  auto structure = mime::parse_structure(message);
  REQUIRE(structure.parts.size() >= 4);
  const auto& part = structure.parts[1];
  CHECK(part.subtype == "plain");
  return mime::decoded_text(part, std::string_view(message).substr(part.body_begin, part.size()));
}

void check_lines(std::string_view message) {
  for (std::size_t at = 0; at < message.size();) {
    auto end = message.find("\r\n", at);
    REQUIRE(end != std::string_view::npos);
    auto line = message.substr(at, end - at);
    CHECK(line.size() <= 998);
    CHECK(line.find_first_of("\r\n") == std::string_view::npos);
    at = end + 2;
  }
}

}  // namespace

TEST_CASE("what we send, we read back") {
  auto message = composed(request());
  check_lines(message);
  CHECK_FALSE(std::ranges::any_of(message, ascii::is_8bit));
  auto result = parse_return(message, "");
  CHECK(result.kind == ReturnKind::failure);
  CHECK(result.format == "rfc3464");
  CHECK(result.original_envelope_id == "QQ314159");
  CHECK(result.reporting_mta == "todoke.example");
  CHECK(result.original_message_id == "undokai.7@midori.example.jp");
  REQUIRE(result.recipients.size() == 1);
  const auto& one = result.recipients[0];
  CHECK(one.address == "taro@example.com");
  CHECK(one.original_address == "taro+old@example.com");
  CHECK(one.action == "failed");
  CHECK(one.status == smtp::EnhancedCode{5, 1, 1});
  CHECK(one.smtp_code == 550);
  CHECK(one.diagnostic == "550 5.1.1 <taro@example.com>: no such user");
  CHECK(one.remote_mta == "mx.example.com");
}

// The corpus holds it too, so that other programs read it beside ours.
TEST_CASE("the notice of the corpus is this one") {
  auto r = request();
  r.recipients.push_back({.address = "slow@example.net",
                          .action = Action::delayed,
                          .status = {4, 4, 1},
                          .diagnostic = "connection timed out",
                          .will_retry_until = evening + std::chrono::days(3)});
  std::ifstream file(TODOKE_SOURCE_DIR "/tests/corpus/returns/rfc3464-todoke.eml",
                     std::ios::binary);
  std::string kept(std::istreambuf_iterator<char>(file), {});
  auto message = "Return-Path: <>\r\n" + composed(r);
  std::erase(message, '\r');
  CHECK(message == kept);
}

TEST_CASE("each action is read back, with many recipients") {
  auto r = request();
  r.recipients[0].address = "a..b.@docomo.ne.jp";
  r.recipients.push_back({.address = "slow@example.net",
                          .action = Action::delayed,
                          .status = {4, 4, 1},
                          .diagnostic = "connection timed out",
                          .will_retry_until = evening + std::chrono::days(3)});
  r.recipients.push_back(
      {.address = "花子@例え.example", .action = Action::delivered, .status = {2, 1, 5}});
  r.recipients.push_back(
      {.address = "far@example.org", .action = Action::relayed, .status = {2, 0, 0}});
  auto message = composed(r);
  auto result = parse_return(message, "");
  CHECK(result.kind == ReturnKind::failure);
  REQUIRE(result.recipients.size() == 4);
  CHECK(result.recipients[0].address == "a..b.@docomo.ne.jp");
  CHECK(result.recipients[1].action == "delayed");
  CHECK(result.recipients[1].diagnostic == "connection timed out");
  CHECK(result.recipients[2].address == "花子@例え.example");
  CHECK(result.recipients[2].action == "delivered");
  CHECK(result.recipients[3].action == "relayed");
  CHECK(message.contains("Diagnostic-Code: x-todoke; connection timed out"));
  CHECK(message.contains("Will-Retry-Until: Wed, 25 Nov 2026 18:00:00 +0900"));

  r.recipients.erase(r.recipients.begin());
  CHECK(parse_return(composed(r), "").kind == ReturnKind::delay);
  r.recipients.erase(r.recipients.begin());
  CHECK(parse_return(composed(r), "").kind == ReturnKind::success);
}

TEST_CASE("the header: no answer is wanted, and the mail is found again") {
  auto message = composed(request());
  auto structure = mime::parse_structure(message);
  auto fields = mime::split_header(structure.header);
  auto value = [&](std::string_view name) {
    const auto* field = mime::find_field(fields, name);
    return field == nullptr ? std::string() : mime::header_text(field->raw_value);
  };
  CHECK(value("Auto-Submitted") == "auto-replied");
  CHECK(value("From") == "Mail Delivery System <MAILER-DAEMON@todoke.example>");
  CHECK(value("To") == "sensei@midori.example.jp");
  CHECK(value("Subject") == "メールをお届けできませんでした (Undelivered mail)");
  CHECK(value("References") == "<undokai.7@midori.example.jp>");
  const auto& top = structure.parts[0];
  CHECK(top.subtype == "report");
  REQUIRE(top.parameters.find("report-type") != nullptr);
  CHECK(*top.parameters.find("report-type") == "delivery-status");
  CHECK(structure.parts[2].subtype == "delivery-status");
  CHECK(structure.parts[3].subtype == "rfc822-headers");
}

TEST_CASE("the words: which address, why, what to do, and the server's answer") {
  auto text = text_of(composed(request()));
  CHECK(text.contains("次の宛先にお届けできませんでした"));
  CHECK(text.contains(
      "  * taro@example.com\r\n    この宛先のメールアドレスは見つかりませんでした。"));
  CHECK(text.contains("There is no such mail address."));
  CHECK(text.contains("taro@example.com (mx.example.com):\r\n    550 5.1.1"));
  CHECK(text.contains("件名 / Subject: 明日の運動会\r\n"));
  CHECK(text.find("お届けできませんでした") < text.find("could not be delivered"));
  auto r = request();
  r.first = Language::english;
  text = text_of(composed(r));
  CHECK(text.find("お届けできませんでした") > text.find("could not be delivered"));
}

TEST_CASE("the reason, by status or as the caller knows it") {
  using enum DsnReason;
  CHECK(reason_of({5, 1, 1}) == no_mailbox);
  CHECK(reason_of({5, 1, 2}) == no_domain);
  CHECK(reason_of({5, 1, 10}) == no_domain);
  CHECK(reason_of({5, 1, 8}) == refused);
  CHECK(reason_of({5, 2, 1}) == inactive);
  CHECK(reason_of({4, 2, 2}) == mailbox_full);
  CHECK(reason_of({5, 3, 4}) == too_large);
  CHECK(reason_of({4, 4, 7}) == unreachable);
  CHECK(reason_of({5, 6, 0}) == content);
  CHECK(reason_of({5, 7, 26}) == refused);
  CHECK(reason_of({5, 0, 0}) == unknown);

  auto says = [](DsnReason reason, smtp::EnhancedCode status, std::string_view words) {
    auto r = request();
    r.recipients[0].reason = reason;
    r.recipients[0].status = status;
    return text_of(composed(r)).contains(words);
  };
  // docomo: "550 Unknown user" behind the text is the person's filter.
  CHECK(says(recipient_settings, {5, 0, 0}, "受信設定"));
  CHECK(says(by_status, {4, 4, 7}, "2026年11月22日18時00分までに受け取りませんでした"));
  CHECK(says(by_status, {4, 4, 7}, "until Sun, 22 Nov 2026 18:00:00 +0900."));
  CHECK(says(by_status, {5, 2, 2}, "受信箱がいっぱいです"));
  CHECK(says(in_doubt, {4, 4, 2}, "届いたかどうかが分かりません"));
  CHECK(says(in_doubt, {4, 4, 2}, "It may have arrived: please ask the person."));
  CHECK_FALSE(says(in_doubt, {4, 4, 2}, "could not be delivered"));
}

TEST_CASE("a delay asks for nothing") {
  auto r = request();
  r.recipients[0].action = Action::delayed;
  r.recipients[0].status = {4, 4, 1};
  r.recipients[0].will_retry_until = evening + std::chrono::days(3);
  auto message = composed(r);
  auto text = text_of(message);
  CHECK(text.contains("2026年11月25日18時00分まで送り続けます。何もなさらなくてかまいません。"));
  CHECK(text.contains(
      "We will keep trying until Wed, 25 Nov 2026 18:00:00 +0900. You need do nothing."));
  CHECK_FALSE(text.contains("お届けできませんでした"));
  CHECK(parse_return(message, "").kind == ReturnKind::delay);
}

TEST_CASE("other servers' words in any bytes") {
  auto r = request();
  auto& words = r.recipients[0].diagnostic;
  words = "550 \x88\xB6\x90\xE6\x82\xCC\x83\x81\x81[\x83\x8B\x82\xAA\x96\xB3\x82\xA2";  // Shift_JIS
  CHECK(text_of(composed(r)).contains("550 宛先のメールが無い"));
  words = "550 a\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient: rfc822; evil@example.com\x01\xFF";
  auto result = parse_return(composed(r), "");
  REQUIRE(result.recipients.size() == 1);
  CHECK(result.recipients[0].status == smtp::EnhancedCode{5, 1, 1});
  words = "550 " + std::string(5'000, 'x');
  check_lines(composed(r));
  r.recipients[0].original = smtp::OriginalRecipient{"utf-8", std::string(900, '\\')};
  check_lines(composed(r));
  r.original_header = "Message-ID: <a b\x01>\r\nX: \xFF\r\nno field\r\n";
  check_lines(composed(r));
}

TEST_CASE("what is returned of the mail") {
  auto r = request();
  auto returned = [&] {
    auto structure = mime::parse_structure(composed(r));
    return structure.parts[3].type + "/" + structure.parts[3].subtype;
  };
  CHECK(returned() == "text/rfc822-headers");
  r.original_message = r.original_header + "\r\nthe text\r\n";
  CHECK(returned() == "message/rfc822");
  CHECK(composed(r).contains("the text"));
  // What cannot pass as 7bit, and what is too much, comes back as its header.
  r.original_message = r.original_header + "\r\n本文\r\n";
  CHECK(returned() == "text/rfc822-headers");
  r.original_header.clear();
  CHECK(parse_return(composed(r), "").original_message_id == "undokai.7@midori.example.jp");
  r.original_message = request().original_header + "\r\n" + std::string(max_returned_message, 'x');
  CHECK(returned() == "text/rfc822-headers");
  r.original_message.reset();
  r.original_header = "Message-ID: <1@a>\r\nX-Long: " + std::string(2 * max_returned_header, 'x') +
                      "\r\nTo: a@b\r\n";
  CHECK(composed(r).size() < max_returned_header);
}

TEST_CASE("an international sender") {
  auto r = request();
  r.to = "先生@midori.example.jp";
  auto message = composed(r);
  auto structure = mime::parse_structure(message);
  CHECK(mime::addr_spec(structure.envelope.to.at(0)) == "先生@midori.example.jp");
  CHECK(parse_return(message, "").kind == ReturnKind::failure);
}

TEST_CASE("what cannot be sent is refused") {
  auto refused = [](DsnRequest r) {
    auto message = compose_dsn(r);
    return !message && message.error().code == Errc::invalid;
  };
  auto r = request();
  r.recipients.clear();
  CHECK(refused(r));
  r = request();
  r.to = "";
  CHECK(refused(r));
  r = request();
  r.to = "a@b\r\nBcc: c@d";
  CHECK(refused(r));
  r = request();
  r.message_id = "a b";
  CHECK(refused(r));
}

TEST_CASE("a thousand recipients: all in the fields, fifty in the words") {
  auto r = request();
  for (int i = 1; i < 1'000; ++i) {
    r.recipients.push_back(r.recipients[0]);
    r.recipients.back().address = "u" + std::to_string(i) + "@example.com";
  }
  auto message = composed(r);
  CHECK(parse_return(message, "").recipients.size() == 1'000);
  auto text = text_of(message);
  CHECK(text.contains("ほか950件"));
  CHECK(text.contains("and 950 more"));
  CHECK_FALSE(text.contains("u50@"));
}
