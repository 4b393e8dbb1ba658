#include "directory/impl.h"
#include "directory/lookup.h"
#include "directory/names.h"

#include <fmt/format.h>

namespace todoke::directory {
namespace {

constexpr int purged_at_once = 100;
constexpr int max_send_limit = 1'000'000;

// Whether a new account may have the address as its primary one and as its login.
Result<> check_free(sql::Tx& tx, const AddressParts& address) {
  const auto text = to_text(address);
  auto holder = tx.first<std::int64_t>(
      "select account_id from address where domain = $1 and local = $2 order by kind limit 1",
      address.domain, address.local);
  // Addresses of a domain belong to accounts of one organisation, so the holder may be named.
  if (holder) {
    TRY(auto account, find_account(tx, *holder));
    return fail(Errc::conflict,
                fmt::format("{} belongs to {}{}", text, account.address,
                            account.state == State::deleted ? ", which is deleted and kept" : ""));
  }
  if (tx.first<int>("select 1 from login where name = $1 and listener = ''", text))
    return fail(Errc::conflict, fmt::format("{} is somebody's login name", text));
  return {};
}

void insert_account(Change& change, const Account& made, const AddressParts& address) {
  change.tx.run(
      "insert into account (id, organisation_id, display_name, locale, role, state, quota_bytes, "
      "services, pop3_read_only, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      made.id, made.organisation_id, made.display_name, made.locale, made.role, made.state,
      made.quota_bytes, made.services, made.pop3_read_only, made.created_at);
  change.tx.run(
      "insert into address (domain, local, account_id, kind, created_at) "
      "values ($1, $2, $3, 0, $4)",
      address.domain, address.local, made.id, made.created_at);
  change.tx.run("insert into login (name, listener, account_id) values ($1, '', $2)", made.address,
                made.id);
}

Result<> check(AccountChange& change) {
  if (change.display_name) {
    TRY(change.display_name, one_line(*change.display_name, "the display name"));
  }
  if (change.locale) {
    TRY_OK(locale_name(*change.locale));
  }
  if (change.state == State::deleted)
    return fail(Errc::invalid, "an account is deleted by its own command");
  if (change.quota_bytes) {
    TRY_OK(check_quota(*change.quota_bytes));
  }
  if (change.services && (*change.services & ~all_services) != 0)
    return fail(Errc::invalid, "there is no such service");
  if (change.send_limit_per_hour && *change.send_limit_per_hour &&
      (**change.send_limit_per_hour < 0 || **change.send_limit_per_hour > max_send_limit))
    return fail(Errc::invalid, "a send limit is between 0 and 1,000,000 recipients per hour");
  return {};
}

void apply(sql::Tx& tx, std::int64_t id, const AccountChange& wanted) {
  if (wanted.display_name)
    tx.run("update account set display_name = $1 where id = $2", *wanted.display_name, id);
  if (wanted.locale) tx.run("update account set locale = $1 where id = $2", *wanted.locale, id);
  if (wanted.role) tx.run("update account set role = $1 where id = $2", *wanted.role, id);
  if (wanted.state) tx.run("update account set state = $1 where id = $2", *wanted.state, id);
  if (wanted.quota_bytes)
    tx.run("update account set quota_bytes = $1 where id = $2", *wanted.quota_bytes, id);
  if (wanted.services)
    tx.run("update account set services = $1 where id = $2", *wanted.services, id);
  if (wanted.pop3_mailbox_id)
    tx.run("update account set pop3_mailbox_id = $1 where id = $2", *wanted.pop3_mailbox_id, id);
  if (wanted.pop3_read_only)
    tx.run("update account set pop3_read_only = $1 where id = $2", *wanted.pop3_read_only, id);
  if (wanted.send_limit_per_hour)
    tx.run("update account set send_limit_per_hour = $1 where id = $2", *wanted.send_limit_per_hour,
           id);
}

Details describe(const AccountChange& wanted) {
  Details details;
  if (wanted.display_name) details.add("display_name", *wanted.display_name);
  if (wanted.locale) details.add("locale", *wanted.locale);
  if (wanted.role) details.add("role", static_cast<int>(*wanted.role));
  if (wanted.state) details.add("state", static_cast<int>(*wanted.state));
  if (wanted.quota_bytes) details.add("quota_bytes", *wanted.quota_bytes);
  if (wanted.services) details.add("services", *wanted.services);
  if (wanted.pop3_mailbox_id) details.add("pop3_mailbox_id", *wanted.pop3_mailbox_id);
  if (wanted.pop3_read_only) details.add("pop3_read_only", *wanted.pop3_read_only);
  if (wanted.send_limit_per_hour) details.add("send_limit_per_hour", *wanted.send_limit_per_hour);
  return details;
}

void purge(Change& change, const AccountRef& account,
           const std::function<void(sql::Tx&, std::int64_t)>& hook) {
  if (hook) hook(change.tx, account.id);
  change.tx.run("update domain set catch_all_account_id = null where catch_all_account_id = $1",
                account.id);
  change.tx.run("delete from credential where account_id = $1", account.id);
  change.tx.run("delete from login where account_id = $1", account.id);
  change.tx.run("delete from address where account_id = $1", account.id);
  change.tx.run("delete from account where id = $1", account.id);
  change.touches(account.id);
  change.signs_out(account.id);
  change.audit(account.organisation, "account.purge", account.address,
               Details().add("account", account.id));
}

}  // namespace

void Directory::on_create(std::function<void(sql::Tx&, const Account&)> hook) {
  impl_->on_create = std::move(hook);
}

void Directory::on_purge(std::function<void(sql::Tx&, std::int64_t)> hook) {
  impl_->on_purge = std::move(hook);
}

Task<Result<Account>> Directory::create_account(Actor by, NewAccount wanted) {
  CO_TRY(const auto address, mail_address(wanted.address));
  CO_TRY(const auto display_name, one_line(wanted.display_name, "the display name"));
  CO_TRY_OK(check_quota(wanted.quota_bytes));
  if (!wanted.locale.empty()) {
    CO_TRY_OK(locale_name(wanted.locale));
  }
  if (!wanted.password.empty() && !wanted.stored_password.empty())
    co_return fail(Errc::invalid, "give a password or a stored form of one, not both");
  std::optional<Secret> secret;
  if (!wanted.password.empty()) {
    auto made = co_await impl_->secret_of(wanted.password);
    if (!made) co_return std::unexpected(made.error());
    secret = *std::move(made);
  } else if (!wanted.stored_password.empty()) {
    CO_TRY_OK(crypto::check_stored_form(wanted.stored_password));
    secret = Secret{wanted.stored_password, std::nullopt};
  }

  auto work = [&](Change& change) -> Result<Account> {
    TRY(auto domain, find_domain(change.tx, address.domain));
    auto locale = change.tx.first<std::string>(
        "select locale from organisation where id = $1 and state <> $2", domain.organisation,
        State::deleted);
    if (!locale) return fail(Errc::conflict, "the organisation is deleted");
    TRY_OK(check_free(change.tx, address));
    const Account made{.id = change.new_id(),
                       .organisation_id = domain.organisation,
                       .address = to_text(address),
                       .logins = {to_text(address)},
                       .display_name = display_name,
                       .locale = wanted.locale.empty() ? *locale : wanted.locale,
                       .role = wanted.role,
                       .quota_bytes = wanted.quota_bytes,
                       .created_at = change.now};
    insert_account(change, made, address);
    if (secret)
      change.tx.run(
          "insert into credential (account_id, id, kind, stored, scram, label, scope, created_at) "
          "values ($1, $2, 0, $3, $4, '', $5, $6)",
          made.id, change.new_id(), secret->stored, secret->scram, all_services, change.now);
    change.audit(made.organisation_id, "account.create", made.address,
                 Details()
                     .add("account", made.id)
                     .add("display_name", made.display_name)
                     .add("role", static_cast<int>(made.role))
                     .add("quota_bytes", made.quota_bytes)
                     .add("password", secret.has_value()));
    if (impl_->on_create) impl_->on_create(change.tx, made);
    return made;
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<Account>> Directory::find_account(std::string address_or_login) {
  auto query = [&](sql::Tx& tx) -> Result<Account> {
    auto by_address = directory::find_account(tx, address_or_login);
    if (by_address) return read_account(tx, by_address->id);
    if (by_address.error().code == Errc::conflict) return std::unexpected(by_address.error());
    std::optional<std::int64_t> id;
    bool several = false;
    auto take = [&](const sql::Row& row) {
      several = several || id;
      id = row.get<std::int64_t>(0);
    };
    tx.each("select distinct account_id from login where name = $1 limit 2", take,
            fold_login(address_or_login));
    if (several)
      return fail(Errc::conflict,
                  fmt::format("\"{}\" leads to different accounts on different listeners",
                              address_or_login));
    if (!id) return std::unexpected(by_address.error());
    return read_account(tx, *id);
  };
  co_return co_await impl_->db.read(query);
}

Task<std::vector<Account>> Directory::accounts(std::optional<std::string> domain) {
  const auto folded = fold_domain(domain.value_or(""));
  auto query = [&](sql::Tx& tx) {
    std::vector<std::int64_t> found;
    auto take = [&](const sql::Row& row) { found.push_back(row.get<std::int64_t>(0)); };
    if (domain)
      tx.each("select account_id from address where domain = $1 and kind = 0 order by local", take,
              folded);
    else
      tx.each("select account_id from address where kind = 0 order by domain, local", take);
    std::vector<Account> all;
    for (auto id : found) all.push_back(read_account(tx, id));
    return all;
  };
  co_return co_await impl_->db.read(query);
}

Task<Result<>> Directory::update_account(Actor by, std::string address, AccountChange change) {
  CO_TRY_OK(check(change));
  auto work = [&](Change& to) -> Result<> {
    TRY(auto account, find_live_account(to.tx, address));
    apply(to.tx, account.id, change);
    to.touches(account.id);
    if (change.services || change.state.value_or(State::active) != State::active)
      to.signs_out(account.id);
    to.audit(account.organisation, "account.update", account.address, describe(change));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<>> Directory::delete_account(Actor by, std::string address) {
  auto work = [&](Change& change) -> Result<> {
    TRY(auto account, find_live_account(change.tx, address));
    change.tx.run("update account set state = $1, deleted_at = $2 where id = $3", State::deleted,
                  change.now, account.id);
    change.touches(account.id);
    change.signs_out(account.id);
    change.audit(account.organisation, "account.delete", account.address,
                 Details().add("was_suspended", account.state == State::suspended));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<>> Directory::restore_account(Actor by, std::string address) {
  auto work = [&](Change& change) -> Result<> {
    TRY(auto account, directory::find_account(change.tx, address));
    if (account.state != State::deleted)
      return fail(Errc::conflict, fmt::format("{} is not deleted", account.address));
    change.tx.run("update account set state = $1, deleted_at = null where id = $2", State::active,
                  account.id);
    change.touches(account.id);
    change.audit(account.organisation, "account.restore", account.address);
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<int> Directory::purge_deleted(Actor by) {
  const Time before = impl_->clock.now() - kept_for;
  auto work = [&](Change& change) -> Result<int> {
    std::vector<std::int64_t> found;
    auto take = [&](const sql::Row& row) { found.push_back(row.get<std::int64_t>(0)); };
    change.tx.each(
        "select id from account where state = $1 and deleted_at <= $2 order by id limit $3", take,
        State::deleted, before, purged_at_once);
    for (auto id : found) {
      TRY(auto account, directory::find_account(change.tx, id));
      purge(change, account, impl_->on_purge);
    }
    return static_cast<int>(found.size());
  };
  const auto count = co_await impl_->change(by, work);
  co_return count.value_or(0);
}

}  // namespace todoke::directory
