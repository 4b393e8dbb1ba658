#include "queue/returns/return_parser.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/header.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace todoke;
using namespace todoke::queue;

namespace {

std::filesystem::path corpus() {
  return std::filesystem::path(TODOKE_SOURCE_DIR) / "tests/corpus/returns";
}

std::string message_of(std::string_view name) {
  std::ifstream file(corpus() / (std::string(name) + ".eml"), std::ios::binary);
  std::string message(std::istreambuf_iterator<char>(file), {});
  REQUIRE_FALSE(message.empty());
  return message;
}

std::string reverse_path_of(const std::string& message) {
  auto header = mime::split_header(message);
  const auto* field = mime::find_field(header, "Return-Path");
  REQUIRE(field != nullptr);
  auto path = mime::unfold(field->raw_value);
  std::erase_if(path, [](char c) { return c == '<' || c == '>'; });
  return path;
}

Return parse(std::string_view name) {
  auto message = message_of(name);
  return parse_return(message, reverse_path_of(message));
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

// One line for the message, one for each recipient; what is not known is left out.
std::string describe(const Return& result) {
  std::string out(to_text(result.kind));
  auto add = [&](std::string_view before, std::string_view text) {
    if (!text.empty()) (out += before) += text;
  };
  add(" ", result.format);
  auto id = std::string_view(result.original_message_id);
  if (id.ends_with("@todoke.example")) id = id.substr(0, id.find('@'));
  add(" ", id);
  if (result.filtered_hint) out += " filtered";
  add(" ", result.feedback_type);
  for (const auto& r : result.recipients) {
    add("\n", r.address);
    add(" from ", r.original_address);
    add(" ", r.action);
    add(" ", r.status ? smtp::to_text(*r.status) : "");
    add(" ", r.smtp_code ? std::to_string(*r.smtp_code) : "");
    add(" at ", r.stage ? smtp::to_text(*r.stage) : "");
    add(" by ", r.remote_mta);
  }
  return out;
}

struct Expected {
  std::string_view name;
  std::string_view description;
};

// Each file of the corpus and what it says.
constexpr Expected expected[] = {
    {"arf-abuse",
     "complaint arf notice-77.48 abuse\n"
     "taro@provider.example"},
    {"arf-microsoft",
     "complaint arf notice-77.50 abuse\n"
     "taro@hotmail.example"},
    {"arf-not-spam",
     "automatic arf notice-77.51 not-spam\n"
     "taro@provider.example"},
    {"arf-redacted", "complaint arf notice-77.49 abuse"},
    {"auto-challenge", "automatic challenge"},
    {"auto-cron", "automatic auto-generated"},
    {"auto-precedence", "automatic rfc3834"},
    {"auto-quotes-bounce", "automatic rfc3834"},
    {"auto-rfc3834", "automatic rfc3834"},
    {"auto-vacation-japanese", "automatic vacation"},
    {"biglobe-filter",
     "failure biglobe notice-77.28 filtered\n"
     "hana@biglobe.example.ne.jp failed"},
    {"biglobe-full",
     "failure biglobe notice-77.29\n"
     "hana@biglobe.example.ne.jp failed\n"
     "taro@biglobe.example.ne.jp failed"},
    {"broken-blocks-merged",
     "failure rfc3464 notice-77.17\n"
     "one@example.com failed 5.1.1\n"
     "two@example.com failed 5.2.1 550"},
    {"broken-flattened",
     "failure rfc3464-text notice-77.20\n"
     "taro@example.com failed 5.2.2 552"},
    {"broken-no-action",
     "failure rfc3464 notice-77.18\n"
     "taro@example.com failed 5.1.2 550"},
    {"broken-no-final-recipient",
     "failure rfc3464 notice-77.16\n"
     "taro@example.com failed 5.4.6"},
    {"broken-no-report-type",
     "failure rfc3464 notice-77.15\n"
     "taro@example.com failed 5.1.1"},
    {"broken-text-attachments",
     "failure rfc3464-text notice-77.19\n"
     "taro@example.com failed 5.1.1 550"},
    {"courier-unknown",
     "failure rfc3464 notice-77.14\n"
     "taro@example.com failed 5.1.1 550 at RCPT by mail.example.com"},
    {"domino-japanese",
     "failure domino notice-77.45\n"
     "taro@example.co.jp failed"},
    {"domino-not-listed",
     "failure domino notice-77.44\n"
     "taro@example.com failed"},
    {"exchange-2003",
     "failure exchange notice-77.42\n"
     "taro@example.com failed 5.1.1 550"},
    {"exchange-2007",
     "failure exchange notice-77.43\n"
     "taro@example.com failed 5.2.2 550"},
    {"exim-delay",
     "delay exim notice-77.36\n"
     "taro@example.net delayed"},
    {"exim-two",
     "failure exim notice-77.35\n"
     "taro@example.com failed 5.1.1 550 at RCPT by mail.example.com\n"
     "jiro@example.org from jiro@example.jp failed 5.3.4 552 at end of data by mx.example.org"},
    {"exim-undisclosed",
     "failure exim notice-77.55\n"
     "taro@example.com failed"},
    {"ezweb-disabled",
     "failure ezweb notice-77.24\n"
     "hana@au.com failed 550 at RCPT"},
    {"ezweb-expired",
     "failure ezweb notice-77.25\n"
     "hana@ezweb.ne.jp failed"},
    {"ezweb-filter",
     "failure ezweb notice-77.22 filtered\n"
     "hana.@ezweb.ne.jp failed 550"},
    {"ezweb-full",
     "failure ezweb notice-77.23\n"
     "hana@ezweb.ne.jp failed"},
    {"ezweb-rejected",
     "failure ezweb notice-77.21\n"
     "hana@ezweb.ne.jp failed 550 at RCPT"},
    {"gmail-delay",
     "delay gmail notice-77.38\n"
     "taro@example.net delayed"},
    {"gmail-failed",
     "failure gmail notice-77.37\n"
     "taro@example.com failed 5.1.1 550 at RCPT"},
    {"kddi-full",
     "failure kddi notice-77.26\n"
     "taro@aa.dion.example.jp failed"},
    {"kddi-no-domain",
     "failure kddi notice-77.27\n"
     "taro@nowhere.example failed"},
    {"m-filter",
     "failure m-filter notice-77.34\n"
     "taro@example.com failed 5.1.1 550"},
    {"mdn-displayed",
     "automatic mdn notice-77.53\n"
     "taro@example.com displayed"},
    {"mdn-sieve-reject",
     "failure mdn notice-77.57\n"
     "taro@example.com failed"},
    {"none-about-absence", "none"},
    {"none-forwarded-bounce", "none"},
    {"none-person", "none"},
    {"none-success-in-words", "none"},
    {"notes-failure",
     "failure notes notice-77.46\n"
     "taro@example.com failed"},
    {"postfix-words",
     "failure postfix notice-77.41\n"
     "taro@example.com failed 5.7.1 554 at end of data by mail.example.com\n"
     "taro.p@example.net from taro@example.net failed"},
    {"qmail-data-refused",
     "failure qmail notice-77.32\n"
     "hana@docomo.ne.jp failed 550 at end of data"},
    {"qmail-no-mailbox",
     "failure qmail notice-77.31\n"
     "taro@example.jp failed 5.1.1\n"
     "jiro@example.com failed 5.7.1 554 at MAIL by 192.0.2.80"},
    {"qmail-unknown",
     "failure qmail notice-77.30\n"
     "taro@example.com failed 5.1.1 550 at RCPT by 192.0.2.80"},
    {"rfc3464-delayed",
     "delay rfc3464 notice-77.4\n"
     "taro@example.net delayed 4.4.1 by mx.example.net"},
    {"rfc3464-docomo-filter",
     "failure rfc3464 notice-77.2\n"
     "hana..h@docomo.ne.jp failed 5.0.0 550 at end of data by mfsmax.docomo.ne.jp"},
    {"rfc3464-exim",
     "failure rfc3464 notice-77.11\n"
     "taro@example.com failed 5.7.1 550 at RCPT by mail.example.com"},
    {"rfc3464-expanded",
     "success rfc3464 notice-77.6\n"
     "all@lists.example.org expanded 2.0.0"},
    {"rfc3464-forwarded",
     "failure rfc3464 notice-77.8\n"
     "taro.private@example.net from taro@example.com failed 5.2.2 552 at end of data by "
     "mx.example.net"},
    {"rfc3464-global",
     "failure rfc3464 notice-77.10\n"
     "太郎@example.jp failed 5.2.1 550"},
    {"rfc3464-gmail",
     "failure rfc3464 notice-77.12\n"
     "nobody@gmail.com failed 5.1.1 550 by gmail-smtp-in.l.google.com"},
    {"rfc3464-outlook",
     "failure rfc3464 notice-77.13\n"
     "saburo@outlook.example failed 5.2.2 554"},
    {"rfc3464-postfix-unknown",
     "failure rfc3464 notice-77.1\n"
     "taro@example.com failed 5.1.1 550 at RCPT by mail.example.com"},
    {"rfc3464-softbank-unknown",
     "failure rfc3464 notice-77.3\n"
     "jiro@softbank.ne.jp failed 5.0.0 550 at RCPT by mx.softbank.ne.jp"},
    {"rfc3464-success",
     "success rfc3464 notice-77.5\n"
     "taro@example.com relayed 2.0.0 by mail.example.com"},
    {"rfc3464-three-recipients",
     "failure rfc3464 notice-77.7\n"
     "one@example.com failed 5.1.1 550 by mail.example.com\n"
     "two@example.org failed 5.2.2 552\n"
     "three@example.net delayed 4.4.7"},
    {"rfc3464-todoke",
     "failure rfc3464 undokai.7@midori.example.jp\n"
     "taro@example.com from taro+old@example.com failed 5.1.1 550 by mx.example.com\n"
     "slow@example.net delayed 4.4.1"},
    {"rfc3464-utf8-address",
     "failure rfc3464 notice-77.9\n"
     "花子@example.jp failed 5.1.1 550"},
    {"sendmail-docomo-filter",
     "failure sendmail notice-77.54\n"
     "hana@docomo.ne.jp failed 5.0.0 550 at end of data by mfsmax.docomo.ne.jp"},
    {"sendmail-old",
     "failure sendmail notice-77.39\n"
     "taro@example.com failed 5.1.1 550 at RCPT by mail.example.com\n"
     "jiro@example.com failed 5.2.2 552 at RCPT by mail.example.com"},
    {"sendmail-warning",
     "delay sendmail notice-77.40\n"
     "taro@example.net delayed"},
    {"text-iso-2022-jp",
     "failure text\n"
     "taro@example.ne.jp failed"},
    {"text-other-sender",
     "failure text\n"
     "taro@example.ac.jp failed"},
    {"text-reason-as-label",
     "failure text notice-77.56\n"
     "taro@example.com failed 5.3.0 553\n"
     "jiro@example.com failed 5.3.0 553"},
    {"text-shift-jis",
     "failure text notice-77.47\n"
     "taro@example.ne.jp failed 5.1.1 550"},
    {"yahoo-unable",
     "failure yahoo notice-77.33\n"
     "taro@yahoo.example failed"},
};

std::string notice(std::string_view from, std::string_view subject, std::string_view text,
                   std::string_view more = "") {
  return "From: " + std::string(from) + "\r\nSubject: " + std::string(subject) + "\r\n" +
         std::string(more) + "\r\n" + with_crlf(text);
}

double processor_seconds(const std::string& message) {
  auto begin = std::clock();
  parse_return(message, "");
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::string repeat(std::string_view text, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += text;
  return out;
}

}  // namespace

TEST_CASE("the corpus, with both kinds of line ends") {
  for (const auto& one : expected) {
    CAPTURE(one.name);
    auto message = message_of(one.name);
    CHECK(describe(parse_return(message, reverse_path_of(message))) == one.description);
    CHECK(describe(parse_return(with_crlf(message), reverse_path_of(message))) == one.description);
  }
}

TEST_CASE("every file of the corpus is expected") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus())) {
    auto name = entry.path().stem().string();
    CAPTURE(name);
    CHECK(std::ranges::count(expected, name, &Expected::name) == 1);
    ++files;
  }
  CHECK(files == std::size(expected));
}

TEST_CASE("the words of the server are kept for whoever classifies them") {
  auto words = [](std::string_view name) { return parse(name).recipients.at(0).diagnostic; };
  CHECK(words("rfc3464-postfix-unknown") ==
        "550 5.1.1 <taro@example.com>: Recipient address rejected: no such user");
  CHECK(words("rfc3464-global") == "550 5.2.1 利用停止中です");
  CHECK(words("broken-no-action") == "550 5.1.2 Host unknown; try another");
  CHECK(words("ezweb-full") == "The user(s) account is temporarily over quota.");
  CHECK(words("ezweb-disabled") ==
        "The user(s) account is disabled. 550 user unknown (in reply to RCPT TO command)");
  CHECK(words("kddi-full") == "As their mailbox is full.");
  CHECK(words("biglobe-filter") == "Mail Delivery Failed... User unknown");
  CHECK(words("domino-japanese") ==
        "ユーザー taro (taro@example.co.jp) は Domino ディレクトリには見つかりません");
  CHECK(words("text-iso-2022-jp") == "次の方の受信箱がいっぱいのため、お届けできませんでした。");
  CHECK(words("text-shift-jis") == "理由: 550 5.1.1 宛先のメールアドレスは存在しません。");
  CHECK(words("m-filter") == "550 5.1.1 User unknown <taro@example.com>");
  // Both addressees of one reason.
  auto full = parse("biglobe-full");
  REQUIRE(full.recipients.size() == 2);
  CHECK(full.recipients[0].diagnostic == full.recipients[1].diagnostic);
  CHECK(full.recipients[1].diagnostic.contains("exceeded the local limit"));
}

TEST_CASE("the returned header leads back to our mail") {
  for (auto name : {"rfc3464-postfix-unknown", "rfc3464-softbank-unknown", "qmail-unknown",
                    "ezweb-full", "kddi-full", "gmail-failed", "exchange-2007", "arf-redacted",
                    "text-shift-jis", "broken-flattened"}) {
    CAPTURE(name);
    auto result = parse(name);
    REQUIRE(result.original.has_value());
    CHECK(result.original_reverse_path == "b+k7m2qd@bounce.todoke.example");
    CHECK(result.original->message_id == result.original_message_id);
    const auto& extensions = result.original->extensions;
    using Field = std::pair<std::string, std::string>;
    CHECK(std::ranges::count(extensions, Field("X-Todoke-Notice", "77")) == 1);
    CHECK(std::ranges::count(extensions, Field("List-Id", "<parents.midori.todoke.example>")) == 1);
  }
  CHECK(parse("rfc3464-success").original_envelope_id == "notice77-k7m2qd");
  CHECK(parse("rfc3464-success").reporting_mta == "mx.example.jp");
  CHECK(parse("rfc3464-success").original->to == "taro@example.com");
}

TEST_CASE("a delay is never a failure, whatever its status") {
  for (auto name : {"rfc3464-delayed", "exim-delay", "gmail-delay", "sendmail-warning"})
    CHECK(parse(name).kind == ReturnKind::delay);
  auto message = message_of("rfc3464-delayed");
  message.replace(message.find("Status: 4.4.1"), 13, "Status: 5.4.1");
  CHECK(parse_return(message, "").kind == ReturnKind::delay);
  // Without an action the words decide.
  auto no_action = message_of("rfc3464-delayed");
  no_action.erase(no_action.find("Action: delayed\n"), 16);
  CHECK(parse_return(no_action, "").kind == ReturnKind::delay);
}

TEST_CASE("people are not taken for servers") {
  auto text = "<jiro@example.com>: host mail.example.com said: 550 5.1.1 no such user\n";
  auto hello = std::string("This is the mail system at host mx.example.jp.\n\n") + text;
  CHECK(parse_return(notice("taro@example.com", "Re: x", hello), "taro@example.com").kind ==
        ReturnKind::none);
  CHECK(parse_return(notice("MAILER-DAEMON@example.jp", "x", hello), "").kind ==
        ReturnKind::failure);
  // A server that writes of something else.
  CHECK(parse_return(notice("postmaster@example.jp", "Maintenance", "We close at noon.\n"),
                     "postmaster@example.jp")
            .kind == ReturnKind::none);
  auto letter =
      notice("postmaster@example.jp", "Re: mail", "It was rejected. Ask:\n\njiro@example.jp\n");
  CHECK(parse_return(letter, "postmaster@example.jp").kind == ReturnKind::none);
  CHECK(parse_return(letter, "").kind == ReturnKind::failure);
  // A notice that names nobody still has words.
  auto nameless = parse_return(notice("MAILER-DAEMON@example.jp", "failed",
                                      "We take no mail from b@todoke.example. Rejected.\n"),
                               "");
  CHECK(nameless.kind == ReturnKind::failure);
  REQUIRE(nameless.recipients.size() == 1);
  CHECK(nameless.recipients[0].address.empty());
  CHECK(nameless.recipients[0].diagnostic == "We take no mail from b@todoke.example. Rejected.");
  // The To of the returned mail helps, unless it is a list of ours.
  auto returned = [&](std::string_view to) {
    auto text =
        "This is the mail system at host x.\n\n--- Original message ---\n\n"
        "Return-Path: <list-bounces@todoke.example>\nTo: " +
        std::string(to) + "\n";
    return parse_return(notice("MAILER-DAEMON@example.jp", "failed", text), "").recipients.at(0);
  };
  CHECK(returned("taro@example.jp").address == "taro@example.jp");
  CHECK(returned("list@todoke.example").address.empty());
  CHECK(returned("taro@example.jp, jiro@example.jp").address.empty());
  // A notice in HTML only.
  auto page =
      notice("MAILER-DAEMON@example.jp", "Undeliverable",
             "<html><p>Not delivered to:<br>&lt;jiro@example.jp&gt;<div class=a>550 5.1.1 no</div>",
             "Content-Type: text/html\r\n");
  auto told = parse_return(page, "").recipients;
  REQUIRE(told.size() == 1);
  CHECK(told[0].address == "jiro@example.jp");
  CHECK(told[0].diagnostic == "550 5.1.1 no");
  // One who attaches a notice to a letter.
  auto attached = message_of("none-forwarded-bounce");
  CHECK(parse_return(attached, "taro@example.com").kind == ReturnKind::none);
}

TEST_CASE("answers of programs") {
  auto kind = [](std::string_view subject, std::string_view more, std::string_view path) {
    return parse_return(notice("taro@example.com", subject, "x\n", more), path).kind;
  };
  using enum ReturnKind;
  CHECK(kind("x", "Auto-Submitted: auto-replied\r\n", "") == automatic);
  CHECK(kind("x", "Auto-Submitted: no\r\n", "taro@example.com") == none);
  CHECK(kind("x", "X-Autoreply: yes\r\n", "taro@example.com") == automatic);
  CHECK(kind("x", "Precedence: bulk\r\n", "taro@example.com") == none);
  CHECK(kind("自動返信: お問い合わせ", "", "taro@example.com") == automatic);
  CHECK(kind("【自動応答】ありがとうございます", "", "taro@example.com") == automatic);
  CHECK(kind("Out of Office: back on Monday", "", "taro@example.com") == automatic);
  CHECK(kind("Re: 自動返信の設定", "", "taro@example.com") == none);
  CHECK(kind("休暇の予定", "", "taro@example.com") == none);
  CHECK(kind("休暇の予定", "", "") == automatic);
}

TEST_CASE("nothing, almost nothing, and too much") {
  CHECK(parse_return("", "").kind == ReturnKind::none);
  CHECK(parse_return("\r\n", "").kind == ReturnKind::none);
  CHECK(parse_return(std::string(100, '\0'), "").kind == ReturnKind::none);
  auto report = message_of("rfc3464-postfix-unknown");
  for (std::size_t size = 0; size < report.size(); size += 7)
    parse_return(std::string_view(report).substr(0, size), "");
  // What lies behind the limit does not count.
  auto late = notice("MAILER-DAEMON@example.jp", "x", repeat("words\n", max_return)) + report;
  CHECK(parse_return(late, "").recipients.empty());
}

TEST_CASE("results are bounded and printable") {
  std::string status = "Reporting-MTA: dns; mx.example.jp\n\n";
  for (int i = 0; i < 3'000; ++i)
    status += "Final-Recipient: rfc822; u" + std::to_string(i) + "@example.com\nAction: failed\n\n";
  auto many =
      notice("MAILER-DAEMON@example.jp", "x", status, "Content-Type: message/delivery-status\r\n");
  CHECK(parse_return(many, "").recipients.size() == max_returned_recipients);

  auto noise =
      "Final-Recipient: rfc822; a@example.com\nAction: failed\nDiagnostic-Code: smtp; 550 " +
      repeat("\x82\x1B[31m漢\x07", 9'000) + "\n";
  auto loud =
      notice("MAILER-DAEMON@example.jp", "x", noise, "Content-Type: message/delivery-status\r\n");
  auto result = parse_return(loud, "");
  REQUIRE(result.recipients.size() == 1);
  const auto& words = result.recipients[0].diagnostic;
  CHECK(words.size() <= max_diagnostic);
  CHECK(words.starts_with("550 "));
  CHECK(is_utf8(words));
  bool printable = std::ranges::none_of(words, ascii::is_control);
  CHECK(printable);
}

TEST_CASE("linear time") {
  constexpr std::size_t size = 12'000, growth = 8;
  const std::string daemon = "From: MAILER-DAEMON@example.jp\r\nSubject: failure notice\r\n";
  const std::string report = daemon + "Content-Type: message/delivery-status\r\n\r\n";
  const std::string html = daemon + "Content-Type: text/html\r\n\r\n";
  struct Shape {
    std::string prefix;
    std::string_view unit;
  };
  std::vector<Shape> shapes;
  for (std::string_view unit :
       {"<a@b>:\n", "a@b\n", "550 <a@b> x\n", ">>> RCPT TO:<a@b>\n", "<<< 550 x\n", "5.1.1.",
        "550 ", "@", "<", "----------------------------------------\n",
        "a@b<mailto:", "(expanded from ", "host ", "x\n", "\n", "a@b\nwords\n", "<a@b>"})
    shapes.push_back({daemon + "\r\n", unit});
  for (std::string_view unit : {"Final-Recipient: rfc822; a@b\n", "Action: failed\n\n", "x\n", "\n",
                                "Diagnostic-Code: smtp; 550 5.1.1 ", " folded\n"})
    shapes.push_back({report, unit});
  for (std::string_view unit : {"<", "<p", "&lt;", "&", "<br>", "<a@b>", "</div>"})
    shapes.push_back({html, unit});
  shapes.push_back({"X-Failed-Recipients: a@b", ",a@b"});
  for (const auto& [prefix, unit] : shapes) {
    CAPTURE(unit);
    auto small = prefix + repeat(unit, size), large = prefix + repeat(unit, size * growth);
    constexpr double noise = 0.002;
    // A busy machine may disturb one measurement, not three in a row.
    bool linear = false;
    for (int attempt = 0; attempt < 3 && !linear; ++attempt) {
      auto one = processor_seconds(small);
      linear = processor_seconds(large) < (one + noise) * growth * 3;
    }
    CHECK(linear);
  }
}
