#include "directory/lookup.h"

#include "base/assert.h"

#include <fmt/format.h>

namespace todoke::directory {

Result<OrganisationRef> find_organisation(sql::Tx& tx, std::string_view name) {
  auto row = tx.first<std::int64_t, State, std::string>(
      "select id, state, locale from organisation where name = $1", name);
  if (!row) return fail(Errc::not_found, fmt::format("there is no organisation \"{}\"", name));
  const auto& [id, state, locale] = *row;
  return OrganisationRef{id, state, locale};
}

Result<DomainRef> find_domain(sql::Tx& tx, std::string_view name) {
  TRY(auto folded, domain_name(name));
  auto organisation =
      tx.first<std::int64_t>("select organisation_id from domain where name = $1", folded);
  if (!organisation)
    return fail(Errc::not_found, fmt::format("{} is not a domain of this server", folded));
  return DomainRef{folded, *organisation};
}

Result<AccountRef> find_account(sql::Tx& tx, std::int64_t id) {
  auto row = tx.first<std::int64_t, State, std::string, std::string>(
      "select a.organisation_id, a.state, x.local, x.domain from account a "
      "join address x on x.account_id = a.id where a.id = $1 and x.kind = 0",
      id);
  if (!row) return fail(Errc::not_found, "there is no such account");
  const auto& [organisation, state, local, domain] = *row;
  return AccountRef{id, organisation, state, to_text({local, domain})};
}

Result<std::int64_t> find_holder(sql::Tx& tx, const AddressParts& address) {
  std::optional<std::int64_t> first;
  bool primary = false;
  bool several = false;
  auto take = [&](const sql::Row& row) {
    if (first) {
      several = true;
      return;
    }
    first = row.get<std::int64_t>(0);
    primary = row.integer(1) == 0;
  };
  tx.each(
      "select account_id, kind from address where domain = $1 and local = $2 "
      "order by kind, account_id limit 2",
      take, address.domain, address.local);
  const auto text = to_text(address);
  if (!first) return fail(Errc::not_found, fmt::format("there is no account \"{}\"", text));
  if (several && !primary)
    return fail(Errc::conflict,
                fmt::format("\"{}\" leads to several accounts; name the primary address", text));
  return *first;
}

Result<AccountRef> find_account(sql::Tx& tx, std::string_view address) {
  const auto at = address.rfind('@');
  if (at == address.npos)
    return fail(Errc::not_found, fmt::format("there is no account \"{}\"", address));
  const AddressParts parts{fold_local(address.substr(0, at)), fold_domain(address.substr(at + 1))};
  TRY(auto id, find_holder(tx, parts));
  return find_account(tx, id);
}

Result<AccountRef> find_live_account(sql::Tx& tx, std::string_view address) {
  TRY(auto account, find_account(tx, address));
  if (account.state == State::deleted)
    return fail(Errc::conflict,
                fmt::format("the account {} is deleted; restore it first", account.address));
  return account;
}

Account read_account(sql::Tx& tx, std::int64_t id) {
  Account out{.id = id};
  bool found = false;
  auto take_account = [&](const sql::Row& row) {
    found = true;
    out.organisation_id = row.get<std::int64_t>(0);
    out.display_name = row.get<std::string>(1);
    out.locale = row.get<std::string>(2);
    out.role = row.get<Role>(3);
    out.state = row.get<State>(4);
    out.quota_bytes = row.get<std::optional<std::int64_t>>(5);
    out.services = row.get<ServiceSet>(6);
    out.pop3_mailbox_id = row.get<std::optional<std::int64_t>>(7);
    out.pop3_read_only = row.get<bool>(8);
    out.send_limit_per_hour = row.get<std::optional<int>>(9);
    out.created_at = row.get<Time>(10);
    out.deleted_at = row.get<std::optional<Time>>(11);
  };
  tx.each(
      "select organisation_id, display_name, locale, role, state, quota_bytes, services, "
      "pop3_mailbox_id, pop3_read_only, send_limit_per_hour, created_at, deleted_at "
      "from account where id = $1",
      take_account, id);
  TODOKE_ASSERT(found);
  auto take_address = [&](const sql::Row& row) {
    auto address = to_text({row.get<std::string>(0), row.get<std::string>(1)});
    if (row.integer(2) == 0)
      out.address = std::move(address);
    else
      out.aliases.push_back(std::move(address));
  };
  tx.each("select local, domain, kind from address where account_id = $1 order by domain, local",
          take_address, id);
  auto take_login = [&](const sql::Row& row) {
    auto name = row.get<std::string>(0);
    if (auto listener = row.text(1); !listener.empty()) name += fmt::format(" ({})", listener);
    out.logins.push_back(std::move(name));
  };
  tx.each("select name, listener from login where account_id = $1 order by name, listener",
          take_login, id);
  return out;
}

}  // namespace todoke::directory
