#include "base/encoding.h"
#include "base/log.h"
#include "crypto/random.h"
#include "directory/impl.h"

#include <algorithm>

// Signing in without the password: the session plays SCRAM with the keys that it gets here.
namespace todoke::directory {
namespace {

using namespace std::chrono_literals;

std::unexpected<Error> unavailable(const sql::Unavailable& e) {
  log::warn("directory.sign_in_unavailable", {{"error", e.what()}});
  return fail(Errc::unavailable, "the database cannot be asked now");
}

}  // namespace

Task<Result<std::optional<Directory::ScramLookup>>> Directory::scram_keys(SignIn request) {
  std::optional<Candidate> candidate;
  try {
    candidate = co_await impl_->candidate_of(request);
  } catch (const sql::Unavailable& e) {
    co_return unavailable(e);
  }
  const auto attempt = impl_->attempt_of(request, candidate);
  if (const auto wait = impl_->throttle.wait(attempt); wait > 0s)
    co_return too_many_failures(request, wait);
  if (!candidate || candidate->state != State::active ||
      !contains(candidate->principal.scope, request.service))
    co_return std::nullopt;
  // App passwords have no keys: a login has one salt, so it can have one password only.
  const auto password = std::ranges::find_if(
      candidate->credentials, [](const StoredCredential& c) { return c.scram.has_value(); });
  if (password == candidate->credentials.end()) co_return std::nullopt;
  ScramLookup found{*std::move(password->scram), std::move(candidate->principal)};
  found.principal.scope &= password->scope;
  co_return std::optional(std::move(found));
}

Task<Result<std::string>> Directory::fake_salt_secret() {
  auto& kept = impl_->salt_secret;
  {
    std::lock_guard lock(impl_->salt_mutex);
    if (!kept.empty()) co_return kept;
  }
  auto query = [](sql::Tx& tx) {
    return tx.first<std::string>("select value from setting where name = 'fake_salt_secret'");
  };
  const auto fresh = hex_encode(crypto::random_bytes(32));
  auto work = [&](sql::Tx& tx) {
    tx.run(
        "insert into setting (name, value) values ('fake_salt_secret', $1) on conflict do nothing",
        fresh);
    return query(tx);
  };
  std::optional<std::string> found;
  try {
    found = co_await impl_->db.read(query);
    if (!found) found = co_await impl_->db.write(work);
  } catch (const sql::Unavailable& e) {
    co_return unavailable(e);
  }
  std::lock_guard lock(impl_->salt_mutex);
  kept = *found;
  co_return kept;
}

Task<Result<>> Directory::scram_done(SignIn request, std::optional<Principal> success) {
  std::optional<Candidate> candidate;
  try {
    candidate = co_await impl_->candidate_of(request);
  } catch (const sql::Unavailable& e) {
    co_return unavailable(e);
  }
  const auto attempt = impl_->attempt_of(request, candidate);
  if (!success) {
    impl_->throttle.failed(attempt, "");
    log_refusal(request, "wrong");
    co_return Result<>{};
  }
  if (const auto wait = impl_->throttle.wait(attempt); wait > 0s)
    co_return too_many_failures(request, wait);
  // The exchange took a while, in which the account may have changed.
  if (!candidate || candidate->principal.account_id != success->account_id ||
      candidate->state != State::active)
    co_return fail(Errc::denied, "login or password is wrong");
  impl_->throttle.succeeded(attempt);
  co_return Result<>{};
}

}  // namespace todoke::directory
