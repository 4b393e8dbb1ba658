#include "support/directory_fixture.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::directory;
using Kind = Route::Kind;

namespace {

struct Routing : test::DirectoryFixture {
  std::int64_t ann = need(block_on(directory.find_account("ann@kita.example"))).id;

  Route route(std::string local, std::string domain = "kita.example") {
    auto answer = block_on(directory.route(local, domain));
    // What is remembered afterwards is the same.
    auto cached = directory.cached_route(local, domain);
    REQUIRE(cached.has_value());
    CHECK(cached->kind == answer.kind);
    CHECK(cached->accounts == answer.accounts);
    if (answer.kind != Kind::local) CHECK(answer.accounts.empty());
    return answer;
  }
  void leads_to(std::vector<std::int64_t> accounts, std::string local,
                std::string domain = "kita.example") {
    CAPTURE(local);
    auto answer = route(local, domain);
    CHECK(answer.kind == Kind::local);
    CHECK(answer.accounts == accounts);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Routing, "routes: ours, nobody's, another server's") {
  CHECK(!directory.cached_route("ann", "kita.example"));
  leads_to({ann}, "ann");
  leads_to({ann}, "ANN", "KITA.Example.");
  CHECK(route("bob").kind == Kind::unknown);
  CHECK(route("ann", "minami.example").kind == Kind::not_ours);
  CHECK(route("ann", "[192.0.2.1]").kind == Kind::not_ours);
  CHECK(route("ann", "").kind == Kind::unknown);
  const std::string huge(100'000, 'a');
  CHECK(block_on(directory.route(huge, huge)).kind == Kind::not_ours);
  CHECK(!directory.cached_route(huge, huge));
}

TEST_CASE_FIXTURE(Routing, "routes: every change is seen at once") {
  CHECK(route("bob").kind == Kind::unknown);
  const auto bob = add_account("bob@kita.example").id;
  leads_to({bob}, "bob");
  CHECK(route("ann", "minami.example").kind == Kind::not_ours);
  add_domain("Kita", "minami.example");
  CHECK(route("ann", "minami.example").kind == Kind::unknown);
  need(block_on(directory.add_address(root, "ann@minami.example", "ann@kita.example")));
  leads_to({ann}, "ann", "minami.example");
  need(block_on(directory.remove_address(root, "ann@minami.example", "ann@kita.example")));
  CHECK(route("ann", "minami.example").kind == Kind::unknown);
  need(block_on(directory.delete_domain(root, "minami.example")));
  CHECK(route("ann", "minami.example").kind == Kind::not_ours);
}

TEST_CASE_FIXTURE(Routing, "routes: sub-addresses") {
  leads_to({ann}, "ann+list");
  leads_to({ann}, "Ann+a+b");
  CHECK(route("+ann").kind == Kind::unknown);
  CHECK(route("bob+ann").kind == Kind::unknown);
  const auto own = add_account("ann+list@kita.example").id;
  leads_to({own}, "ann+list");
  leads_to({ann}, "ann+other");
}

TEST_CASE_FIXTURE(Routing, "routes: local parts of carriers are compared as given") {
  const auto dots = add_account("a..b.@kita.example").id;
  leads_to({dots}, "A..b.");
  CHECK(route("a.b.").kind == Kind::unknown);
  CHECK(route("ab").kind == Kind::unknown);
}

TEST_CASE_FIXTURE(Routing, "routes: internationalised addresses") {
  add_domain("Kita", "日本語.example");
  const auto taro = add_account("太郎@日本語.example").id;
  leads_to({taro}, "太郎", "日本語.EXAMPLE");
  leads_to({taro}, "太郎", "XN--wgv71a119e.example");
}

TEST_CASE_FIXTURE(Routing, "routes: the catch-all takes what is nobody's") {
  const auto bob = add_account("bob@kita.example").id;
  need(block_on(directory.set_catch_all(root, "kita.example", "bob@kita.example")));
  leads_to({bob}, "whoever");
  leads_to({bob}, "whoever+x");
  leads_to({ann}, "ann");
  set_state("bob@kita.example", State::suspended);
  CHECK(route("whoever").kind == Kind::suspended);
  need(block_on(directory.delete_account(root, "bob@kita.example")));
  CHECK(route("whoever").kind == Kind::unknown);
  need(block_on(directory.set_catch_all(root, "kita.example", "ann@kita.example")));
  leads_to({ann}, "whoever");
  // The address of a deleted account is kept for it, from the catch-all too.
  CHECK(route("bob").kind == Kind::unknown);
  need(block_on(directory.set_catch_all(root, "kita.example", std::nullopt)));
  CHECK(route("whoever").kind == Kind::unknown);
}

TEST_CASE_FIXTURE(Routing, "routes: several accounts on one address") {
  const auto bob = add_account("bob@kita.example").id;
  for (auto who : {"ann@kita.example", "bob@kita.example"})
    need(block_on(directory.add_address(root, "info@kita.example", who)));
  leads_to({ann, bob}, "info");
  // Nothing is lost for the suspended one while the other is served.
  set_state("bob@kita.example", State::suspended);
  leads_to({ann, bob}, "info");
  set_state("ann@kita.example", State::suspended);
  CHECK(route("info").kind == Kind::suspended);
  need(block_on(directory.delete_account(root, "bob@kita.example")));
  set_state("ann@kita.example", State::active);
  leads_to({ann}, "info");
}

TEST_CASE_FIXTURE(Routing, "routes: suspended and deleted") {
  set_state("ann@kita.example", State::suspended);
  CHECK(route("ann").kind == Kind::suspended);
  CHECK(route("ann+x").kind == Kind::suspended);
  need(block_on(directory.delete_account(root, "ann@kita.example")));
  CHECK(route("ann").kind == Kind::unknown);
  need(block_on(directory.restore_account(root, "ann@kita.example")));
  leads_to({ann}, "ann");
  set_organisation_state("Kita", State::suspended);
  CHECK(route("ann").kind == Kind::suspended);
  CHECK(route("bob").kind == Kind::unknown);
  set_organisation_state("Kita", State::deleted);
  CHECK(route("ann").kind == Kind::unknown);
  set_organisation_state("Kita", State::active);
  leads_to({ann}, "ann");
}

// RFC 5321 §4.5.1.
TEST_CASE_FIXTURE(Routing, "routes: somebody always is postmaster") {
  leads_to({ann}, "PostMaster");
  leads_to({ann}, "postmaster+x");
  leads_to({ann}, "postmaster", "");
  clock.advance(std::chrono::seconds(1));
  const auto owner = add_account("boss@kita.example", "", Role::owner).id;
  clock.advance(std::chrono::seconds(1));
  add_account("admin@kita.example", "", Role::administrator);
  leads_to({owner}, "postmaster");
  set_organisation_state("Kita", State::suspended);
  leads_to({owner}, "postmaster");
  set_organisation_state("Kita", State::active);
  need(block_on(directory.set_catch_all(root, "kita.example", "ann@kita.example")));
  leads_to({ann}, "postmaster");
  const auto own = add_account("postmaster@kita.example").id;
  leads_to({own}, "postmaster");
  set_state("postmaster@kita.example", State::suspended);
  leads_to({ann}, "postmaster");

  // An organisation with nobody in it: whoever runs the server answers.
  add_organisation("Minami");
  add_domain("Minami", "minami.example");
  leads_to({owner}, "postmaster", "minami.example");
  const auto runs_it = add_account("op@kita.example", "", Role::operator_).id;
  leads_to({runs_it}, "postmaster", "minami.example");
  leads_to({runs_it}, "postmaster", "");
}

TEST_CASE_FIXTURE(Routing, "quotas: read once, and anew after a change") {
  CHECK(!directory.cached_limits(ann));
  CHECK(need(block_on(directory.limits(ann))).account_bytes == std::nullopt);
  CHECK(directory.cached_limits(ann).has_value());
  AccountChange own{.quota_bytes = 5000};
  need(block_on(directory.update_account(root, "ann@kita.example", own)));
  CHECK(!directory.cached_limits(ann));
  OrganisationChange all{.quota_bytes = 9000};
  need(block_on(directory.update_organisation(root, "Kita", all)));
  const auto limits = need(block_on(directory.limits(ann)));
  CHECK(limits.account_bytes == 5000);
  CHECK(limits.organisation_bytes == 9000);
  CHECK(directory.cached_limits(ann) == limits);
  auto inside = [&](sql::Tx& tx) { return read_limits(tx, ann); };
  CHECK(block_on(db->read(inside)) == limits);
  CHECK(error_of(block_on(directory.limits(1))) == Errc::not_found);
}

TEST_CASE_FIXTURE(Routing, "sending: from one's own addresses only") {
  const auto may = [&](std::string local, std::string domain = "kita.example") {
    return block_on(directory.may_send_as(ann, local, domain));
  };
  add_account("bob@kita.example");
  CHECK(may("Ann"));
  CHECK(may("ann+shop"));
  CHECK(!may("bob"));
  CHECK(!may("bob+ann"));
  CHECK(!may("ann", "minami.example"));
  need(block_on(directory.add_address(root, "info@kita.example", "ann@kita.example")));
  CHECK(may("info"));
  set_state("ann@kita.example", State::suspended);
  CHECK(!may("ann"));
  set_state("ann@kita.example", State::active);
  set_organisation_state("Kita", State::suspended);
  CHECK(!may("ann"));
}
