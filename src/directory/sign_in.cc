#include "base/log.h"
#include "directory/candidate.h"
#include "directory/impl.h"
#include "directory/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::directory {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_login = 512;
constexpr std::size_t max_waiting = 500;  // hashes; at some 30 ms each more would only time out
constexpr auto last_used_every = 1h;

// The one answer for everybody who does not know the password.
std::unexpected<Error> wrong() {
  return fail(Errc::denied, "login or password is wrong");
}

std::string service_text(Service service) {
  return std::to_string(static_cast<unsigned>(service));
}

// What VerifiedPasswords remembers a right password by.
std::string right_digest(const Directory::Impl& impl, std::int64_t account,
                         const StoredCredential& credential, const SignIn& request) {
  return impl.verified.digest({"right", std::to_string(account), std::to_string(credential.id),
                               credential.stored, request.password, service_text(request.service)});
}

// What the throttle remembers a wrong password by: it is wrong as long as the same is there to
// compare it to.
std::string guess_digest(const Directory::Impl& impl, const Throttle::Attempt& attempt,
                         const std::optional<Candidate>& candidate, const SignIn& request) {
  std::string compared_to;
  if (candidate)
    for (auto& credential : candidate->credentials)
      compared_to +=
          fmt::format("{}:{}:{}", credential.id, credential.stored.size(), credential.stored);
  return impl.verified.digest(
      {"wrong", attempt.who, compared_to, request.password, service_text(request.service)});
}

StoredCredential* recently_right(Directory::Impl& impl, Candidate& candidate,
                                 const SignIn& request) {
  const auto account = candidate.principal.account_id;
  for (auto& credential : candidate.credentials)
    if (impl.verified.contains(account, right_digest(impl, account, credential, request)))
      return &credential;
  return nullptr;
}

// On a worker thread.  Always computes one argon2 of full cost at least when the password is wrong,
// so that the time tells neither whether there is an account nor how its password is kept.
Directory::Impl::Verdict verify(Directory::Impl& impl, const Throttle::Attempt& attempt,
                                std::optional<Candidate>& candidate, const SignIn& request,
                                std::string_view guess) {
  if (const auto wait = impl.throttle.wait(attempt); wait > 0s) return {.wait = wait};
  bool stretched = false;
  if (candidate) {
    for (auto& credential : candidate->credentials) {
      const auto verdict =
          crypto::verify_password(credential.stored, request.password, impl.options.password_cost);
      if (verdict != crypto::PasswordVerdict::wrong)
        return {.right = &credential,
                .needs_rehash = verdict == crypto::PasswordVerdict::right_needs_rehash,
                .fresh = true};
      stretched = stretched || (credential.kind == StoredCredential::Kind::password &&
                                credential.stored.starts_with("{ARGON2ID}"));
    }
  }
  if (!stretched) crypto::verify_nobody(request.password, impl.options.password_cost);
  impl.throttle.failed(attempt, guess);
  return {};
}

// On a worker thread.  The password that was right, as it shall be stored from now on; nothing when
// that is as it is.  SASLprep refuses some passwords, which then have no SCRAM keys.
std::optional<Secret> renewed(const DirectoryOptions& options, const std::string& stored,
                              const std::string& password, bool rehash) {
  auto made = make_secret(password, options, rehash ? Hashing::all : Hashing::scram_only);
  if (!made) return std::nullopt;
  if (rehash) return *std::move(made);
  if (!made->scram) return std::nullopt;
  return Secret{stored, std::move(made->scram)};
}

}  // namespace

std::unexpected<Error> too_many_failures(const SignIn& request, std::chrono::seconds wait) {
  log_refusal(request, "throttled");
  return fail(Errc::over_limit,
              fmt::format("too many wrong passwords; try again in {} seconds", wait.count()));
}

void log_refusal(const SignIn& request, std::string_view reason) {
  log::info("directory.sign_in_refused",
            {{"login", request.login}, {"network", request.network}, {"reason", reason}});
}

Throttle::Attempt Directory::Impl::attempt_of(const SignIn& request,
                                              const std::optional<Candidate>& candidate) const {
  using enum Throttle::Attempt::Who;
  if (candidate) return {account, std::to_string(candidate->principal.account_id), request.network};
  return {nobody, verified.digest({"login", fold_login(request.login)}), request.network};
}

Task<std::optional<Candidate>> Directory::Impl::candidate_of(const SignIn& request) {  // NOLINT
  if (request.login.size() > longest_login) co_return std::nullopt;
  const auto login = fold_login(request.login);
  const auto now = clock.now();
  auto query = [&](sql::Tx& tx) {
    return find_candidate(tx, login, request.listener, request.service, now);
  };
  // Before the database is asked: a change meanwhile makes the answer worthless.
  const auto moment = sign_outs.moment();
  auto candidate = co_await db.read(query);
  if (candidate) candidate->principal.signed_in_at = moment;
  co_return candidate;
}

Task<Result<Principal>> Directory::Impl::check_password(SignIn request) {
  if (request.password.empty() || request.password.size() > crypto::max_password ||
      request.login.size() > longest_login)
    co_return wrong();
  auto candidate = co_await candidate_of(request);
  const auto attempt = attempt_of(request, candidate);
  if (const auto wait = throttle.wait(attempt); wait > 0s)
    co_return too_many_failures(request, wait);

  Verdict verdict;
  if (candidate) verdict.right = recently_right(*this, *candidate, request);
  if (verdict.right == nullptr) {
    const auto guess = guess_digest(*this, attempt, candidate, request);
    if (throttle.failed_before(attempt, guess)) co_return wrong();
    if (pool.waiting() >= max_waiting)
      co_return fail(Errc::unavailable, "too many sign-ins are under way; try again in a minute");
    auto work = [&] { return verify(*this, attempt, candidate, request, guess); };
    verdict = co_await pool.run(work);
    if (verdict.wait > 0s) co_return too_many_failures(request, verdict.wait);
    if (verdict.right == nullptr) {
      log_refusal(request, "wrong");
      co_return wrong();
    }
    verified.remember(
        candidate->principal.account_id,
        right_digest(*this, candidate->principal.account_id, *verdict.right, request));
  }

  // Whoever knows the password may know why it does not help.
  if (candidate->state != State::active) co_return fail(Errc::denied, "the account is suspended");
  if (!contains(candidate->principal.scope, request.service))
    co_return fail(Errc::denied, "the account may not be used for this service");
  throttle.succeeded(attempt);
  co_await settle(*candidate, *verdict.right, request, verdict);
  candidate->principal.scope &= verdict.right->scope;
  co_return std::move(candidate->principal);
}

Task<> Directory::Impl::settle(const Candidate& candidate, StoredCredential& credential,  // NOLINT
                               const SignIn& request, const Verdict& verdict) {
  try {
    if (credential.kind == StoredCredential::Kind::app_password)
      co_await note_use(candidate, credential);
    else if (verdict.fresh && (verdict.needs_rehash || !credential.scram))
      co_await renew(candidate, credential, request, verdict.needs_rehash);
  } catch (const sql::Unavailable& e) {
    // A database that cannot be written to now keeps nobody from reading; the next sign-in tries
    // again.
    log::warn("directory.sign_in_not_noted",
              {{"account", candidate.principal.account_id}, {"error", e.what()}});
  }
}

Task<> Directory::Impl::note_use(const Candidate& candidate,            // NOLINT: see settle
                                 const StoredCredential& credential) {  // NOLINT
  const auto now = clock.now();
  if (credential.last_used_at && now - *credential.last_used_at < last_used_every) co_return;
  auto work = [&](sql::Tx& tx) {
    tx.run("update credential set last_used_at = $1 where account_id = $2 and id = $3", now,
           candidate.principal.account_id, credential.id);
  };
  co_await db.write(work);
}

Task<> Directory::Impl::renew(const Candidate& candidate, StoredCredential& credential,  // NOLINT
                              const SignIn& request, bool rehash) {
  auto hash = [&] { return renewed(options, credential.stored, request.password, rehash); };
  const auto secret = co_await pool.run(hash);
  if (!secret) co_return;
  const Actor by{candidate.principal.address, request.source};
  const auto account = candidate.principal.account_id;
  auto work = [&](sql::Tx& tx) {
    Effects none;
    Change change(tx, by, clock.now(), ids, none);
    // Not over a password that was set meanwhile.
    const auto count = tx.run(
        "update credential set stored = $1, scram = $2 "
        "where account_id = $3 and id = $4 and stored = $5",
        secret->stored, secret->scram, account, credential.id, credential.stored);
    if (count == 1) change.audit(candidate.principal.organisation_id, "password.rehash", by.name);
    return count == 1;
  };
  if (!co_await db.write(work)) co_return;
  credential.stored = secret->stored;
  verified.remember(account, right_digest(*this, account, credential, request));
}

Task<Result<Principal>> Directory::sign_in(SignIn request) {
  try {
    co_return co_await impl_->check_password(std::move(request));
  } catch (const sql::Unavailable& e) {
    log::warn("directory.sign_in_unavailable", {{"error", e.what()}});
  }
  co_return fail(Errc::unavailable, "the database cannot be asked now");
}

}  // namespace todoke::directory
