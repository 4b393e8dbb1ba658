#include "trust/sts_cache.h"

#include "base/log.h"
#include "dns/name.h"
#include "dns/records.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace todoke::trust {
namespace {

using namespace std::chrono_literals;

// How long it is believed that a domain has no policy, and that DNS has trouble.
constexpr auto no_policy_time = 10min;
constexpr auto dns_trouble_time = 1min;
// RFC 8461 §3.3: five minutes or more between attempts to fetch one version.
constexpr auto fetch_pause = 10min;
// A policy that is in use is fetched again when it is so old, or half of its life is over
// (RFC 8461 §10.2): it should not run out on a day when somebody keeps us from its server.
constexpr auto refresh_after = std::chrono::seconds(24h);
// A refresh that fails is tried again after this.
constexpr auto refresh_pause = 1h;

bool wants_refresh(const MtaStsPolicy& policy, Time fetched_at, Time now) {
  return now - fetched_at >= std::min(refresh_after, policy.max_age / 2);
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

// RFC 8461 §5.1 step 1.
Task<MtaStsPolicy> StsPolicies::policy_for(std::string domain) {
  auto name = dns::domain_to_ask(domain);
  if (!name) co_return MtaStsPolicy{};
  auto kept = co_await read(*name);
  auto now = clock_.now();
  if (kept && kept->expires_at <= now) kept.reset();
  auto known = note(*name);
  if (!kept && known.no_policy_until > now) co_return MtaStsPolicy{};

  auto id = co_await ask(*name);
  now = clock_.now();
  if (!id || !*id) {
    if (kept) co_return std::move(kept->policy);
    known.no_policy_until = now + (id ? no_policy_time : dns_trouble_time);
    remember(*name, std::move(known));
    co_return MtaStsPolicy{};
  }
  bool is_same = kept && kept->id == **id;
  if (is_same && !wants_refresh(kept->policy, kept->fetched_at, now))
    co_return std::move(kept->policy);
  if (known.failed_id == **id && known.failed_until > now)
    co_return kept ? std::move(kept->policy) : MtaStsPolicy{};

  auto fresh = co_await fetch(*name, **id);
  if (fresh) co_return std::move(fresh->policy);
  now = clock_.now();
  remember(*name,
           {.failed_id = **id, .failed_until = now + (is_same ? refresh_pause : fetch_pause)});
  log::warn("trust.sts_not_fetched",
            {{"domain", *name},
             {"error", fresh.error().text},
             {"kept_until", kept ? to_rfc3339(kept->expires_at) : std::string("nothing kept")}});
  co_return kept ? std::move(kept->policy) : MtaStsPolicy{};
}

Task<Result<std::optional<std::string>>> StsPolicies::ask(std::string domain) {
  auto answer = co_await resolver_.resolve("_mta-sts." + domain, dns::Type::txt);
  if (!answer) {
    // A name too long to have anything in front has no policy.
    if (answer.error().code == Errc::invalid) co_return std::nullopt;
    co_return std::unexpected(std::move(answer).error());
  }
  std::vector<std::string> texts;
  for (const auto& record : answer->records)
    if (auto text = dns::parse_txt(record)) texts.push_back(*std::move(text));
  co_return mta_sts_id(texts);
}

Task<Result<StsPolicies::Kept>> StsPolicies::fetch(std::string domain, std::string id) {
  CO_TRY(auto file, co_await fetcher_.fetch(domain));
  CO_TRY(auto policy, parse_mta_sts_policy(file));
  const auto now = clock_.now();
  const auto expires_at = now + policy.max_age;
  Kept kept{std::move(policy), std::move(id), now, expires_at};
  const auto patterns = fmt::format("{}", fmt::join(kept.policy.mx, "\n"));
  auto write = [&](sql::Tx& tx) {
    tx.run("delete from sts_policy where expires_at <= $1", now);
    tx.run(
        "insert into sts_policy (domain, policy_id, mode, max_age, mx, fetched_at, expires_at) "
        "values ($1, $2, $3, $4, $5, $6, $7) on conflict (domain) do update set "
        "policy_id = excluded.policy_id, mode = excluded.mode, max_age = excluded.max_age, "
        "mx = excluded.mx, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at",
        domain, kept.id, kept.policy.mode, kept.policy.max_age.count(), patterns, kept.fetched_at,
        kept.expires_at);
  };
  co_await db_.write(write);
  log::info("trust.sts_fetched", {{"domain", domain},
                                  {"id", kept.id},
                                  {"mode", kept.policy.mode},
                                  {"until", to_rfc3339(kept.expires_at)}});
  co_return kept;
}

Task<std::optional<StsPolicies::Kept>> StsPolicies::read(std::string domain) {
  auto query = [&](sql::Tx& tx) {
    std::optional<Kept> found;
    auto take = [&](const sql::Row& row) {
      found = Kept{.policy = {.mode = row.get<MtaStsPolicy::Mode>(1),
                              .max_age = std::chrono::seconds(row.integer(2)),
                              .mx = split_lines(row.text(3))},
                   .id = row.get<std::string>(0),
                   .fetched_at = row.get<Time>(4),
                   .expires_at = row.get<Time>(5)};
    };
    tx.each(
        "select policy_id, mode, max_age, mx, fetched_at, expires_at from sts_policy "
        "where domain = $1",
        take, domain);
    return found;
  };
  co_return co_await db_.read(query);
}

StsPolicies::Note StsPolicies::note(const std::string& domain) {
  std::lock_guard lock(mutex_);
  const auto* found = notes_.find(domain);
  return found == nullptr ? Note{} : *found;
}

void StsPolicies::remember(const std::string& domain, Note note) {
  std::lock_guard lock(mutex_);
  notes_[domain] = std::move(note);
}

}  // namespace todoke::trust
