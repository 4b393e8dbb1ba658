#include "crypto/scram.h"
#include "support/directory_fixture.h"

#include <doctest/doctest.h>

#include <thread>

using namespace todoke;
using namespace todoke::directory;
using namespace std::chrono_literals;

namespace {

constexpr auto home = "192.0.2.7";

struct SigningIn : test::DirectoryFixture {
  static constexpr auto ann = "ann@kita.example";
  static constexpr auto right = "ann's secret";

  std::string stored() {
    auto query = [](sql::Tx& tx) {
      return *tx.first<std::string>("select stored from credential where kind = 0");
    };
    return block_on(db->read(query));
  }
  void drop_scram_keys() {
    auto work = [](sql::Tx& tx) { tx.run("update credential set scram = null"); };
    block_on(db->write(work));
  }
  std::size_t audited(std::string_view action) {
    std::size_t count = 0;
    for (auto& event : block_on(directory.audit(std::nullopt, 1000)))
      count += event.action == action;
    return count;
  }
};

}  // namespace

TEST_CASE_FIXTURE(SigningIn, "sign-in: with what one is called") {
  const auto principal = need(sign_in("Ann@KITA.example", right));
  CHECK(principal.address == ann);
  CHECK(principal.login == ann);
  CHECK(principal.scope == all_services);
  CHECK(principal.role == Role::member);

  need(block_on(directory.add_login(root, ann, "Yamada", "198.51.100.1")));
  add_account("bob@kita.example", "bob's secret");
  need(block_on(directory.add_login(root, "bob@kita.example", "yamada", "198.51.100.2")));
  CHECK(need(sign_in("YAMADA", right)).address == ann);
  CHECK(need(sign_in("yamada", "bob's secret", home, Service::pop3, "198.51.100.2")).address ==
        "bob@kita.example");
  // On a listener that the name does not belong to, there is no such name.
  CHECK(error_of(sign_in("yamada", right, home, Service::pop3, "198.51.100.3")) == Errc::denied);

  need(block_on(directory.add_address(root, "info@kita.example", ann)));
  CHECK(need(sign_in("info@kita.example", right)).address == ann);
  need(block_on(directory.add_address(root, "info@kita.example", "bob@kita.example")));
  CHECK(error_of(sign_in("info@kita.example", right)) == Errc::denied);
  CHECK(error_of(sign_in("ann+x@kita.example", right)) == Errc::denied);
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: a stranger is told the same for every reason") {
  add_account("nopass@kita.example");
  add_account("gone@kita.example", "gone's secret");
  need(block_on(directory.delete_account(root, "gone@kita.example")));
  add_account("idle@kita.example", "idle's secret");
  set_state("idle@kita.example", State::suspended);
  const std::pair<std::string, std::string> attempts[] = {
      {ann, "wrong"},
      {ann, ""},
      {ann, std::string(5000, 'x')},
      {ann, std::string("a\0b", 3)},
      {"nobody@kita.example", "wrong"},
      {"nobody", "wrong"},
      {"", "wrong"},
      {std::string(5000, 'x'), "wrong"},
      {"\xff@\xff", "wrong"},
      {"nopass@kita.example", "wrong"},
      {"nopass@kita.example", ""},
      {"gone@kita.example", "gone's secret"},
      {"idle@kita.example", "wrong"},
  };
  int network = 0;
  for (auto& [login, password] : attempts) {
    CAPTURE(login);
    auto answer = sign_in(login, password, "net" + std::to_string(++network));
    CHECK(error_of(answer) == Errc::denied);
    CHECK(answer.error().text == "login or password is wrong");
  }
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: who knows the password is told why it does not help") {
  AccountChange imap_only{.services = static_cast<ServiceSet>(Service::imap)};
  need(block_on(directory.update_account(root, ann, imap_only)));
  CHECK(sign_in(ann, right).error().text == "the account may not be used for this service");
  CHECK(need(sign_in(ann, right, home, Service::imap)).scope == 2);
  set_state(ann, State::suspended);
  CHECK(sign_in(ann, right, home, Service::imap).error().text == "the account is suspended");
  set_state(ann, State::active);
  set_organisation_state("Kita", State::suspended);
  CHECK(sign_in(ann, right, home, Service::imap).error().text == "the account is suspended");
  set_organisation_state("Kita", State::deleted);
  CHECK(sign_in(ann, right, home, Service::imap).error().text == "login or password is wrong");
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: a remembered password is checked anew when it must be") {
  need(sign_in(ann, right));
  need(sign_in(ann, right));
  CHECK(error_of(sign_in(ann, "wrong")) == Errc::denied);
  SUBCASE("it was changed") {
    need(block_on(directory.set_password(root, ann, "another one")));
    CHECK(error_of(sign_in(ann, right)) == Errc::denied);
    need(sign_in(ann, "another one"));
  }
  SUBCASE("the hash was changed behind our back") {
    auto work = [](sql::Tx& tx) { tx.run("update credential set stored = '{PLAIN}other'"); };
    block_on(db->write(work));
    CHECK(error_of(sign_in(ann, right)) == Errc::denied);
  }
  SUBCASE("the account was suspended") {
    set_state(ann, State::suspended);
    CHECK(error_of(sign_in(ann, right)) == Errc::denied);
  }
  SUBCASE("the account was deleted") {
    need(block_on(directory.delete_account(root, ann)));
    CHECK(error_of(sign_in(ann, right)) == Errc::denied);
  }
}

// Whether a hash was computed shows in the missing SCRAM keys: they are made when it is.
TEST_CASE_FIXTURE(SigningIn, "sign-in: remembered for ten minutes, for one service") {
  const auto compared = [&](Service service) {
    drop_scram_keys();
    const auto before = audited("password.rehash");
    need(sign_in(ann, right, home, service));
    return audited("password.rehash") > before;
  };
  CHECK(compared(Service::pop3));
  CHECK(!compared(Service::pop3));
  CHECK(compared(Service::imap));
  clock.advance(10min - 1s);
  CHECK(!compared(Service::pop3));
  clock.advance(1s);
  CHECK(compared(Service::pop3));
  CHECK(!compared(Service::pop3));
  // Any change of the account ends it; a change of another account does not.
  add_account("bob@kita.example");
  CHECK(!compared(Service::pop3));
  AccountChange change{.display_name = "Ann"};
  need(block_on(directory.update_account(root, ann, change)));
  CHECK(compared(Service::pop3));
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: imported hashes are replaced at the first success") {
  need(block_on(directory.set_password_hash(root, ann, "{PLAIN}imported one")));
  CHECK(error_of(sign_in(ann, "wrong")) == Errc::denied);
  CHECK(stored() == "{PLAIN}imported one");
  SignIn request{.login = ann, .service = Service::imap, .network = home};
  CHECK(!need(block_on(directory.scram_keys(request))));

  need(sign_in(ann, "imported one"));
  const auto replaced = stored();
  CHECK(replaced.starts_with("{ARGON2ID}"));
  CHECK(crypto::verify_password(replaced, "imported one", {64, 1}) ==
        crypto::PasswordVerdict::right);
  CHECK(audited("password.rehash") == 1);
  CHECK(need(block_on(directory.scram_keys(request))).has_value());
  clock.advance(1h);
  need(sign_in(ann, "imported one"));
  CHECK(stored() == replaced);
  CHECK(audited("password.rehash") == 1);
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: several first successes at once replace it once") {
  need(block_on(directory.set_password_hash(root, ann, "{PLAIN}imported one")));
  std::atomic<int> inside{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      SignIn request{.login = ann,
                     .password = "imported one",
                     .service = Service::imap,
                     .network = home,
                     .source = home};
      inside += block_on(directory.sign_in(request)).has_value();
    });
  for (auto& client : clients) client.join();
  CHECK(inside == 4);
  CHECK(audited("password.rehash") == 1);
  CHECK(stored().starts_with("{ARGON2ID}"));
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: app passwords have a scope, an end and a last use") {
  const auto pop3 = static_cast<ServiceSet>(Service::pop3);
  const auto app =
      need(block_on(directory.create_app_password(root, ann, "phone", pop3, clock.now() + 24h)));
  const auto last_used = [&] {
    return need(block_on(directory.app_passwords(ann))).front().last_used_at;
  };
  const auto first = clock.now();
  CHECK(need(sign_in(ann, app)).scope == pop3);
  CHECK(last_used() == first);
  clock.advance(59min);
  need(sign_in(ann, app));
  CHECK(last_used() == first);
  clock.advance(1min);
  need(sign_in(ann, app));
  CHECK(last_used() == clock.now());

  CHECK(error_of(sign_in(ann, app, home, Service::imap)) == Errc::denied);
  CHECK(error_of(sign_in(ann, app, home, Service::web)) == Errc::denied);
  need(sign_in(ann, right));
  clock.advance(23h - 1us);
  need(sign_in(ann, app));
  clock.advance(1us);
  CHECK(error_of(sign_in(ann, app)) == Errc::denied);

  const auto other =
      need(block_on(directory.create_app_password(root, ann, "tablet", pop3, std::nullopt)));
  need(sign_in(ann, other));
  const auto id = need(block_on(directory.app_passwords(ann))).back().id;
  need(block_on(directory.delete_app_password(root, ann, id)));
  CHECK(error_of(sign_in(ann, other)) == Errc::denied);
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: who guesses is stopped, the owner is not") {
  need(sign_in(ann, right, home));
  int guesses = 0;
  for (int i = 0; i < 15; ++i)
    guesses += error_of(sign_in(ann, "guess " + std::to_string(i), "203.0.113.1")) == Errc::denied;
  CHECK(guesses == 10);
  const auto stopped = sign_in(ann, right, "203.0.113.1");
  CHECK(error_of(stopped) == Errc::over_limit);
  CHECK(stopped.error().text == "too many wrong passwords; try again in 30 seconds");
  need(sign_in(ann, right, home));
  for (int i = 0; i < 100; ++i)
    (void)sign_in(ann, "guess " + std::to_string(i), "net" + std::to_string(i));
  CHECK(error_of(sign_in(ann, right, "192.0.2.99")) == Errc::over_limit);
  need(sign_in(ann, right, home));
  clock.advance(1min);
  need(sign_in(ann, right, "192.0.2.99"));

  // Neither loopback nor logins that do not exist are an exception.
  guesses = 0;
  for (int i = 0; i < 15; ++i)
    guesses +=
        error_of(sign_in("nobody", "guess " + std::to_string(i), "127.0.0.1")) == Errc::denied;
  CHECK(guesses == 10);
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: last year's password in an old telephone stops nobody") {
  for (int minute = 0; minute < 1000; ++minute) {
    CHECK(error_of(sign_in(ann, "last year's", home)) == Errc::denied);
    clock.advance(1s);
  }
  need(sign_in(ann, right, home));
  // It is a new guess when the password was changed, and then right.
  need(block_on(directory.set_password(root, ann, "last year's")));
  need(sign_in(ann, "last year's", home));
}

TEST_CASE_FIXTURE(SigningIn, "sign-in: guesses side by side are counted too") {
  std::atomic<int> denied{0};
  std::vector<std::thread> guessers;
  for (int t = 0; t < 4; ++t)
    guessers.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        SignIn request{.login = ann,
                       .password = std::to_string(t) + " " + std::to_string(i),
                       .service = Service::pop3,
                       .network = "203.0.113.1"};
        auto answer = block_on(directory.sign_in(request));
        denied += answer.error().code == Errc::denied;
      }
    });
  for (auto& guesser : guessers) guesser.join();
  CHECK(denied >= 10);
  CHECK(denied <= 11);  // one too many per further worker
}

TEST_CASE_FIXTURE(SigningIn, "scram: keys, proof and throttle") {
  SignIn request{.login = "ANN@kita.example", .service = Service::imap, .network = home};
  const auto found = need(block_on(directory.scram_keys(request)));
  REQUIRE(found.has_value());
  CHECK(found->principal.address == ann);
  CHECK(found->principal.scope == all_services);
  const auto keys = need(crypto::decode_scram(found->keys));
  CHECK(need(crypto::derive_scram(right, keys.salt, keys.iterations)) == keys);
  need(block_on(directory.scram_done(request, found->principal)));

  SignIn nobody{.login = "nobody", .service = Service::imap, .network = home};
  CHECK(!need(block_on(directory.scram_keys(nobody))));

  SignIn crook{.login = ann, .service = Service::imap, .network = "203.0.113.1"};
  for (int i = 0; i < 10; ++i) need(block_on(directory.scram_done(crook, std::nullopt)));
  CHECK(error_of(block_on(directory.scram_keys(crook))) == Errc::over_limit);
  // Also for exchanges that began before.
  CHECK(error_of(block_on(directory.scram_done(crook, found->principal))) == Errc::over_limit);
  CHECK(need(block_on(directory.scram_keys(request))).has_value());

  set_state(ann, State::suspended);
  CHECK(!need(block_on(directory.scram_keys(request))));
  CHECK(error_of(block_on(directory.scram_done(request, found->principal))) == Errc::denied);
}
