#include "directory/impl.h"
#include "directory/lookup.h"
#include "directory/names.h"

#include <fmt/format.h>

namespace todoke::directory {
namespace {

constexpr std::int64_t max_accounts_per_address = 100;
constexpr std::int64_t max_addresses_per_account = 1000;
constexpr std::int64_t max_logins_per_account = 100;

Result<> check_limits(sql::Tx& tx, const AddressParts& address, const AccountRef& account) {
  const auto holders =
      tx.first<std::int64_t>("select count(*) from address where domain = $1 and local = $2",
                             address.domain, address.local);
  if (*holders >= max_accounts_per_address)
    return fail(Errc::over_limit, fmt::format("{} leads to {} accounts already; use a mailing list",
                                              to_text(address), *holders));
  const auto held =
      tx.first<std::int64_t>("select count(*) from address where account_id = $1", account.id);
  if (*held >= max_addresses_per_account)
    return fail(Errc::over_limit,
                fmt::format("{} has {} addresses already", account.address, *held));
  return {};
}

// An address that only deleted accounts have is kept for them.
Result<> check_not_kept(sql::Tx& tx, const AddressParts& address) {
  auto best = tx.first<State, std::int64_t>(
      "select a.state, a.id from address x join account a on a.id = x.account_id "
      "where x.domain = $1 and x.local = $2 order by a.state limit 1",
      address.domain, address.local);
  if (!best || std::get<0>(*best) != State::deleted) return {};
  TRY(auto holder, find_account(tx, std::get<1>(*best)));
  return fail(Errc::conflict, fmt::format("{} belongs to {}, which is deleted and kept",
                                          to_text(address), holder.address));
}

// Nobody may sign in with a name that is, or may become, somebody else's address.
Result<> check_login_is_not_anothers(sql::Tx& tx, const std::string& name,
                                     const AccountRef& account) {
  const auto at = name.rfind('@');
  if (at == name.npos) return {};
  const auto domain = name.substr(at + 1);
  auto organisation =
      tx.first<std::int64_t>("select organisation_id from domain where name = $1", domain);
  if (!organisation) return {};
  if (*organisation != account.organisation)
    return fail(Errc::conflict, fmt::format("{} is a domain of another organisation", domain));
  bool own = false;
  std::optional<std::int64_t> holder;
  auto take = [&](const sql::Row& row) {
    holder = row.get<std::int64_t>(0);
    own = own || *holder == account.id;
  };
  tx.each("select account_id from address where domain = $1 and local = $2", take, domain,
          name.substr(0, at));
  if (!holder || own) return {};
  TRY(auto other, find_account(tx, *holder));
  return fail(Errc::conflict, fmt::format("{} is an address of {}", name, other.address));
}

Result<> check_login_is_free(sql::Tx& tx, const std::string& name, const std::string& listener,
                             const AccountRef& account) {
  auto holder = tx.first<std::int64_t, std::int64_t>(
      "select a.id, a.organisation_id from login l join account a on a.id = l.account_id "
      "where l.name = $1 and l.listener = $2",
      name, listener);
  if (!holder) return {};
  const auto [id, organisation] = *holder;
  if (organisation != account.organisation)
    return fail(Errc::conflict, fmt::format("the login name \"{}\" is taken", name));
  TRY(auto other, find_account(tx, id));
  return fail(Errc::conflict,
              fmt::format("the login name \"{}\" belongs to {}", name, other.address));
}

}  // namespace

Task<Result<>> Directory::add_address(Actor by, std::string address, std::string account_address) {
  CO_TRY(const auto parts, mail_address(address));
  auto work = [&](Change& change) -> Result<> {
    auto& tx = change.tx;
    TRY(auto account, find_live_account(tx, account_address));
    auto domain = find_domain(tx, parts.domain);
    if (!domain || domain->organisation != account.organisation)
      return fail(Errc::not_found, fmt::format("{} is not a domain of the organisation of {}",
                                               parts.domain, account.address));
    if (tx.first<int>("select 1 from address where domain = $1 and local = $2 and account_id = $3",
                      parts.domain, parts.local, account.id))
      return fail(Errc::conflict,
                  fmt::format("{} has {} already", account.address, to_text(parts)));
    TRY_OK(check_not_kept(tx, parts));
    TRY_OK(check_limits(tx, parts, account));
    tx.run(
        "insert into address (domain, local, account_id, kind, created_at) "
        "values ($1, $2, $3, 1, $4)",
        parts.domain, parts.local, account.id, change.now);
    change.touches(account.id);
    change.audit(account.organisation, "address.add", to_text(parts),
                 Details().add("account", account.address));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<>> Directory::remove_address(Actor by, std::string address,
                                         std::string account_address) {
  CO_TRY(const auto parts, mail_address(address));
  auto work = [&](Change& change) -> Result<> {
    auto& tx = change.tx;
    TRY(auto account, find_live_account(tx, account_address));
    auto kind = tx.first<int>(
        "select kind from address where domain = $1 and local = $2 and account_id = $3",
        parts.domain, parts.local, account.id);
    if (!kind)
      return fail(Errc::not_found,
                  fmt::format("{} has no address {}", account.address, to_text(parts)));
    if (*kind == 0)
      return fail(Errc::conflict, fmt::format("{} is the primary address", to_text(parts)));
    tx.run("delete from address where domain = $1 and local = $2 and account_id = $3", parts.domain,
           parts.local, account.id);
    change.touches(account.id);
    change.audit(account.organisation, "address.remove", to_text(parts),
                 Details().add("account", account.address));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<>> Directory::add_login(Actor by, std::string account_address, std::string name,
                                    std::string listener) {
  CO_TRY(const auto login, login_name(name));
  CO_TRY(const auto at, listener_address(listener));
  auto work = [&](Change& change) -> Result<> {
    auto& tx = change.tx;
    TRY(auto account, find_live_account(tx, account_address));
    TRY_OK(check_login_is_free(tx, login, at, account));
    TRY_OK(check_login_is_not_anothers(tx, login, account));
    const auto held =
        tx.first<std::int64_t>("select count(*) from login where account_id = $1", account.id);
    if (*held >= max_logins_per_account)
      return fail(Errc::over_limit,
                  fmt::format("{} has {} login names already", account.address, *held));
    tx.run("insert into login (name, listener, account_id) values ($1, $2, $3)", login, at,
           account.id);
    change.touches(account.id);
    change.audit(account.organisation, "login.add", login,
                 Details().add("account", account.address).add("listener", at));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<>> Directory::remove_login(Actor by, std::string name, std::string listener) {
  CO_TRY(const auto login, login_name(name));
  CO_TRY(const auto at, listener_address(listener));
  auto work = [&](Change& change) -> Result<> {
    auto holder = change.tx.first<std::int64_t>(
        "select account_id from login where name = $1 and listener = $2", login, at);
    if (!holder) return fail(Errc::not_found, fmt::format("there is no login name \"{}\"", login));
    TRY(auto account, directory::find_account(change.tx, *holder));
    if (at.empty() && login == account.address)
      return fail(Errc::conflict, fmt::format("{} is the primary address", login));
    change.tx.run("delete from login where name = $1 and listener = $2", login, at);
    change.touches(account.id);
    change.audit(account.organisation, "login.remove", login,
                 Details().add("account", account.address).add("listener", at));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

}  // namespace todoke::directory
