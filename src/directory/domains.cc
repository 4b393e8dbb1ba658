#include "directory/impl.h"
#include "directory/lookup.h"
#include "directory/names.h"

#include <fmt/format.h>

namespace todoke::directory {

Task<Result<Domain>> Directory::create_domain(Actor by, std::string organisation,
                                              std::string name) {
  CO_TRY(const auto folded, domain_name(name));
  auto work = [&](Change& change) -> Result<Domain> {
    TRY(auto owner, find_organisation(change.tx, organisation));
    if (owner.state == State::deleted)
      return fail(Errc::conflict, fmt::format("\"{}\" is deleted", organisation));
    auto holder =
        change.tx.first<std::int64_t>("select organisation_id from domain where name = $1", folded);
    if (holder)
      return fail(Errc::conflict,
                  *holder == owner.id
                      ? fmt::format("{} belongs to \"{}\" already", folded, organisation)
                      : fmt::format("{} is taken on this server", folded));
    change.tx.run(
        "insert into domain (name, organisation_id, state, created_at) values ($1, $2, $3, $4)",
        folded, owner.id, State::active, change.now);
    change.audit(owner.id, "domain.create", folded);
    return Domain{.name = folded, .organisation_id = owner.id, .organisation = organisation};
  };
  co_return co_await impl_->change(by, work);
}

Task<std::vector<Domain>> Directory::domains(std::optional<std::string> organisation) {
  auto query = [&](sql::Tx& tx) {
    std::vector<Domain> all;
    auto take = [&](const sql::Row& row) {
      Domain domain{.name = row.get<std::string>(0),
                    .organisation_id = row.get<std::int64_t>(1),
                    .organisation = row.get<std::string>(2),
                    .state = row.get<State>(3)};
      if (!row.is_null(4))
        domain.catch_all = to_text({row.get<std::string>(4), row.get<std::string>(5)});
      all.push_back(std::move(domain));
    };
    tx.each(
        "select d.name, d.organisation_id, o.name, d.state, x.local, x.domain from domain d "
        "join organisation o on o.id = d.organisation_id "
        "left join address x on x.account_id = d.catch_all_account_id and x.kind = 0 "
        "where $1 = 0 or o.name = $2 order by d.name",
        take, organisation.has_value(), organisation.value_or(""));
    return all;
  };
  co_return co_await impl_->db.read(query);
}

Task<Result<>> Directory::delete_domain(Actor by, std::string name) {
  auto work = [&](Change& change) -> Result<> {
    TRY(auto domain, find_domain(change.tx, name));
    const auto left = change.tx.first<std::int64_t>(
        "select count(*) from address where domain = $1", domain.name);
    if (*left > 0)
      return fail(Errc::conflict,
                  fmt::format("{} still has {} address{}, counting those of deleted "
                              "accounts",
                              domain.name, *left, *left == 1 ? "" : "es"));
    change.tx.run("delete from domain where name = $1", domain.name);
    change.audit(domain.organisation, "domain.delete", domain.name);
    return {};
  };
  co_return co_await impl_->change(by, work);
}

Task<Result<>> Directory::set_catch_all(Actor by, std::string domain,
                                        std::optional<std::string> address) {
  auto work = [&](Change& change) -> Result<> {
    TRY(auto own, find_domain(change.tx, domain));
    std::optional<std::int64_t> account;
    std::optional<std::string> primary;
    if (address) {
      TRY(auto found, find_live_account(change.tx, *address));
      if (found.organisation != own.organisation)
        return fail(Errc::not_found, fmt::format("the organisation of {} has no account \"{}\"",
                                                 own.name, *address));
      account = found.id;
      primary = found.address;
    }
    change.tx.run("update domain set catch_all_account_id = $1 where name = $2", account, own.name);
    change.audit(own.organisation, "domain.catch_all", own.name, Details().add("to", primary));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

}  // namespace todoke::directory
