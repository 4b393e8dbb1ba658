#include "directory/candidate.h"

#include "directory/lookup.h"

#include <algorithm>

namespace todoke::directory {
namespace {

// Names of this listener come before names that count everywhere, and these before addresses.
std::optional<std::int64_t> resolve(sql::Tx& tx, const std::string& login,
                                    const std::string& listener) {
  auto named = tx.first<std::int64_t>(
      "select account_id from login where name = $1 and listener in ($2, '') "
      "order by listener desc limit 1",
      login, listener);
  if (named) return named;
  const auto at = login.rfind('@');
  if (at == login.npos) return std::nullopt;
  auto holder = find_holder(tx, {login.substr(0, at), login.substr(at + 1)});
  if (!holder) return std::nullopt;
  return *holder;
}

std::optional<Candidate> read_candidate(sql::Tx& tx, std::int64_t account) {
  std::optional<Candidate> out;
  auto take = [&](const sql::Row& row) {
    out.emplace();
    out->state = std::max(row.get<State>(0), row.get<State>(1));
    out->principal = {.account_id = account,
                      .organisation_id = row.get<std::int64_t>(2),
                      .role = row.get<Role>(3),
                      .scope = row.get<ServiceSet>(4),
                      .address = to_text({row.get<std::string>(5), row.get<std::string>(6)}),
                      .pop3_read_only = row.get<bool>(7),
                      .pop3_mailbox_id = row.get<std::optional<std::int64_t>>(8),
                      .send_limit_per_hour = row.get<std::optional<int>>(9)};
  };
  tx.each(
      "select a.state, o.state, a.organisation_id, a.role, a.services, x.local, x.domain, "
      "a.pop3_read_only, a.pop3_mailbox_id, a.send_limit_per_hour from account a "
      "join organisation o on o.id = a.organisation_id "
      "join address x on x.account_id = a.id and x.kind = 0 where a.id = $1",
      take, account);
  return out;
}

}  // namespace

std::optional<Candidate> find_candidate(sql::Tx& tx, const std::string& login,
                                        const std::string& listener, Service service, Time now) {
  auto account = resolve(tx, login, listener);
  if (!account) return std::nullopt;
  auto out = read_candidate(tx, *account);
  if (!out || out->state == State::deleted) return std::nullopt;
  out->principal.login = login;
  auto take = [&](const sql::Row& row) {
    StoredCredential credential{.id = row.get<std::int64_t>(0),
                                .kind = row.get<StoredCredential::Kind>(1),
                                .stored = row.get<std::string>(2),
                                .scram = row.get<std::optional<std::string>>(3),
                                .scope = row.get<ServiceSet>(4),
                                .last_used_at = row.get<std::optional<Time>>(5)};
    if (contains(credential.scope, service)) out->credentials.push_back(std::move(credential));
  };
  tx.each(
      "select id, kind, stored, scram, scope, last_used_at from credential where account_id = $1 "
      "and (expires_at is null or expires_at > $2) order by kind, id",
      take, *account, now);
  return out;
}

}  // namespace todoke::directory
