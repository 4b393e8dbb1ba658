// The command table over its two ways: in the process, and as lines of the admin socket.
#include "app/admin/arguments.h"
#include "app/admin/command.h"
#include "app/admin/socket_client.h"
#include "app/admin/socket_server.h"
#include "app/test_installation.h"
#include "net/memory_stream.h"
#include "net/runtime.h"

#include <doctest/doctest.h>

#include <set>
#include <sys/stat.h>
#include <thread>

using namespace todoke;
using namespace todoke::app;
using test::Folder;
using test::TestInstallation;

namespace {

Result<json::value> run(TestInstallation& in, const std::string& name, json::object args) {
  NoProgress progress;
  return block_on(run_command(*in, name, test::actor, std::move(args), progress));
}

json::value must(TestInstallation& in, const std::string& name, json::object args) {
  auto answer = run(in, name, std::move(args));
  REQUIRE_MESSAGE(answer.has_value(), name, ": ", answer.error().text);
  return *answer;
}

Errc refused(TestInstallation& in, const std::string& name, json::object args) {
  auto answer = run(in, name, std::move(args));
  REQUIRE_MESSAGE(!answer.has_value(), name);
  CHECK(!answer.error().text.empty());
  return answer.error().code;
}

void add_hana(TestInstallation& in) {
  must(in, "org add", {{"name", "Sakura"}, {"quota", 1'000'000}});
  must(in, "domain add", {{"name", "example.jp"}});
  must(in, "account add",
       {{"address", "hana@example.jp"}, {"hash", "{PLAIN}secret"}, {"name", "Hana"}});
}

}  // namespace

TEST_CASE("the table is sound") {
  std::set<std::string_view> names;
  for (const auto* command : commands()) {
    CHECK(names.insert(command->name).second);
    CHECK(command->summary.ends_with('.'));
    CHECK(command->details.find("Example") != std::string_view::npos);
    CHECK(command->details.find("todoke " + std::string(command->name)) != std::string_view::npos);
    std::set<std::string_view> parameters;
    bool optional = false;
    for (const auto& parameter : command->parameters) {
      CHECK(parameters.insert(parameter.name).second);
      CHECK(!parameter.help.empty());
      if (parameter.place == Place::positional) optional = true;
      CHECK_FALSE((optional && parameter.place == Place::required));
    }
  }
  CHECK(find_command("org add") != nullptr);
  CHECK(find_command("org") == nullptr);
}

TEST_CASE("arguments are checked before anything runs") {
  TestInstallation in;
  CHECK(refused(in, "org fly", {}) == Errc::not_found);
  CHECK(refused(in, "org add", {}) == Errc::invalid);
  CHECK(refused(in, "org add", {{"name", 5}}) == Errc::invalid);
  CHECK(refused(in, "org add", {{"name", "x"}, {"locale", "fr"}}) == Errc::invalid);
  CHECK(refused(in, "org add", {{"name", "x"}, {"colour", "red"}}) == Errc::invalid);
  CHECK(refused(in, "org add", {{"name", "x"}, {"quota", -1}}) == Errc::invalid);
  CHECK(must(in, "org list", {}).as_array().empty());
}

TEST_CASE("organisations, domains, accounts") {
  TestInstallation in;
  add_hana(in);
  auto orgs = must(in, "org list", {}).as_array();
  REQUIRE(orgs.size() == 1);
  CHECK(orgs[0].at("quota_bytes").as_int64() == 1'000'000);
  CHECK(orgs[0].at("used_bytes").as_int64() == 0);
  must(in, "org change", {{"name", "Sakura"}, {"quota", nullptr}});
  auto org = must(in, "org show", {{"name", "Sakura"}});
  CHECK(org.at("quota_bytes").is_null());
  CHECK(org.at("accounts").as_int64() == 1);
  CHECK(refused(in, "org show", {{"name", "?"}}) == Errc::not_found);
  CHECK(refused(in, "org add", {{"name", "Sakura"}}) == Errc::conflict);

  auto account = must(in, "account show", {{"address", "hana@example.jp"}});
  CHECK(account.at("name").as_string() == "Hana");
  CHECK(account.at("services").as_array().size() == 4);
  must(in, "account change",
       {{"address", "hana@example.jp"},
        {"services", "pop3, imap"},
        {"send_limit", 10},
        {"pop3_read_only", true},
        {"pop3_mailbox", "送信済み"}});
  account = must(in, "account show", {{"address", "hana@example.jp"}});
  CHECK(account.at("services").as_array().size() == 2);
  CHECK(account.at("send_limit_per_hour").as_int64() == 10);
  CHECK(account.at("pop3_mailbox").as_string() == "送信済み");
  CHECK(refused(in, "account change", {{"address", "hana@example.jp"}, {"services", "fax"}}) ==
        Errc::invalid);

  must(in, "account suspend", {{"address", "hana@example.jp"}});
  CHECK(must(in, "account list", {}).at(0).at("state").as_string() == "suspended");
  must(in, "account resume", {{"address", "hana@example.jp"}});
  must(in, "account delete", {{"address", "hana@example.jp"}});
  must(in, "account restore", {{"address", "hana@example.jp"}});
  CHECK(must(in, "account list", {{"domain", "example.jp"}}).at(0).at("state").as_string() ==
        "active");
  CHECK(refused(in, "domain delete", {{"name", "example.jp"}}) != Errc::unavailable);
  must(in, "domain catch-all", {{"name", "example.jp"}, {"account", "hana@example.jp"}});
  CHECK(must(in, "domain list", {}).at(0).at("catch_all").as_string() == "hana@example.jp");
  CHECK(refused(in, "domain catch-all", {{"name", "example.jp"}}) == Errc::invalid);
  auto audit = must(in, "audit", {{"limit", 5}}).as_array();
  CHECK(audit.size() == 5);
  CHECK(audit[0].at("actor").as_string() == "test");
}

TEST_CASE("addresses, logins, passwords") {
  TestInstallation in;
  add_hana(in);
  must(in, "address add", {{"address", "info@example.jp"}, {"account", "hana@example.jp"}});
  must(in, "login add", {{"name", "hana"}, {"account", "hana@example.jp"}});
  CHECK(refused(in, "login add", {{"name", "hana"}, {"account", "hana@example.jp"}}) ==
        Errc::conflict);
  must(in, "login remove", {{"name", "hana"}});
  must(in, "address remove", {{"address", "info@example.jp"}, {"account", "hana@example.jp"}});
  CHECK(refused(in, "password import", {{"address", "hana@example.jp"}, {"hash", "{NONE}x"}}) ==
        Errc::invalid);
  must(in, "password import", {{"address", "hana@example.jp"}, {"hash", "{PLAIN}other"}});
  auto made = must(in, "password app-add",
                   {{"address", "hana@example.jp"},
                    {"label", "scanner"},
                    {"services", "submission"},
                    {"expires", "90d"}});
  CHECK(made.at("password").as_string().size() > 10);
  auto list = must(in, "password app-list", {{"address", "hana@example.jp"}}).as_array();
  REQUIRE(list.size() == 1);
  CHECK(list[0].at("label").as_string() == "scanner");
  must(in, "password app-delete", {{"address", "hana@example.jp"}, {"id", list[0].at("id")}});
  CHECK(must(in, "password app-list", {{"address", "hana@example.jp"}}).as_array().empty());
  CHECK(refused(in, "password app-add",
                {{"address", "hana@example.jp"}, {"label", "x"}, {"expires", "soon"}}) ==
        Errc::invalid);
}

TEST_CASE("mailboxes, queue, check") {
  TestInstallation in;
  add_hana(in);
  json::object hana{{"account", "hana@example.jp"}};
  auto with = [&](const json::object& more) {
    auto args = hana;
    for (const auto& [key, value] : more) args[key] = value;
    return args;
  };
  CHECK(must(in, "mailbox list", hana).as_array().size() == 6);
  must(in, "mailbox create", with({{"name", "仕事"}}));
  must(in, "mailbox delete", with({{"name", "仕事"}}));
  CHECK(must(in, "mailbox list", with({{"deleted", true}})).as_array().size() == 1);
  must(in, "mailbox restore", with({{"name", "仕事"}}));
  CHECK(refused(in, "mailbox restore", with({{"name", "仕事"}})) == Errc::not_found);

  Folder folder;
  test::write_file(folder / "box", "From a Thu Nov 20 10:00:00 2025\nSubject: x\n\nbody\n");
  auto counts = must(in, "mailbox import", with({{"path", folder / "box"}, {"mailbox", "仕事"}}));
  CHECK(counts.at("imported").as_int64() == 1);
  auto used = must(in, "org show", {{"name", "Sakura"}}).at("used_bytes").as_int64();
  CHECK(used > 0);
  must(in, "org change", {{"name", "Sakura"}, {"quota", used + 10}});
  auto no_room = run(in, "mailbox import", with({{"path", folder / "box"}}));
  REQUIRE(!no_room.has_value());
  CHECK(no_room.error().code == Errc::over_limit);
  CHECK(no_room.error().text == "the organisation of this mailbox has no room left");
  auto verified = must(in, "mailbox verify", hana);
  CHECK(verified.at("findings").as_array().empty());
  CHECK(verified.at("messages_read").to_number<int>() == 1);
  must(in, "mailbox export", with({{"path", folder / "out"}}));
  CHECK(std::filesystem::exists(folder / "out/.&TtVOiw-/cur"));
  CHECK(must(in, "mailbox expunged", hana).as_array().empty());
  CHECK(must(in, "queue list", {}).as_array().empty());
  CHECK(refused(in, "queue show", {{"id", "nothing"}}) == Errc::invalid);
  CHECK(must(in, "check", {}).at("findings").as_array().size() == 1);  // no DKIM key
  must(in, "dkim create", {{"domain", "example.jp"}});
  CHECK(must(in, "check", {}).at("findings").as_array().empty());

  // A counter that lies is found.
  auto lie = [](sql::Tx& tx) {
    tx.run("update mailbox set message_count = message_count + 1, uidnext = 1 where name = $1",
           "仕事");
    tx.run("update blob set refs = refs + 1");
    tx.run("update mail_organisation set used_bytes = used_bytes - 1");
  };
  block_on(in->db().write(lie));
  auto findings = must(in, "check", {{"quick", true}}).at("findings").as_array();
  // The mailbox, its UIDs, the account's and the organisation's sums, the body's uses.
  CHECK(findings.size() == 5);
  auto names_it = [](const json::value& finding) {
    return finding.at("what").as_string().find("organisation Sakura counts 1 messages") !=
           json::string::npos;
  };
  CHECK(std::ranges::count_if(findings, names_it) == 1);
}

TEST_CASE("the admin socket's lines") {
  TestInstallation in;
  auto talk = [&](std::string lines) {
    net::MemoryStream io(std::move(lines));
    CHECK_THROWS_AS(block_on(serve_admin(io, *in)), net::Closed);
    return io.output();
  };
  CHECK(talk(R"({"command":"org list"})"
             "\n") == "{\"result\":[]}\n");
  CHECK(talk("hello\n").starts_with(R"({"error":{"code":"invalid",)"));
  CHECK(talk("[]\n").starts_with(R"({"error":{"code":"invalid",)"));
  CHECK(talk(R"({"command":"org list","args":[]})"
             "\n")
            .starts_with(R"({"error":{"code":"invalid",)"));
  CHECK(talk(R"({"command":"no"})"
             "\n")
            .starts_with(R"({"error":{"code":"not_found",)"));
  auto two = talk(R"({"command":"org add","args":{"name":"A"},"actor":"ann"})"
                  "\n"
                  R"({"command":"audit","args":{"limit":1}})"
                  "\n");
  CHECK(two.find("\"name\":\"A\"") != two.npos);
  CHECK(two.find("\"actor\":\"ann\"") != two.npos);
  CHECK(talk(std::string(2 << 20, 'x') + "\n").starts_with(R"({"error":{"code":"over_limit",)"));
}

TEST_CASE("client and server over the socket itself") {
  TestInstallation in;
  auto path = in->config().admin_socket();
  auto nobody = SocketClient::connect(path);
  REQUIRE(nobody);
  CHECK(*nobody == nullptr);

  SystemClock clock;
  net::Runtime runtime(clock, 1);
  auto listener = open_admin_socket(runtime, *in);
  REQUIRE_MESSAGE(listener.has_value(), listener.error().text);
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  runtime.start();
  (*listener)->start();
  {
    NoProgress progress;
    auto client = SocketClient::connect(path);
    REQUIRE((client && *client));
    auto made = (*client)->call("org add", {{"name", "Sakura"}}, "ann", progress);
    REQUIRE_MESSAGE(made.has_value(), made.error().text);
    CHECK(made->at("name").as_string() == "Sakura");
    auto again = (*client)->call("org add", {{"name", "Sakura"}}, "ann", progress);
    REQUIRE(!again);
    CHECK(again.error().code == Errc::conflict);
    auto checked = (*client)->call("check", {}, "ann", progress);
    REQUIRE(checked);
    CHECK(checked->at("findings").as_array().empty());
  }
  (*listener)->stop();
  runtime.interrupt_idle();
  runtime.close_all();
  block_on((*listener)->drained());
  runtime.stop();
}
