#include "support/directory_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace todoke;
using namespace todoke::directory;

namespace {

struct Administration : test::DirectoryFixture {
  std::vector<AuditEvent> trail(std::optional<std::string> organisation = "Kita") {
    return block_on(directory.audit(organisation, 100));
  }
  AuditEvent last() {
    auto events = trail(std::nullopt);
    REQUIRE(!events.empty());
    return events.front();
  }
  Account ann() { return need(block_on(directory.find_account("ann@kita.example"))); }
};

template <class T>
std::string words(const Result<T>& result) {
  REQUIRE(!result.has_value());
  return result.error().text;
}

}  // namespace

TEST_CASE_FIXTURE(Administration, "organisations: made, listed, changed") {
  NewOrganisation again{.name = " Kita "};
  CHECK(error_of(block_on(directory.create_organisation(root, again))) == Errc::conflict);
  NewOrganisation nameless{.name = " "};
  CHECK(error_of(block_on(directory.create_organisation(root, nameless))) == Errc::invalid);
  NewOrganisation elsewhere{.name = "Minami", .locale = "fr"};
  CHECK(error_of(block_on(directory.create_organisation(root, elsewhere))) == Errc::invalid);
  add_organisation("Minami");

  OrganisationChange change{.name = "Nishi", .locale = "en", .quota_bytes = 100};
  need(block_on(directory.update_organisation(root, "Minami", change)));
  CHECK(last().action == "organisation.update");
  CHECK(last().detail == R"({"name":"Nishi","locale":"en","quota_bytes":100})");
  CHECK(error_of(block_on(directory.update_organisation(root, "Minami", change))) ==
        Errc::not_found);
  OrganisationChange taken{.name = "Kita"};
  CHECK(error_of(block_on(directory.update_organisation(root, "Nishi", taken))) == Errc::conflict);

  const auto all = block_on(directory.organisations());
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "Kita");
  CHECK(all[1].name == "Nishi");
  CHECK(all[1].locale == "en");
  CHECK(all[1].quota_bytes == 100);
}

TEST_CASE_FIXTURE(Administration, "domains: made, listed, deleted when empty") {
  add_organisation("Minami");
  CHECK(error_of(block_on(directory.create_domain(root, "Minami", "KITA.example"))) ==
        Errc::conflict);
  CHECK(error_of(block_on(directory.create_domain(root, "Nobody", "nobody.example"))) ==
        Errc::not_found);
  add_domain("Minami", "minami.example");
  CHECK(block_on(directory.domains(std::nullopt)).size() == 2);
  const auto own = block_on(directory.domains("Minami"));
  REQUIRE(own.size() == 1);
  CHECK(own[0].name == "minami.example");
  CHECK(!own[0].catch_all);

  // A catch-all is of the same organisation.
  CHECK(error_of(block_on(directory.set_catch_all(root, "minami.example", "ann@kita.example"))) ==
        Errc::not_found);
  need(block_on(directory.set_catch_all(root, "kita.example", "ann@kita.example")));
  CHECK(block_on(directory.domains("Kita"))[0].catch_all == "ann@kita.example");

  CHECK(error_of(block_on(directory.delete_domain(root, "kita.example"))) == Errc::conflict);
  need(block_on(directory.delete_account(root, "ann@kita.example")));
  CHECK(error_of(block_on(directory.delete_domain(root, "kita.example"))) == Errc::conflict);
  need(block_on(directory.delete_domain(root, "minami.example")));
  CHECK(error_of(block_on(directory.delete_domain(root, "minami.example"))) == Errc::not_found);
}

TEST_CASE_FIXTURE(Administration, "accounts: made with address, login, password and mailboxes") {
  std::string made;
  bool fails = false;
  directory.on_create([&](sql::Tx& tx, const Account& account) {
    made = account.address;
    // Inside the same transaction.
    CHECK(tx.first<int>("select 1 from account where id = $1", account.id).has_value());
    if (fails) throw sql::Unavailable("disk full");
  });
  NewAccount wanted{.address = "Bob@Kita.example",
                    .password = "bob's secret",
                    .display_name = "ボブ",
                    .role = Role::administrator,
                    .quota_bytes = 1000};
  const auto bob = need(block_on(directory.create_account(root, wanted)));
  CHECK(made == "bob@kita.example");
  CHECK(bob.locale == "ja");
  const auto found = need(block_on(directory.find_account("BOB@kita.example")));
  CHECK(found.id == bob.id);
  CHECK(found.display_name == "ボブ");
  CHECK(found.role == Role::administrator);
  CHECK(found.quota_bytes == 1000);
  CHECK(found.logins == std::vector<std::string>{"bob@kita.example"});
  CHECK(found.services == all_services);

  fails = true;
  wanted.address = "carol@kita.example";
  CHECK_THROWS_AS(block_on(directory.create_account(root, wanted)), sql::Unavailable);
  CHECK(error_of(block_on(directory.find_account("carol@kita.example"))) == Errc::not_found);
}

TEST_CASE_FIXTURE(Administration, "accounts: what is refused, and in what words") {
  const auto refused = [&](NewAccount wanted, Errc code) {
    auto made = block_on(directory.create_account(root, wanted));
    CHECK(error_of(made) == code);
    return made.error().text;
  };
  CHECK(refused({.address = "ANN@kita.example"}, Errc::conflict) ==
        "ann@kita.example belongs to ann@kita.example");
  need(block_on(directory.add_address(root, "info@kita.example", "ann@kita.example")));
  CHECK(refused({.address = "info@kita.example"}, Errc::conflict)
            .contains("belongs to ann@kita.example"));
  refused({.address = "ann@minami.example"}, Errc::not_found);
  refused({.address = "ann"}, Errc::invalid);
  refused({.address = "x@kita.example", .quota_bytes = -1}, Errc::invalid);
  refused({.address = "x@kita.example", .locale = "xx"}, Errc::invalid);
  refused({.address = "x@kita.example", .password = "a", .stored_password = "b"}, Errc::invalid);
  refused({.address = "x@kita.example", .password = std::string(5000, 'x')}, Errc::invalid);
  refused({.address = "x@kita.example", .stored_password = "{NONSENSE}x"}, Errc::invalid);
  CHECK(block_on(directory.accounts(std::nullopt)).size() == 1);
}

TEST_CASE_FIXTURE(Administration, "accounts: changed and listed") {
  add_domain("Kita", "minami.example");
  add_account("zoe@minami.example");
  AccountChange change{.display_name = "Ann",
                       .role = Role::owner,
                       .services = static_cast<ServiceSet>(Service::imap),
                       .pop3_mailbox_id = 7,
                       .pop3_read_only = true,
                       .send_limit_per_hour = 50};
  need(block_on(directory.update_account(root, "ann@kita.example", change)));
  CHECK(last().target == "ann@kita.example");
  CHECK(last().detail.contains(R"("send_limit_per_hour":50)"));
  const auto found = ann();
  CHECK(found.display_name == "Ann");
  CHECK(found.role == Role::owner);
  CHECK(found.services == 2);
  CHECK(found.pop3_mailbox_id == 7);
  CHECK(found.pop3_read_only);
  CHECK(found.send_limit_per_hour == 50);

  AccountChange deletion{.state = State::deleted};
  CHECK(error_of(block_on(directory.update_account(root, "ann@kita.example", deletion))) ==
        Errc::invalid);
  AccountChange nonsense{.services = 64};
  CHECK(error_of(block_on(directory.update_account(root, "ann@kita.example", nonsense))) ==
        Errc::invalid);

  CHECK(block_on(directory.accounts(std::nullopt)).size() == 2);
  const auto minami = block_on(directory.accounts("Minami.example"));
  REQUIRE(minami.size() == 1);
  CHECK(minami[0].address == "zoe@minami.example");
}

TEST_CASE_FIXTURE(Administration, "accounts: deleted ones keep all for 30 days") {
  add_account("bob@kita.example");
  const auto id = ann().id;
  need(block_on(directory.add_login(root, "ann@kita.example", "ann01", "")));
  need(block_on(directory.delete_account(root, "ann@kita.example")));
  CHECK(ann().state == State::deleted);
  CHECK(ann().deleted_at == clock.now());

  NewAccount same{.address = "ann@kita.example"};
  CHECK(words(block_on(directory.create_account(root, same))).contains("deleted and kept"));
  CHECK(error_of(block_on(directory.add_address(root, "ann@kita.example", "bob@kita.example"))) ==
        Errc::conflict);
  CHECK(error_of(block_on(directory.add_login(root, "bob@kita.example", "ann01", ""))) ==
        Errc::conflict);
  AccountChange change{.display_name = "x"};
  CHECK(words(block_on(directory.update_account(root, "ann@kita.example", change)))
            .contains("restore it first"));
  CHECK(error_of(block_on(directory.set_password(root, "ann@kita.example", "new one"))) ==
        Errc::conflict);

  need(block_on(directory.restore_account(root, "ann@kita.example")));
  CHECK(ann().state == State::active);
  CHECK(!ann().deleted_at);
  CHECK(error_of(block_on(directory.restore_account(root, "ann@kita.example"))) == Errc::conflict);
  need(block_on(directory.delete_account(root, "ann@kita.example")));

  std::vector<std::int64_t> purged;
  directory.on_purge([&](sql::Tx&, std::int64_t account) { purged.push_back(account); });
  clock.advance(std::chrono::hours(24 * 30) - std::chrono::seconds(1));
  CHECK(block_on(directory.purge_deleted(root)) == 0);
  clock.advance(std::chrono::seconds(1));
  CHECK(block_on(directory.purge_deleted(root)) == 1);
  CHECK(purged == std::vector{id});
  CHECK(block_on(directory.purge_deleted(root)) == 0);
  CHECK(add_account("ann@kita.example").id != id);
  need(block_on(directory.add_login(root, "bob@kita.example", "ann01", "")));
}

TEST_CASE_FIXTURE(Administration, "addresses: only within the organisation, and bounded") {
  add_organisation("Minami");
  add_domain("Minami", "minami.example");
  add_account("zoe@minami.example");
  CHECK(error_of(block_on(directory.add_address(root, "x@minami.example", "ann@kita.example"))) ==
        Errc::not_found);
  CHECK(error_of(block_on(directory.add_address(root, "x@kita.example", "zoe@minami.example"))) ==
        Errc::not_found);
  need(block_on(directory.add_address(root, "info@kita.example", "ann@kita.example")));
  CHECK(error_of(block_on(directory.add_address(root, "INFO@kita.example", "ann@kita.example"))) ==
        Errc::conflict);
  CHECK(ann().aliases == std::vector<std::string>{"info@kita.example"});
  // An alias names the account as long as it leads to no other.
  CHECK(need(block_on(directory.find_account("info@kita.example"))).id == ann().id);
  add_account("bob@kita.example");
  need(block_on(directory.add_address(root, "info@kita.example", "bob@kita.example")));
  CHECK(error_of(block_on(directory.find_account("info@kita.example"))) == Errc::conflict);

  CHECK(error_of(block_on(directory.remove_address(root, "ann@kita.example",
                                                   "ann@kita.example"))) == Errc::conflict);
  need(block_on(directory.remove_address(root, "info@kita.example", "ann@kita.example")));
  CHECK(error_of(block_on(directory.remove_address(root, "info@kita.example",
                                                   "ann@kita.example"))) == Errc::not_found);

  for (int i = 0; i < 99; ++i) {
    const auto who = "m" + std::to_string(i) + "@kita.example";
    add_account(who);
    need(block_on(directory.add_address(root, "info@kita.example", who)));
  }
  CHECK(error_of(block_on(directory.add_address(root, "info@kita.example", "ann@kita.example"))) ==
        Errc::over_limit);
}

TEST_CASE_FIXTURE(Administration, "logins: one account per name and listener") {
  add_account("bob@kita.example");
  add_organisation("Minami");
  add_domain("Minami", "minami.example");
  add_account("zoe@minami.example");
  need(block_on(directory.add_login(root, "ann@kita.example", "Yamada", "192.0.2.1")));
  need(block_on(directory.add_login(root, "bob@kita.example", "yamada", "192.0.2.2")));
  CHECK(words(block_on(directory.add_login(root, "bob@kita.example", "YAMADA", "192.0.2.1"))) ==
        "the login name \"yamada\" belongs to ann@kita.example");
  // Another organisation is not told whose it is.
  CHECK(words(block_on(directory.add_login(root, "zoe@minami.example", "yamada", "192.0.2.1"))) ==
        "the login name \"yamada\" is taken");
  CHECK(ann().logins == std::vector<std::string>{"ann@kita.example", "yamada (192.0.2.1)"});
  CHECK(error_of(block_on(directory.find_account("yamada"))) == Errc::conflict);
  CHECK(error_of(block_on(directory.add_login(root, "ann@kita.example", "x", "pop.example"))) ==
        Errc::invalid);

  // Nobody's address becomes somebody else's login.
  CHECK(error_of(block_on(directory.add_login(root, "ann@kita.example", "bob@kita.example",
                                              "192.0.2.1"))) == Errc::conflict);
  CHECK(error_of(block_on(directory.add_login(root, "ann@kita.example", "boss@minami.example",
                                              ""))) == Errc::conflict);
  need(block_on(directory.add_login(root, "ann@kita.example", "ann@old.example", "")));
  need(block_on(directory.add_login(root, "ann@kita.example", "new@kita.example", "")));
  NewAccount later{.address = "new@kita.example"};
  CHECK(error_of(block_on(directory.create_account(root, later))) == Errc::conflict);

  need(block_on(directory.remove_login(root, "yamada", "192.0.2.1")));
  CHECK(error_of(block_on(directory.remove_login(root, "yamada", "192.0.2.1"))) == Errc::not_found);
  CHECK(error_of(block_on(directory.remove_login(root, "ann@kita.example", ""))) == Errc::conflict);
  CHECK(need(block_on(directory.find_account("YAMADA"))).address == "bob@kita.example");
}

TEST_CASE_FIXTURE(Administration, "app passwords: made, listed, bounded, deleted") {
  const auto make = [&](std::string label, ServiceSet scope, std::optional<Time> expires) {
    return block_on(directory.create_app_password(root, "ann@kita.example", label, scope, expires));
  };
  const auto tomorrow = clock.now() + std::chrono::hours(24);
  CHECK(error_of(make("", 1, tomorrow)) == Errc::invalid);
  CHECK(error_of(make("phone", 0, tomorrow)) == Errc::invalid);
  CHECK(error_of(make("phone", 16, tomorrow)) == Errc::invalid);
  CHECK(error_of(make("phone", 1, clock.now())) == Errc::invalid);
  const auto first = need(make("phone", 1, tomorrow));
  CHECK(first != need(make("tablet", all_services, std::nullopt)));
  const auto all = need(block_on(directory.app_passwords("ann@kita.example")));
  REQUIRE(all.size() == 2);
  CHECK(all[0].label == "phone");
  CHECK(all[0].scope == 1);
  CHECK(all[0].expires_at == tomorrow);
  CHECK(!all[0].last_used_at);
  for (int i = 2; i < 20; ++i) need(make("more", 1, std::nullopt));
  CHECK(error_of(make("more", 1, std::nullopt)) == Errc::over_limit);

  add_account("bob@kita.example");
  CHECK(error_of(block_on(directory.delete_app_password(root, "bob@kita.example", all[0].id))) ==
        Errc::not_found);
  need(block_on(directory.delete_app_password(root, "ann@kita.example", all[0].id)));
  CHECK(need(block_on(directory.app_passwords("ann@kita.example"))).size() == 19);
}

TEST_CASE_FIXTURE(Administration, "sign-in: taken out of one account and put into another") {
  need(block_on(directory.add_login(root, "ann@kita.example", "ann", "")));
  need(block_on(directory.add_login(root, "ann@kita.example", "a7", "198.51.100.1")));
  const auto app = need(
      block_on(directory.create_app_password(root, "ann@kita.example", "phone", all_services, {})));
  auto query = [id = ann().id](sql::Tx& tx) { return read_sign_in(tx, id); };
  auto image = block_on(db->read(query));
  REQUIRE(image.credentials.size() == 2);
  CHECK(image.logins.size() == 3);
  CHECK(image.credentials[0].scram.has_value());
  CHECK(image.credentials[1].label == "phone");

  add_account("bob@kita.example", "bob's secret");
  auto restore = [&](const SignInImage& from) {
    return block_on(directory.restore_sign_in(root, "bob@kita.example", from));
  };
  auto broken = image;
  broken.credentials[1].stored = "nonsense";
  CHECK(error_of(restore(broken)) == Errc::invalid);
  broken = image;
  broken.credentials[0].scram = "nonsense";
  CHECK(error_of(restore(broken)) == Errc::invalid);
  broken.credentials.assign(22, image.credentials[1]);
  CHECK(error_of(restore(broken)) == Errc::over_limit);
  broken.credentials.assign(2, image.credentials[0]);
  CHECK(error_of(restore(broken)) == Errc::invalid);
  CHECK(sign_in("bob@kita.example", "bob's secret").has_value());

  image.logins.push_back({"b9", ""});
  const auto refused = need(restore(image));
  CHECK(refused.size() == 3);  // Ann has them
  CHECK(refused[0].contains("login a"));
  CHECK_FALSE(sign_in("bob@kita.example", "bob's secret").has_value());
  CHECK(sign_in("b9", "ann's secret").has_value());
  CHECK(sign_in("bob@kita.example", app).has_value());
  for (const auto& event : trail()) CHECK_FALSE(event.detail.contains("$argon2id"));
}

TEST_CASE_FIXTURE(Administration, "audit: every change leaves one row, without secrets") {
  std::size_t before = trail().size();
  const auto did = [&](std::string action) {
    auto events = trail();
    CHECK(events.size() == ++before);
    CHECK(events.front().action == action);
    CHECK(events.front().organisation == "Kita");
    CHECK(events.front().actor == "root");
    CHECK(events.front().source == "local");
    CHECK(events.front().at == clock.now());
  };
  const std::string ann = "ann@kita.example";
  add_domain("Kita", "minami.example");
  did("domain.create");
  need(block_on(directory.set_catch_all(root, "kita.example", ann)));
  did("domain.catch_all");
  need(block_on(directory.delete_domain(root, "minami.example")));
  did("domain.delete");
  add_account("bob@kita.example", "hunter2 hunter2");
  did("account.create");
  set_state("bob@kita.example", State::suspended);
  did("account.update");
  need(block_on(directory.add_address(root, "info@kita.example", ann)));
  did("address.add");
  need(block_on(directory.remove_address(root, "info@kita.example", ann)));
  did("address.remove");
  need(block_on(directory.add_login(root, ann, "ann01", "192.0.2.1")));
  did("login.add");
  need(block_on(directory.remove_login(root, "ann01", "192.0.2.1")));
  did("login.remove");
  need(block_on(directory.set_password(root, ann, "hunter3 hunter3")));
  did("password.set");
  need(block_on(directory.set_password_hash(root, ann, "{PLAIN}hunter4")));
  did("password.import");
  const auto app = need(block_on(directory.create_app_password(root, ann, "say \"hi\"", 1, {})));
  did("app_password.create");
  CHECK(trail().front().detail.contains(R"("label":"say \"hi\"","scope":1,"expires_at":null)"));
  const auto id = need(block_on(directory.app_passwords(ann))).front().id;
  need(block_on(directory.delete_app_password(root, ann, id)));
  did("app_password.delete");
  need(block_on(directory.delete_account(root, ann)));
  did("account.delete");
  need(block_on(directory.restore_account(root, ann)));
  did("account.restore");
  set_organisation_state("Kita", State::suspended);
  did("organisation.update");

  // What is refused leaves none.
  CHECK(error_of(block_on(directory.restore_account(root, ann))) == Errc::conflict);
  CHECK(trail().size() == before);
  for (auto& event : trail()) {
    CAPTURE(event.detail);
    CHECK(!event.detail.contains("hunter"));
    CHECK(!event.detail.contains(app));
  }
  CHECK(block_on(directory.audit("Kita", 3)).size() == 3);
  CHECK(block_on(directory.audit("Nobody", 3)).empty());
  CHECK(block_on(directory.audit(std::nullopt, -1)).empty());
}
