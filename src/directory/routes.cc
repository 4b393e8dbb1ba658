#include "directory/routes.h"

#include "directory/impl.h"
#include "directory/names.h"

namespace todoke::directory {
namespace {

constexpr std::size_t max_key = 512;  // longer addresses are nobody's and not remembered

struct OwnDomain {
  std::string name;
  std::int64_t organisation = 0;
  std::optional<std::int64_t> catch_all;
  State state = State::active;  // the worse of the domain's and its organisation's
};

std::optional<OwnDomain> own_domain(sql::Tx& tx, const std::string& name) {
  auto row = tx.first<std::int64_t, std::optional<std::int64_t>, State, State>(
      "select d.organisation_id, d.catch_all_account_id, d.state, o.state from domain d "
      "join organisation o on o.id = d.organisation_id where d.name = $1",
      name);
  if (!row) return std::nullopt;
  const auto& [organisation, catch_all, state, organisation_state] = *row;
  return OwnDomain{name, organisation, catch_all, std::max(state, organisation_state)};
}

// Collects the accounts of an address or a catch-all.
struct Holders {
  Route route{.kind = Route::Kind::unknown};
  bool any = false;  // also when all are deleted: then nobody else gets their mail

  void add(std::int64_t account, State state) {
    any = true;
    if (state == State::deleted) return;
    route.accounts.push_back(account);
    if (state == State::active)
      route.kind = Route::Kind::local;
    else if (route.kind == Route::Kind::unknown)
      route.kind = Route::Kind::suspended;
  }
};

Holders holders_of(sql::Tx& tx, std::string_view local, const std::string& domain) {
  Holders holders;
  auto take = [&](const sql::Row& row) {
    holders.add(row.get<std::int64_t>(0), row.get<State>(1));
  };
  tx.each(
      "select a.id, a.state from address x join account a on a.id = x.account_id "
      "where x.domain = $1 and x.local = $2 order by a.id",
      take, domain, local);
  return holders;
}

Holders catch_all_of(sql::Tx& tx, const OwnDomain& domain) {
  Holders holders;
  if (!domain.catch_all) return holders;
  if (auto state = tx.first<State>("select state from account where id = $1", *domain.catch_all))
    holders.add(*domain.catch_all, *state);
  return holders;
}

// Who answers for the whole of an organisation, or of the installation (0).
std::optional<std::int64_t> oldest_responsible(sql::Tx& tx, std::int64_t organisation) {
  if (organisation != 0)
    return tx.first<std::int64_t>(
        "select id from account where organisation_id = $1 and state <> $2 order by state, "
        "case when role in ($3, $4) then 0 else 1 end, created_at, id limit 1",
        organisation, State::deleted, Role::administrator, Role::owner);
  return tx.first<std::int64_t>(
      "select id from account where state <> $1 order by state, case when role = $2 then 0 "
      "when role in ($3, $4) then 1 else 2 end, created_at, id limit 1",
      State::deleted, Role::operator_, Role::administrator, Role::owner);
}

Route local_route(std::int64_t account) {
  return {.kind = Route::Kind::local, .accounts = {account}};
}

// RFC 5321 §4.5.1.  Mail to the postmaster is taken even while all else is suspended: it is how
// others tell that something is wrong.
Route postmaster_route(sql::Tx& tx, const OwnDomain& domain, Route own) {
  if (own.kind == Route::Kind::local) return own;
  auto rest = catch_all_of(tx, domain).route;
  if (rest.kind == Route::Kind::local) return rest;
  if (auto account = oldest_responsible(tx, domain.organisation)) return local_route(*account);
  if (auto account = oldest_responsible(tx, 0)) return local_route(*account);
  return {.kind = Route::Kind::unknown};
}

// An address without its domain: only <postmaster> exists (RFC 5321 §4.1.1.3).
Route route_without_domain(sql::Tx& tx, const std::string& local) {
  if (local == "postmaster")
    if (auto account = oldest_responsible(tx, 0)) return local_route(*account);
  return {.kind = Route::Kind::unknown};
}

}  // namespace

std::string route_key(std::string_view local, std::string_view domain) {
  auto key = fold_local(local);
  key += '@';
  key += fold_domain(domain);
  return key;
}

Route find_route(sql::Tx& tx, const std::string& local, const std::string& domain) {
  if (domain.empty()) return route_without_domain(tx, local);
  auto own = own_domain(tx, domain);
  if (!own) return {.kind = Route::Kind::not_ours};

  auto holders = holders_of(tx, local, domain);
  std::string_view name = local;
  if (auto base = without_detail(local); base && !holders.any) {
    name = *base;
    holders = holders_of(tx, name, domain);
  }
  if (name == "postmaster") return postmaster_route(tx, *own, std::move(holders.route));

  if (own->state == State::deleted) return {.kind = Route::Kind::unknown};
  if (!holders.any) holders = catch_all_of(tx, *own);
  auto route = std::move(holders.route);
  if (own->state == State::suspended && route.kind == Route::Kind::local)
    route.kind = Route::Kind::suspended;
  if (route.kind != Route::Kind::local) route.accounts.clear();
  return route;
}

std::optional<Route> Directory::cached_route(std::string_view local,
                                             std::string_view domain) const {
  if (local.size() + domain.size() > max_key) return std::nullopt;
  return impl_->routes.find(std::string_view(route_key(local, domain)));
}

Task<Route> Directory::route(std::string local, std::string domain) {
  const auto read_in = impl_->generation.current();
  const auto folded_local = fold_local(local);
  const auto folded_domain = fold_domain(domain);
  auto query = [&](sql::Tx& tx) { return find_route(tx, folded_local, folded_domain); };
  auto found = co_await impl_->db.read(query);
  auto key = folded_local + "@" + folded_domain;
  if (key.size() <= max_key) impl_->routes.keep(std::move(key), found, read_in);
  co_return found;
}

std::optional<QuotaLimits> read_limits(sql::Tx& tx, std::int64_t account) {
  using Bytes = std::optional<std::int64_t>;
  auto row = tx.first<std::int64_t, Bytes, Bytes>(
      "select a.organisation_id, a.quota_bytes, o.quota_bytes from account a "
      "join organisation o on o.id = a.organisation_id where a.id = $1",
      account);
  if (!row) return std::nullopt;
  const auto& [organisation, own, shared] = *row;
  return QuotaLimits{organisation, own, shared};
}

std::optional<QuotaLimits> Directory::cached_limits(std::int64_t account) const {
  return impl_->limits.find(account);
}

Task<Result<QuotaLimits>> Directory::limits(std::int64_t account) {
  const auto read_in = impl_->generation.current();
  auto query = [&](sql::Tx& tx) { return read_limits(tx, account); };
  auto found = co_await impl_->db.read(query);
  if (!found) co_return fail(Errc::not_found, "there is no such account");
  impl_->limits.keep(account, *found, read_in);
  co_return *found;
}

Task<bool> Directory::may_send_as(std::int64_t account, std::string local, std::string domain) {
  const auto whole = fold_local(local);
  const auto base = std::string(without_detail(whole).value_or(whole));
  const auto folded_domain = fold_domain(domain);
  auto query = [&](sql::Tx& tx) {
    return tx.first<int>(
        "select 1 from address x join account a on a.id = x.account_id "
        "join organisation o on o.id = a.organisation_id join domain d on d.name = x.domain "
        "where x.account_id = $1 and x.domain = $2 and x.local in ($3, $4) "
        "and a.state = 0 and o.state = 0 and d.state = 0",
        account, folded_domain, whole, base);
  };
  const auto found = co_await impl_->db.read(query);
  co_return found.has_value();
}

}  // namespace todoke::directory
