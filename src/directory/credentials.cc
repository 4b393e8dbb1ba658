#include "crypto/random.h"
#include "directory/impl.h"
#include "directory/lookup.h"
#include "directory/names.h"

#include <fmt/format.h>

namespace todoke::directory {
namespace {

constexpr std::int64_t max_app_passwords = 20;
constexpr std::size_t scram_salt = 16;

// App passwords are 82 random bits, which nobody finds by trying, however cheap one try is.  So
// they need no stretching, and an account with twenty of them costs an attempt no more than others.
constexpr crypto::PasswordCost app_password_cost{8, 1};

void store_password(Change& change, const AccountRef& account, const Secret& secret) {
  change.tx.run("delete from credential where account_id = $1 and kind = 0", account.id);
  change.tx.run(
      "insert into credential (account_id, id, kind, stored, scram, label, scope, created_at) "
      "values ($1, $2, 0, $3, $4, '', $5, $6)",
      account.id, change.new_id(), secret.stored, secret.scram, all_services, change.now);
  change.touches(account.id);
  change.signs_out(account.id);
}

Result<std::int64_t> insert_app_password(Change& change, const AccountRef& account,
                                         const AppPassword& wanted, const std::string& stored) {
  const auto held = change.tx.first<std::int64_t>(
      "select count(*) from credential where account_id = $1 and kind = 1", account.id);
  if (*held >= max_app_passwords)
    return fail(Errc::over_limit,
                fmt::format("{} has {} app passwords already", account.address, *held));
  const auto id = change.new_id();
  change.tx.run(
      "insert into credential (account_id, id, kind, stored, label, scope, created_at, expires_at) "
      "values ($1, $2, 1, $3, $4, $5, $6, $7)",
      account.id, id, stored, wanted.label, wanted.scope, change.now, wanted.expires_at);
  change.touches(account.id);
  std::optional<std::string> expires;
  if (wanted.expires_at) expires = to_rfc3339(*wanted.expires_at);
  change.audit(account.organisation, "app_password.create", account.address,
               Details()
                   .add("id", id)
                   .add("label", wanted.label)
                   .add("scope", wanted.scope)
                   .add("expires_at", expires));
  return id;
}

}  // namespace

Result<Secret> make_secret(const std::string& password, const DirectoryOptions& options,
                           Hashing hashing) {
  Secret secret;
  if (hashing == Hashing::all) {
    TRY(secret.stored, crypto::hash_password(password, options.password_cost));
  }
  // SASLprep refuses some passwords; they work everywhere but with SCRAM.
  auto keys =
      crypto::derive_scram(password, crypto::random_bytes(scram_salt), options.scram_iterations);
  if (keys) secret.scram = crypto::encode_scram(*keys);
  return secret;
}

Task<Result<Secret>> Directory::Impl::secret_of(std::string password) {
  auto work = [&] { return make_secret(password, options); };
  co_return co_await pool.run(work);
}

Task<Result<>> Directory::set_password(Actor by, std::string address, std::string password) {
  CO_TRY(const auto secret, co_await impl_->secret_of(std::move(password)));
  auto work = [&](Change& change) -> Result<> {
    TRY(auto account, find_live_account(change.tx, address));
    store_password(change, account, secret);
    change.audit(account.organisation, "password.set", account.address);
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<>> Directory::set_password_hash(Actor by, std::string address, std::string stored) {
  CO_TRY_OK(crypto::check_stored_form(stored));
  const Secret secret{std::move(stored), std::nullopt};
  auto work = [&](Change& change) -> Result<> {
    TRY(auto account, find_live_account(change.tx, address));
    store_password(change, account, secret);
    change.audit(account.organisation, "password.import", account.address);
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<std::string>> Directory::create_app_password(Actor by, std::string address,
                                                         std::string label, ServiceSet scope,
                                                         std::optional<Time> expires) {
  AppPassword wanted{.scope = scope, .expires_at = expires};
  CO_TRY(wanted.label, required_line(label, "the label"));
  CO_TRY_OK(check_services(scope));
  if (expires && *expires <= impl_->clock.now())
    co_return fail(Errc::invalid, "the app password would have expired already");
  const auto password = crypto::random_password();
  CO_TRY(const auto stored, crypto::hash_password(password, app_password_cost));
  auto work = [&](Change& change) -> Result<std::int64_t> {
    TRY(auto account, find_live_account(change.tx, address));
    return insert_app_password(change, account, wanted, stored);
  };
  CO_TRY_OK(co_await impl_->change(by, work));
  co_return password;
}

Task<Result<>> Directory::delete_app_password(Actor by, std::string address, std::int64_t id) {
  auto work = [&](Change& change) -> Result<> {
    TRY(auto account, find_live_account(change.tx, address));
    const auto count = change.tx.run(
        "delete from credential where account_id = $1 and id = $2 and kind = 1", account.id, id);
    if (count == 0)
      return fail(Errc::not_found, fmt::format("{} has no such app password", account.address));
    change.touches(account.id);
    change.signs_out(account.id);
    change.audit(account.organisation, "app_password.delete", account.address,
                 Details().add("id", id));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<std::vector<AppPassword>>> Directory::app_passwords(std::string address) {
  auto query = [&](sql::Tx& tx) -> Result<std::vector<AppPassword>> {
    TRY(auto account, directory::find_account(tx, address));
    std::vector<AppPassword> all;
    auto take = [&](const sql::Row& row) {
      all.push_back({.id = row.get<std::int64_t>(0),
                     .label = row.get<std::string>(1),
                     .scope = row.get<ServiceSet>(2),
                     .created_at = row.get<Time>(3),
                     .expires_at = row.get<std::optional<Time>>(4),
                     .last_used_at = row.get<std::optional<Time>>(5)});
    };
    tx.each(
        "select id, label, scope, created_at, expires_at, last_used_at from credential "
        "where account_id = $1 and kind = 1 order by id",
        take, account.id);
    return all;
  };
  co_return co_await impl_->db.read(query);
}

}  // namespace todoke::directory
