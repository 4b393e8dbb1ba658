// The commands about outbound mail, on rows as the queue writes them.
#include "app/check/outbound.h"

#include "app/admin/arguments.h"
#include "app/admin/command.h"
#include "app/cli/render.h"
#include "app/test_installation.h"
#include "provider/book.h"
#include "queue/enqueue.h"
#include "queue/journal.h"
#include "store/append.h"

#include <doctest/doctest.h>

#include <set>

using namespace todoke;
using namespace todoke::app;
using queue::EventKind;
using queue::RecipientId;
using test::TestInstallation;

namespace {

struct Outbound {
  Outbound() {
    must("org add", {{"name", "Sakura"}});
    must("domain add", {{"name", "example.jp"}});
    auto query = [](sql::Tx& tx) { return tx.first<std::int64_t>("select id from organisation"); };
    sakura = block_on(in->db().read(query)).value();
    auto know = [](sql::Tx& tx) {
      tx.run(
          "insert into queue_domain (domain, provider, resolved_at) "
          "values ('docomo.ne.jp', 'docomo', 1)");
    };
    block_on(in->db().write(know));
  }

  Result<json::value> run(const std::string& name, json::object args) {
    NoProgress progress;
    return block_on(run_command(*in, name, test::actor, std::move(args), progress));
  }
  json::value must(const std::string& name, json::object args = {}) {
    auto answer = run(name, std::move(args));
    REQUIRE_MESSAGE(answer.has_value(), name, ": ", answer.error().text);
    return *answer;
  }
  Errc refused(const std::string& name, json::object args = {}) {
    auto answer = run(name, std::move(args));
    REQUIRE_MESSAGE(!answer.has_value(), name);
    CHECK(!answer.error().text.empty());
    return answer.error().code;
  }
  std::string last_action() {
    return std::string(must("audit", {{"limit", 1}}).at(0).at("action").as_string());
  }

  // Answers the id.
  std::int64_t enqueue(const std::vector<std::string>& to, std::int64_t organisation) {
    queue::NewMessage message{.id = in->ids().next(),
                              .organisation_id = organisation,
                              .blob_id = in->ids().next(),
                              .size = 4,
                              .reverse_path = "hana@example.jp",
                              .created_at = in->clock().now()};
    for (const auto& one : to) {
      auto path = smtp::parse_address(one).value();
      auto domain = path.domain;
      message.recipients.push_back({std::move(path), std::move(domain), {}, {}});
    }
    auto writer = in->blobs().create();
    writer->append("a\r\nb").value();
    auto at = writer->finish("").value();
    auto write = [&](sql::Tx& tx) {
      queue::enqueue(tx, message);
      store::insert_blob(tx, message.blob_id, at, 1);
    };
    block_on(in->db().write(write));
    return message.id;
  }
  void begin(RecipientId id) {
    auto connection = in->ids().next();
    auto write = [&](sql::Tx& tx) {
      queue::insert_connection(tx, {.id = connection,
                                    .begun_at = in->clock().now(),
                                    .provider = "docomo",
                                    .host = "mfsmax.docomo.ne.jp",
                                    .address = "192.0.2.1",
                                    .source = "192.0.2.2",
                                    .tls = "TLSv1.3 verified"});
      REQUIRE(queue::begin_attempt(tx, id, in->ids().next(), connection, in->clock().now()));
    };
    block_on(in->db().write(write));
    last_connection = connection;
  }
  void end(RecipientId id, queue::Outcome outcome) {
    const queue::Ended ended{.id = id,
                             .outcome = std::move(outcome),
                             .event_id = in->ids().next(),
                             .connection_id = last_connection,
                             .at = in->clock().now(),
                             .due = in->clock().now() + std::chrono::hours(1)};
    auto write = [&](sql::Tx& tx) { return queue::record(tx, std::span(&ended, 1), "docomo"); };
    block_on(in->db().write(write));
  }
  void defer(RecipientId id) {
    begin(id);
    end(id, {.kind = EventKind::deferred,
             .stage = smtp::Stage::rcpt,
             .code = 450,
             .enhanced = smtp::EnhancedCode{4, 2, 2},
             .text = "mailbox full \x1b[2J",
             .reply_class = provider::ReplyClass::full,
             .rule = "enhanced.full",
             .latency = std::chrono::milliseconds(213),
             .dialogue = "> RCPT TO:<a@docomo.ne.jp>\n< 450 4.2.2 mailbox full\n"});
  }
  std::vector<std::string> findings(json::object args = {}) {
    std::vector<std::string> found;
    for (const auto& one : must("check", std::move(args)).at("findings").as_array())
      if (one.at("area").as_string() != "mail") found.emplace_back(one.at("what").as_string());
    return found;
  }

  TestInstallation in;
  std::int64_t sakura = 0;
  std::int64_t last_connection = 0;
};

bool holds_text(const std::vector<std::string>& all, std::string_view words) {
  return std::ranges::any_of(all, [&](const auto& one) { return one.find(words) != one.npos; });
}

}  // namespace

TEST_CASE_FIXTURE(Outbound, "queue list shows what fits, page by page") {
  auto first = enqueue({"a@docomo.ne.jp", "b@other.example"}, sakura);
  auto second = enqueue({"c@other.example"}, 0);
  defer({first, 1});
  auto all = must("queue list").as_array();
  REQUIRE(all.size() == 2);
  CHECK(all[0].at("id").as_string() == id_text(first));
  CHECK(all[0].at("from").as_string() == "<hana@example.jp>");
  CHECK(all[0].at("recipients") == json::object{{"waiting", 2}});
  CHECK(all[0].at("last_answer").as_string() == "450 4.2.2 mailbox full \x1b[2J");
  CHECK(all[1].at("last_answer").is_null());

  auto ids = [&](json::object args) {
    std::vector<std::int64_t> found;
    for (const auto& one : must("queue list", std::move(args)).as_array())
      found.push_back(parse_id(one.at("id").as_string()).value());
    return found;
  };
  using Ids = std::vector<std::int64_t>;
  CHECK(ids({{"provider", "docomo"}}) == Ids{first});
  CHECK(ids({{"domain", "Other.Example"}}) == Ids{first, second});
  CHECK(ids({{"org", "Sakura"}}) == Ids{first});
  CHECK(ids({{"limit", 1}}) == Ids{first});
  CHECK(ids({{"limit", 1}, {"after", id_text(first)}}) == Ids{second});
  CHECK(ids({{"after", id_text(second)}}).empty());
  CHECK(ids({{"state", "failed"}}).empty());

  begin({second, 1});
  CHECK(ids({{"state", "sending"}}) == Ids{second});
  end({second, 1}, {.kind = EventKind::failed, .stage = smtp::Stage::rcpt, .code = 550});
  CHECK(ids({}) == Ids{first});
  CHECK(ids({{"state", "failed"}}) == Ids{second});
  CHECK(ids({{"state", "any"}}) == Ids{second, first});  // newest first
  CHECK(ids({{"state", "any"}, {"after", id_text(second)}}) == Ids{first});
  CHECK(refused("queue list", {{"provider", "nobody"}}) == Errc::not_found);
  CHECK(refused("queue list", {{"org", "Nobody"}}) == Errc::not_found);
  CHECK(refused("queue list", {{"after", "x"}}) == Errc::invalid);
}

TEST_CASE_FIXTURE(Outbound, "queue summary counts by provider and domain") {
  auto id = enqueue({"a@docomo.ne.jp", "b@docomo.ne.jp", "c@other.example"}, sakura);
  enqueue({"d@docomo.ne.jp"}, 0);
  defer({id, 1});
  begin({id, 2});
  must("queue hold", {{"provider", "docomo"}, {"org", "Sakura"}, {"reason", "test"}});
  auto summary = must("queue summary");
  auto providers = summary.at("providers").as_array();
  REQUIRE(providers.size() == 2);
  CHECK(providers[0].at("provider").as_string() == "docomo");
  CHECK(providers[0].at("waiting").as_int64() == 2);
  CHECK(providers[0].at("in_flight").as_int64() == 1);
  CHECK(providers[0].at("in_doubt").as_int64() == 0);
  CHECK(providers[0].at("held").as_string() == "partly");
  CHECK(providers[0].at("last_answer").as_string().find("450 4.2.2") == 0);
  CHECK(providers[1].at("provider").as_string().empty());
  CHECK(providers[1].at("held").as_string() == "no");
  auto domains = must("queue summary", {{"limit", 1}});
  CHECK(domains.at("domains").as_array().size() == 1);
  CHECK(domains.at("domains_left_out").as_int64() == 1);
  CHECK(domains.at("domains").at(0).at("domain").as_string() == "docomo.ne.jp");
}

TEST_CASE_FIXTURE(Outbound, "queue show tells all that happened, and why") {
  auto id = enqueue({"a@docomo.ne.jp", "b@other.example"}, sakura);
  defer({id, 1});
  auto shown = must("queue show", {{"id", id_text(id)}});
  CHECK(shown.at("organisation").as_string() == "Sakura");
  CHECK(shown.at("recipient_count").as_int64() == 2);
  auto recipients = shown.at("recipients").as_array();
  REQUIRE(recipients.size() == 2);
  CHECK(recipients[0].at("attempts").as_int64() == 1);
  CHECK(recipients[0].at("why").as_string().find("no server runs") != json::string::npos);
  auto events = recipients[0].at("events").as_array();
  REQUIRE(events.size() == 2);
  CHECK(events[0].at("event").as_string() == "attempt begun");
  const auto& deferred = events[1];
  CHECK(deferred.at("stage").as_string() == smtp::to_text(smtp::Stage::rcpt));
  CHECK(deferred.at("code").as_int64() == 450);
  CHECK(deferred.at("enhanced").as_string() == "4.2.2");
  CHECK(deferred.at("class").as_string() == "full");
  CHECK(deferred.at("rule").as_string() == "enhanced.full");
  CHECK(deferred.at("latency_ms").as_double() == doctest::Approx(213));
  CHECK(deferred.at("host").as_string() == "mfsmax.docomo.ne.jp");
  CHECK(deferred.at("dialogue").as_array().size() == 2);
  CHECK(recipients[1].at("events").as_array().empty());

  auto page = render(shown);
  for (std::string_view words :
       {"450 4.2.2 mailbox full ?[2J", "mfsmax.docomo.ne.jp [192.0.2.1], TLSv1.3 verified, docomo",
        "full by rule enhanced.full, after 0.213 s", "| < 450 4.2.2 mailbox full"})
    CHECK_MESSAGE(page.find(words) != page.npos, words, " in ", page);
  CHECK(page.find('\x1b') == page.npos);

  shown = must("queue show", {{"id", id_text(id)}, {"recipient", 2}});
  CHECK(shown.at("recipients").as_array().size() == 1);
  CHECK(shown.at("recipients").at(0).at("number").as_int64() == 2);
  CHECK(must("queue why", {{"id", id_text(id)}}).as_array().size() == 2);
  auto why = must("queue why", {{"id", id_text(id)}, {"recipient", 2}});
  CHECK(why.at("done").as_string().find("Waiting") == 0);
  CHECK(refused("queue show", {{"id", id_text(id)}, {"recipient", 3}}) == Errc::not_found);
  CHECK(refused("queue show", {{"id", id_text(id + 1)}}) == Errc::not_found);
  CHECK(refused("queue why", {{"id", "nothing"}}) == Errc::invalid);
}

TEST_CASE_FIXTURE(Outbound, "holding, and nothing held by leaving something out") {
  enqueue({"a@docomo.ne.jp"}, sakura);
  CHECK(refused("queue hold", {{"provider", "docomo"}}) == Errc::invalid);
  CHECK(refused("queue hold", {{"reason", "x"}}) == Errc::invalid);
  CHECK(refused("queue hold", {{"provider", "docomo"}, {"all", true}, {"reason", "x"}}) ==
        Errc::invalid);
  CHECK(refused("queue hold", {{"provider", "nobody"}, {"reason", "x"}}) == Errc::not_found);
  auto held = must("queue hold", {{"provider", "docomo"}, {"reason", "they call"}});
  CHECK(held.at("recipients").as_int64() == 1);
  CHECK(last_action() == "queue.hold");
  CHECK(refused("queue hold", {{"provider", "docomo"}, {"reason", "x"}}) == Errc::conflict);
  must("queue hold", {{"all", true}, {"reason", "moving"}});
  auto holds = must("queue holds").as_array();
  REQUIRE(holds.size() == 2);
  CHECK(holds[0].at("provider").as_string() == "docomo");
  CHECK(holds[0].at("reason").as_string() == "they call");
  CHECK(holds[0].at("waiting").as_int64() == 1);
  CHECK(holds[1].at("provider").as_string() == "all");
  CHECK(refused("queue release", {}) == Errc::invalid);
  CHECK(refused("queue release", {{"provider", "au"}}) == Errc::not_found);
  must("queue release", {{"all", true}});
  must("queue release", {{"provider", "docomo"}});
  CHECK(last_action() == "queue.release");
  CHECK(must("queue holds").as_array().empty());
}

TEST_CASE_FIXTURE(Outbound, "retry, cancel, expire") {
  auto id = enqueue({"a@docomo.ne.jp", "b@other.example", "c@other.example"}, sakura);
  enqueue({"d@other.example"}, 0);
  for (std::string name : {"queue retry", "queue cancel", "queue expire"}) {
    CHECK(refused(name) == Errc::invalid);
    CHECK(refused(name, {{"recipient", 1}}) == Errc::invalid);
    CHECK(refused(name, {{"id", id_text(id)}, {"all", true}}) == Errc::invalid);
    CHECK(refused(name, {{"id", id_text(id)}, {"recipient", 9}}) == Errc::not_found);
  }
  defer({id, 1});
  CHECK(must("queue retry", {{"provider", "docomo"}}).at("recipients").as_int64() == 1);
  CHECK(must("queue cancel", {{"id", id_text(id)}, {"recipient", 1}}).at("recipients").as_int64() ==
        1);
  CHECK(last_action() == "queue.cancel");
  auto expired = must("queue expire", {{"org", "Sakura"}, {"domain", "other.example"}});
  CHECK(expired.at("recipients").as_int64() == 2);
  CHECK(must("queue list").as_array().size() == 1);
  CHECK(must("queue retry", {{"all", true}}).at("recipients").as_int64() == 1);
}

TEST_CASE_FIXTURE(Outbound, "replies that no rule knows") {
  auto id = enqueue({"a@docomo.ne.jp"}, sakura);
  begin({id, 1});
  end({id, 1}, {.kind = EventKind::deferred,
                .stage = smtp::Stage::rcpt,
                .code = 450,
                .text = "what never was said",
                .reply_class = provider::ReplyClass::unknown});
  auto unknown = must("queue unknown").as_array();
  REQUIRE(unknown.size() == 1);
  CHECK(unknown[0].at("times").as_int64() == 1);
  CHECK(unknown[0].at("provider").as_string() == "docomo");
  CHECK(unknown[0].at("example").as_string() == "what never was said");
  CHECK(must("queue unknown", {{"provider", "au"}}).as_array().empty());
  CHECK(must("queue unknown", {{"provider", "au"}, {"forget", true}}).at("replies") == 0);
  CHECK(must("queue unknown", {{"forget", true}}).at("replies") == 1);
  CHECK(last_action() == "queue.unknown.forget");
  CHECK(must("queue unknown").as_array().empty());
}

TEST_CASE_FIXTURE(Outbound, "smarthosts") {
  must("smarthost set", {{"host", "Relay.Example.jp"}});
  must("smarthost set", {{"host", "relay.example.com:2525"},
                         {"org", "Sakura"},
                         {"tls", "tls"},
                         {"login", "sakura"},
                         {"password", "hush hush"}});
  CHECK(last_action() == "smarthost.set");
  auto all = must("smarthost list");
  CHECK(json::serialize(all).find("hush") == std::string::npos);
  REQUIRE(all.as_array().size() == 2);
  CHECK(all.at(0) == json::object{{"organisation", nullptr},
                                  {"host", "relay.example.jp"},
                                  {"port", 587},
                                  {"tls", "starttls"},
                                  {"login", nullptr}});
  CHECK(all.at(1).at("port").as_int64() == 2525);
  CHECK(all.at(1).at("login").as_string() == "sakura");
  CHECK(json::serialize(must("audit")).find("hush") == std::string::npos);
  must("smarthost set", {{"host", "relay.example.jp"}, {"tls", "tls"}});
  CHECK(must("smarthost list").at(0).at("port").as_int64() == 465);
  for (const char* bad : {"", "192.0.2.1", "a b", "relay.example.jp:0", "relay.example.jp:99999",
                          "relay.example.jp:"})
    CHECK(refused("smarthost set", {{"host", bad}}) == Errc::invalid);
  CHECK(refused("smarthost set", {{"host", "a.example"}, {"login", "x"}}) == Errc::invalid);
  CHECK(refused("smarthost set",
                {{"host", "a.example"}, {"login", "x"}, {"password", "y"}, {"tls", "optional"}}) ==
        Errc::invalid);
  must("smarthost remove", {{"org", "Sakura"}});
  CHECK(refused("smarthost remove", {{"org", "Sakura"}}) == Errc::not_found);
  CHECK(must("smarthost list").as_array().size() == 1);
}

TEST_CASE_FIXTURE(Outbound, "DKIM keys are made, rotated and shown without their private halves") {
  CHECK(refused("dkim create", {{"domain", "not-ours.example"}}) == Errc::not_found);
  CHECK(refused("dkim records", {{"domain", "example.jp"}}) == Errc::not_found);
  CHECK(refused("dkim rotate", {{"domain", "example.jp"}}) == Errc::not_found);
  auto made = must("dkim create", {{"domain", "Example.JP"}});
  CHECK(last_action() == "dkim.create");
  CHECK(made.at("keys").as_array().size() == 2);
  REQUIRE(made.at("zone").as_array().size() == 2);
  CHECK(made.at("zone").at(0).as_string().find("._domainkey.example.jp. IN TXT (") !=
        json::string::npos);
  auto page = render(made);
  CHECK(page.find("\n" + std::string(made.at("zone").at(0).as_string()) + "\n") != page.npos);
  CHECK(refused("dkim create", {{"domain", "example.jp"}}) == Errc::conflict);
  CHECK(refused("dkim cancel-rotation", {{"domain", "example.jp"}}) == Errc::not_found);
  CHECK(refused("dkim rotate", {{"domain", "example.jp"}, {"after", "1m"}}) == Errc::invalid);
  must("dkim rotate", {{"domain", "example.jp"}, {"after", "3d"}});
  CHECK(must("dkim records", {{"domain", "example.jp"}}).at("zone").as_array().size() == 4);
  CHECK(must("dkim list").as_array().size() == 4);
  must("dkim cancel-rotation", {{"domain", "example.jp"}});
  CHECK(last_action() == "dkim.cancel_rotation");
  CHECK(must("dkim records", {{"domain", "example.jp"}}).at("zone").as_array().size() == 2);
  for (const char* name : {"dkim list", "audit"})
    CHECK(json::serialize(must(name)).find("PRIVATE") == std::string::npos);
  must("domain delete", {{"name", "example.jp"}});
  auto query = [](sql::Tx& tx) {
    return tx.first<std::int64_t>("select count(*) from dkim_key where private_key is not null");
  };
  CHECK(block_on(in->db().read(query)) == 0);
}

TEST_CASE_FIXTURE(Outbound, "providers and what their replies mean") {
  auto all = must("provider list").as_array();
  CHECK(all.size() == provider::Book::built_in().all().size());
  auto docomo = must("provider show", {{"id", "docomo"}});
  CHECK(docomo.at("rules").as_array().size() > 3);
  CHECK(refused("provider show", {{"id", "nobody"}}) == Errc::not_found);
  CHECK(refused("provider show", {{"id", ""}}) == Errc::not_found);
  CHECK(must("provider of", {{"domain", "x@docomo.ne.jp"}}).at("looked_up_at").is_string());
  auto by_name = must("provider of", {{"domain", "Gmail.com"}});
  CHECK(by_name.at("provider").as_string() == "gmail");
  CHECK(by_name.at("looked_up_at").is_null());
  CHECK(must("provider of", {{"domain", "a.example"}}).at("provider").is_null());

  auto gone = must("provider classify",
                   {{"provider", "docomo"}, {"stage", "rcpt"}, {"reply", "550 Unknown user"}});
  CHECK(gone.at("class").as_string() == "gone");
  CHECK(gone.at("rule").as_string().find("docomo.") == 0);
  CHECK_FALSE(gone.at("is_tried_again").as_bool());
  auto reset =
      must("provider classify", {{"provider", "au"}, {"stage", "rcpt"}, {"reply", "reset"}});
  CHECK(reset.at("class").as_string() == "throttled");
  CHECK(refused("provider classify", {{"reply", "hello"}}) == Errc::invalid);
}

TEST_CASE_FIXTURE(Outbound, "check finds what is wrong with outbound mail") {
  CHECK(holds_text(findings(), "example.jp is not signed"));
  must("dkim create", {{"domain", "example.jp"}});
  CHECK(findings().empty());
  auto id = enqueue({"a@docomo.ne.jp", "b@docomo.ne.jp"}, sakura);
  defer({id, 1});
  begin({id, 2});
  CHECK(findings().empty());
  auto doubt = [&](sql::Tx& tx) {
    queue::Consequences consequences;
    return queue::doubt_in_flight(tx, in->ids(), in->clock().now(), consequences);
  };
  CHECK(block_on(in->db().write(doubt)) == 1);
  CHECK(findings().size() == 1);
  CHECK(holds_text(findings(), "1 recipient in doubt"));

  auto spoil = [&](sql::Tx& tx) {
    auto past = in->clock().now() - std::chrono::hours(30);
    tx.run("update queue_message set remaining = 3, created_at = $1", past);
    tx.run("update queue_recipient set state = 2 where number = 2");
    tx.run(
        "insert into queue_hold (id, provider, organisation_id, since, by_whom, reason) "
        "values (1, 'docomo', 0, $1, 'ann', 'forgotten')",
        past);
  };
  block_on(in->db().write(spoil));
  auto found = findings();
  CHECK(found.size() == 4);
  CHECK(holds_text(found, "counts 3 recipients as open, and has 1"));
  CHECK(holds_text(found, "is stored as delivered, and its events say in doubt"));
  CHECK(holds_text(found, "waits for 30 hours"));
  CHECK(holds_text(found, "held for 30 hours by ann: forgotten"));
  CHECK_FALSE(holds_text(findings({{"quick", true}}), "its events say"));

  auto lose = [](sql::Tx& tx) { tx.run("delete from blob"); };
  block_on(in->db().write(lose));
  CHECK(holds_text(findings(), "1 message on the way to other servers: the text is lost"));
}
