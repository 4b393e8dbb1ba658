#include "directory/impl.h"
#include "directory/lookup.h"
#include "directory/names.h"

#include <fmt/format.h>

namespace todoke::directory {
namespace {

Result<> check_free(sql::Tx& tx, const std::string& name) {
  if (tx.first<int>("select 1 from organisation where name = $1", name))
    return fail(Errc::conflict, fmt::format("there is an organisation \"{}\" already", name));
  return {};
}

Result<> check(OrganisationChange& change) {
  if (change.name) {
    TRY(change.name, required_line(*change.name, "the organisation's name"));
  }
  if (change.locale) {
    TRY_OK(locale_name(*change.locale));
  }
  if (change.quota_bytes) {
    TRY_OK(check_quota(*change.quota_bytes));
  }
  return {};
}

Result<> apply(Change& to, const OrganisationRef& organisation, const OrganisationChange& wanted) {
  if (wanted.name)
    to.tx.run("update organisation set name = $1 where id = $2", *wanted.name, organisation.id);
  if (wanted.locale)
    to.tx.run("update organisation set locale = $1 where id = $2", *wanted.locale, organisation.id);
  if (wanted.quota_bytes)
    to.tx.run("update organisation set quota_bytes = $1 where id = $2", *wanted.quota_bytes,
              organisation.id);
  if (wanted.state) {
    std::optional<Time> deleted_at;
    if (*wanted.state == State::deleted) deleted_at = to.now;
    to.tx.run("update organisation set state = $1, deleted_at = $2 where id = $3", *wanted.state,
              deleted_at, organisation.id);
  }
  return {};
}

Details describe(const OrganisationChange& wanted) {
  Details details;
  if (wanted.name) details.add("name", *wanted.name);
  if (wanted.locale) details.add("locale", *wanted.locale);
  if (wanted.state) details.add("state", static_cast<int>(*wanted.state));
  if (wanted.quota_bytes) details.add("quota_bytes", *wanted.quota_bytes);
  return details;
}

}  // namespace

Task<Result<Organisation>> Directory::create_organisation(Actor by, NewOrganisation wanted) {
  CO_TRY(const auto name, required_line(wanted.name, "the organisation's name"));
  CO_TRY(const auto locale, locale_name(wanted.locale));
  CO_TRY_OK(check_quota(wanted.quota_bytes));
  auto work = [&](Change& change) -> Result<Organisation> {
    TRY_OK(check_free(change.tx, name));
    Organisation made{.id = change.new_id(),
                      .name = name,
                      .locale = locale,
                      .quota_bytes = wanted.quota_bytes,
                      .created_at = change.now};
    change.tx.run(
        "insert into organisation (id, name, locale, state, quota_bytes, created_at) "
        "values ($1, $2, $3, $4, $5, $6)",
        made.id, made.name, made.locale, made.state, made.quota_bytes, made.created_at);
    change.audit(made.id, "organisation.create", name,
                 Details().add("locale", locale).add("quota_bytes", made.quota_bytes));
    return made;
  };
  co_return co_await impl_->change(by, work);
}

Task<std::vector<Organisation>> Directory::organisations() {
  auto query = [](sql::Tx& tx) {
    std::vector<Organisation> all;
    auto take = [&](const sql::Row& row) {
      all.push_back({.id = row.get<std::int64_t>(0),
                     .name = row.get<std::string>(1),
                     .locale = row.get<std::string>(2),
                     .state = row.get<State>(3),
                     .quota_bytes = row.get<std::optional<std::int64_t>>(4),
                     .created_at = row.get<Time>(5)});
    };
    tx.each(
        "select id, name, locale, state, quota_bytes, created_at from organisation order by name",
        take);
    return all;
  };
  co_return co_await impl_->db.read(query);
}

Task<Result<>> Directory::update_organisation(Actor by, std::string name,
                                              OrganisationChange change) {
  CO_TRY_OK(check(change));
  auto work = [&](Change& to) -> Result<> {
    TRY(auto organisation, find_organisation(to.tx, name));
    if (change.name && *change.name != name) {
      TRY_OK(check_free(to.tx, *change.name));
    }
    TRY_OK(apply(to, organisation, change));
    if (change.state.value_or(State::active) != State::active)
      to.signs_out_organisation(organisation.id);
    to.audit(organisation.id, "organisation.update", name, describe(change));
    return {};
  };
  co_return co_await impl_->change(by, work);
}

}  // namespace todoke::directory
