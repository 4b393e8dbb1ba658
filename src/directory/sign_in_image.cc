#include "crypto/scram.h"
#include "directory/impl.h"
#include "directory/lookup.h"

namespace todoke::directory {
namespace {

using Credential = SignInImage::Credential;

constexpr std::size_t max_credentials = 21;  // the password and 20 app passwords

Result<> check(const SignInImage& image) {
  if (image.credentials.size() > max_credentials)
    return fail(Errc::over_limit, "these are more passwords than an account can have");
  int passwords = 0;
  for (const auto& one : image.credentials) {
    TRY_OK(crypto::check_stored_form(one.stored));
    if (one.scram) {
      TRY_OK(crypto::decode_scram(*one.scram));
    }
    if ((one.scope & ~all_services) != 0) return fail(Errc::invalid, "there is no such service");
    passwords += one.kind == Credential::Kind::password ? 1 : 0;
  }
  if (passwords > 1) return fail(Errc::invalid, "an account has one password");
  return {};
}

void replace_credentials(Change& change, const AccountRef& account, const SignInImage& image) {
  change.tx.run("delete from credential where account_id = $1", account.id);
  for (const auto& one : image.credentials)
    change.tx.run(
        "insert into credential (account_id, id, kind, stored, scram, label, scope, created_at, "
        "expires_at, last_used_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        account.id, change.new_id(), one.kind, one.stored, one.scram, one.label, one.scope,
        one.created_at, one.expires_at, one.last_used_at);
  change.touches(account.id);
  change.signs_out(account.id);
  change.audit(account.organisation, "sign_in.restore", account.address,
               Details().add("credentials", static_cast<std::int64_t>(image.credentials.size())));
}

}  // namespace

SignInImage read_sign_in(sql::Tx& tx, std::int64_t account) {
  SignInImage image;
  auto login = [&](const sql::Row& row) {
    image.logins.push_back({row.get<std::string>(0), row.get<std::string>(1)});
  };
  tx.each("select name, listener from login where account_id = $1 order by name, listener", login,
          account);
  auto credential = [&](const sql::Row& row) {
    image.credentials.push_back({.kind = row.get<Credential::Kind>(0),
                                 .stored = row.get<std::string>(1),
                                 .scram = row.get<std::optional<std::string>>(2),
                                 .label = row.get<std::string>(3),
                                 .scope = row.get<ServiceSet>(4),
                                 .created_at = row.get<Time>(5),
                                 .expires_at = row.get<std::optional<Time>>(6),
                                 .last_used_at = row.get<std::optional<Time>>(7)});
  };
  tx.each(
      "select kind, stored, scram, label, scope, created_at, expires_at, last_used_at "
      "from credential where account_id = $1 order by id",
      credential, account);
  return image;
}

Task<Result<std::vector<std::string>>> Directory::restore_sign_in(Actor by, std::string address,
                                                                  SignInImage image) {
  CO_TRY_OK(check(image));
  std::vector<SignInImage::Login> missing;
  auto work = [&](Change& change) -> Result<> {
    TRY(auto account, find_live_account(change.tx, address));
    replace_credentials(change, account, image);
    missing.clear();
    for (const auto& login : image.logins) {
      auto holder = change.tx.first<std::int64_t>(
          "select account_id from login where name = $1 and listener = $2", login.name,
          login.listener);
      if (holder != account.id) missing.push_back(login);
    }
    return {};
  };
  CO_TRY_OK(co_await impl_->change(by, work));
  std::vector<std::string> refused;
  for (const auto& login : missing) {
    auto added = co_await add_login(by, address, login.name, login.listener);
    if (!added) refused.push_back("login " + login.name + ": " + added.error().text);
  }
  co_return refused;
}

}  // namespace todoke::directory
