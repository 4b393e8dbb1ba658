#include "app/admin/arguments.h"
#include "app/cli/host_commands.h"
#include "app/cli/options.h"
#include "app/cli/render.h"
#include "app/cli/terminal.h"
#include "app/cli/values.h"
#include "app/test_installation.h"

#include <doctest/doctest.h>

#include <vector>

using namespace todoke;
using namespace todoke::app;

namespace {

Parsed parse(std::vector<const char*> words) {
  words.insert(words.begin(), "todoke");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

json::object args_of(std::vector<const char*> words) {
  auto parsed = parse(std::move(words));
  REQUIRE_MESSAGE(parsed.invocation.has_value(), parsed.err);
  auto args = read_values(*parsed.invocation);
  REQUIRE_MESSAGE(args.has_value(), args.error().text);
  return *args;
}

}  // namespace

TEST_CASE("commands with what they take") {
  auto parsed = parse({"account", "add", "hana@example.jp", "--name", "Hana", "--quota", "1.5GB",
                       "--json", "--config", "/c", "--password-stdin"});
  REQUIRE_MESSAGE(parsed.invocation.has_value(), parsed.err);
  CHECK(parsed.invocation->command->name == "account add");
  CHECK(parsed.invocation->json);
  CHECK(parsed.invocation->password_stdin);
  CHECK(parsed.invocation->config == "/c");
  auto args = read_values(*parsed.invocation);
  REQUIRE(args);
  CHECK(*args ==
        json::object{{"address", "hana@example.jp"}, {"name", "Hana"}, {"quota", 1'500'000'000}});

  CHECK(args_of({"org", "change", "A", "--quota", "none"}) ==
        json::object{{"name", "A"}, {"quota", nullptr}});
  CHECK(args_of({"account", "change", "a@b", "--pop3-read-only", "yes", "--send-limit", "7"}) ==
        json::object{{"address", "a@b"}, {"pop3_read_only", true}, {"send_limit", 7}});
  CHECK(args_of({"domain", "catch-all", "b.jp", "--off"}) ==
        json::object{{"name", "b.jp"}, {"off", true}});
  CHECK(args_of({"restore", "/x/../y"}) == json::object{{"path", "/y"}});
  CHECK(args_of({"serve"}).empty());
}

TEST_CASE("mistakes end with 2 and words") {
  for (auto words : std::vector<std::vector<const char*>>{
           {},
           {"fly"},
           {"org"},
           {"org", "add"},
           {"org", "add", "a", "b"},
           {"org", "add", "a", "--locale", "fr"},
           {"org", "list", "--colour"},
           {"account", "change", "a@b", "--pop3-read-only", "maybe"}}) {
    auto parsed = parse(words);
    CHECK(!parsed.invocation.has_value());
    CHECK(parsed.exit_code == 2);
    CHECK(!parsed.err.empty());
  }
  auto parsed = parse({"org", "add", "a", "--quota", "much"});
  REQUIRE(parsed.invocation.has_value());
  CHECK(read_values(*parsed.invocation).error().code == Errc::invalid);
}

TEST_CASE("every command has help that teaches") {
  std::vector<const Command*> all(commands().begin(), commands().end());
  for (const auto& command : host_commands()) all.push_back(&command);
  for (const auto* command : all) {
    std::vector<std::string> words;
    std::istringstream in{std::string(command->name)};
    for (std::string word; in >> word;) words.push_back(word);
    std::vector<const char*> typed;
    for (const auto& word : words) typed.push_back(word.c_str());
    typed.push_back("--help");
    auto parsed = parse(typed);
    CHECK(parsed.exit_code == 0);
    CHECK(parsed.out.find(command->summary) != std::string::npos);
    CHECK(parsed.out.find("Example") != std::string::npos);
    CHECK(parsed.out.find("--json") != std::string::npos);
  }
}

TEST_CASE("help, word for word") {
  CHECK(parse({"domain", "catch-all", "--help"}).out ==
        R"(Give mail for unknown addresses of a domain to one account.
Usage: todoke domain catch-all [OPTIONS] name [account]

Positionals:
  name TEXT REQUIRED          the domain, such as example.jp
  account TEXT                address of the account that gets the mail

Options:
  -h,--help                   Print this help message and exit
  --off                       refuse mail for unknown addresses again
  --json                      answer in JSON, for programs
  -c,--config PATH            the configuration file

Examples:
  todoke domain catch-all sakura.example.jp office@sakura.example.jp
  todoke domain catch-all sakura.example.jp --off
)");
  CHECK(parse({"version", "--help"}).out == R"(Say which version this is.
Usage: todoke version [OPTIONS]

Options:
  -h,--help                   Print this help message and exit
  --json                      answer in JSON, for programs
  -c,--config PATH            the configuration file

Example:
  todoke version
)");
}

TEST_CASE("sizes") {
  CHECK(parse_size("4096") == 4096);
  CHECK(parse_size("500MB") == 500'000'000);
  CHECK(parse_size("500 M") == 500'000'000);
  CHECK(parse_size("1.5 GiB") == 1'610'612'736);
  CHECK(parse_size("10kb") == 10'000);
  CHECK(parse_size("2t") == 2'000'000'000'000);
  for (std::string_view bad : {"", "x", "-1", "5 apples", "1e30", "GB", "5KK"})
    CHECK(!parse_size(bad).has_value());
  CHECK(human_size(0) == "0 B");
  CHECK(human_size(999) == "999 B");
  CHECK(human_size(12'345'678) == "12.3 MB");
  CHECK(human_size(999'999) == "1.0 MB");
}

TEST_CASE("answers as tables and words") {
  json::array mailboxes{
      json::object{{"name", "INBOX"}, {"messages", 12}, {"size_bytes", 1'234'567}},
      json::object{{"name", "送信済み"}, {"messages", 3}, {"size_bytes", 999}}};
  CHECK(render(mailboxes) ==
        "name      messages    size\n"
        "INBOX           12  1.2 MB\n"
        "送信済み         3   999 B\n");
  CHECK(render(json::array()) == "There are none.\n");
  CHECK(render(done("deleted x")) == "deleted x\n");
  CHECK(render(json::object{{"address", "a@b"},
                            {"quota_bytes", nullptr},
                            {"services", json::array{"pop3", "imap"}},
                            {"read_only", true},
                            {"created_at", "2026-11-22T02:51:00.123Z"}}) ==
        "address:    a@b\n"
        "quota:      no limit\n"
        "services:   pop3, imap\n"
        "read only:  yes\n"
        "created:    2026-11-22 02:51 UTC\n");
  CHECK(render(json::object{{"findings", json::array()}}) == "Nothing is wrong.\n");
  CHECK(render(json::array{json::object{{"recipients", json::object{{"waiting", 2}, {"failed", 1}}},
                                        {"age_seconds", 8040},
                                        {"organisation", nullptr}}}) ==
        "recipients              age  organisation\n"
        "2 waiting, 1 failed  2h 14m  all\n");
  CHECK(render(json::object{{"next", "enter this"}, {"zone", json::array{"a. IN TXT (\n)"}}}) ==
        "next:  enter this\n"
        "zone:\n"
        "a. IN TXT (?)\n");
}

TEST_CASE("lists of things that hold lists") {
  json::array events{json::object{{"at", "2026-11-22T02:51:00.123Z"},
                                  {"event", "deferred"},
                                  {"stage", "RCPT"},
                                  {"code", 450},
                                  {"enhanced", "4.2.2"},
                                  {"text", "full\n"},
                                  {"host", "mx.example"},
                                  {"address", "192.0.2.1"},
                                  {"dialogue", json::array{"> RCPT", "< 450"}}},
                     json::object{{"at", "2026-11-22T02:52:00.000Z"}, {"event", "cancelled"}}};
  json::object recipient{{"number", 1}, {"events", std::move(events)}};
  json::array recipients{recipient, json::object{{"number", 2}, {"events", json::array()}}};
  CHECK(render(json::object{{"id", "x"}, {"recipients", std::move(recipients)}}) ==
        "id:  x\n"
        "recipients:\n"
        "  number:  1\n"
        "  events:\n"
        "    2026-11-22 02:51:00  deferred at RCPT: 450 4.2.2 full?\n"
        "        mx.example [192.0.2.1], without TLS\n"
        "        | > RCPT\n"
        "        | < 450\n"
        "    2026-11-22 02:52:00  cancelled\n"
        "\n"
        "  number:  2\n"
        "  events:\n");
}

TEST_CASE("nothing that strangers wrote steers the terminal") {
  CHECK(printable("a\x1b[2Jb\n\x7f") == "a?[2Jb??");
  CHECK(printable("\xC2\x9B"
                  "2J") == "?2J");
  CHECK(printable("\xFF届け") == "?届け");
  CHECK(display_width("届けa") == 5);
}

TEST_CASE("the bar") {
  CHECK(bar(0, 0, 4) == "[----]");
  CHECK(bar(1, 2, 4) == "[##--]");
  CHECK(bar(5, 2, 4) == "[####]");
}

TEST_CASE("init makes what serve reads, once") {
  test::Folder folder;
  InitOptions options{.config = folder / "etc/todoke.toml",
                      .data = folder / "data",
                      .host = "mail.example.jp",
                      .user = {}};
  auto words = initialise(options);
  REQUIRE_MESSAGE(words.has_value(), words.error().text);
  CHECK(words->find("todoke check") != words->npos);
  auto config = load_config(options.config);
  REQUIRE_MESSAGE(config.has_value(), config.error().text);
  CHECK(config->data == options.data);
  CHECK(config->host == "mail.example.jp");
  CHECK(std::filesystem::status(options.data).permissions() == std::filesystem::perms::owner_all);
  CHECK(initialise(options).error().code == Errc::conflict);
  options.config = folder / "second.toml";
  options.host = "no host name";
  CHECK(initialise(options).error().code == Errc::invalid);
  CHECK(!std::filesystem::exists(options.config));
}
