#include "directory/sign_outs.h"

#include "directory/directory.h"
#include "support/directory_fixture.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::directory;

TEST_CASE("a sign-out ends the sign-ins before it, of one account or organisation") {
  SignOuts outs;
  const Principal ann{.account_id = 1, .organisation_id = 7, .signed_in_at = outs.moment()};
  const Principal bob{.account_id = 2, .organisation_id = 7, .signed_in_at = outs.moment()};
  const Principal eve{.account_id = 3, .organisation_id = 8, .signed_in_at = outs.moment()};
  int rung = 0;
  auto watch = outs.watch(ann, [&] { ++rung; });
  outs.sign_out_account(2);
  CHECK(outs.holds(ann));
  CHECK_FALSE(outs.holds(bob));
  CHECK(rung == 0);
  const Principal bob_again{.account_id = 2, .organisation_id = 7, .signed_in_at = outs.moment()};
  CHECK(outs.holds(bob_again));
  outs.sign_out_organisation(7);
  CHECK_FALSE(outs.holds(ann));
  CHECK_FALSE(outs.holds(bob_again));
  CHECK(outs.holds(eve));
  CHECK(rung == 1);
  {
    auto late = outs.watch(bob_again, [&] { ++rung; });
    CHECK(rung == 2);
  }
  outs.sign_out_account(2);
  CHECK(rung == 2);
  watch = {};
  outs.sign_out_organisation(7);
  CHECK(rung == 2);
}

namespace {
struct SigningOut : test::DirectoryFixture {
  static constexpr auto ann = "ann@kita.example";
};
}  // namespace

TEST_CASE_FIXTURE(SigningOut, "what ends a session, and what does not") {
  auto enter = [&](std::string password) { return need(sign_in(ann, std::move(password))); };
  auto session = enter("ann's secret");
  AccountChange name{.display_name = "Ann"};
  need(block_on(directory.update_account(root, ann, name)));
  auto app =
      need(block_on(directory.create_app_password(root, ann, "phone", all_services, std::nullopt)));
  CHECK(directory.still_signed_in(session));

  need(block_on(directory.set_password(root, ann, "another secret")));
  CHECK_FALSE(directory.still_signed_in(session));

  session = enter(app);
  CHECK(directory.still_signed_in(session));
  auto id = need(block_on(directory.app_passwords(ann))).front().id;
  need(block_on(directory.delete_app_password(root, ann, id)));
  CHECK_FALSE(directory.still_signed_in(session));

  session = enter("another secret");
  set_state(ann, State::suspended);
  CHECK_FALSE(directory.still_signed_in(session));
  set_state(ann, State::active);
  CHECK_FALSE(directory.still_signed_in(session));

  session = enter("another secret");
  set_organisation_state("Kita", State::suspended);
  CHECK_FALSE(directory.still_signed_in(session));
  set_organisation_state("Kita", State::active);

  session = enter("another secret");
  AccountChange no_imap{.services = all_services & ~static_cast<unsigned>(Service::imap)};
  need(block_on(directory.update_account(root, ann, no_imap)));
  CHECK_FALSE(directory.still_signed_in(session));

  session = enter("another secret");
  need(block_on(directory.delete_account(root, ann)));
  CHECK_FALSE(directory.still_signed_in(session));
}
