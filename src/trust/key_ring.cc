#include "trust/key_ring.h"

#include "base/ascii.h"
#include "base/log.h"
#include "trust/host_name.h"

#include <fmt/format.h>

namespace todoke::trust {
namespace {

constexpr auto remembered_for = std::chrono::minutes(10);
// Some 20 KiB each, when several threads sign for all of them.
constexpr std::size_t max_remembered = 4'000;

Result<> check(std::string_view domain) {
  if (is_host_name(domain) && ascii::to_lower(domain) == domain) return {};
  return fail(Errc::invalid, "no domain in its ASCII form");
}

DkimKey take_key(const sql::Row& row) {
  return {.domain = row.get<std::string>(0),
          .selector = row.get<std::string>(1),
          .algorithm = row.get<crypto::KeyAlgorithm>(2),
          .public_key = row.get<std::string>(3),
          .created_at = row.get<Time>(4),
          .active_from = row.get<Time>(5),
          .retired_at = row.get<std::optional<Time>>(6)};
}

std::vector<DkimKey> read_keys(sql::Tx& tx, std::string_view domain) {
  std::vector<DkimKey> keys;
  tx.each(
      "select domain, selector, algorithm, public_key, created_at, active_from, retired_at "
      "from dkim_key where domain = $1 order by selector",
      [&](const sql::Row& row) { keys.push_back(take_key(row)); }, domain);
  return keys;
}

void insert(sql::Tx& tx, const DkimKey& key, std::string_view private_key) {
  tx.run(
      "insert into dkim_key (domain, selector, algorithm, private_key, public_key, created_at, "
      "active_from) values ($1, $2, $3, $4, $5, $6, $7)",
      key.domain, key.selector, key.algorithm, private_key, key.public_key, key.created_at,
      key.active_from);
}

}  // namespace

Task<Result<std::vector<DkimKey>>> KeyRing::create(std::string domain,
                                                   std::chrono::microseconds publishing_time) {
  co_return co_await add(plan_first_keys, std::move(domain), publishing_time);
}

Task<Result<std::vector<DkimKey>>> KeyRing::rotate(std::string domain,
                                                   std::chrono::microseconds publishing_time) {
  co_return co_await add(plan_rotation, std::move(domain), publishing_time);
}

Task<Result<std::vector<DkimKey>>> KeyRing::add(Plan plan, std::string domain,
                                                std::chrono::microseconds publishing_time) {
  CO_TRY_OK(check(domain));
  auto generate = [] {
    return std::pair(crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa),
                     crypto::SigningKey::generate(crypto::KeyAlgorithm::ed25519));
  };
  const auto made = co_await pool_.run(generate);
  const auto now = clock_.now();
  auto work = [&](sql::Tx& tx) -> Result<std::vector<DkimKey>> {
    TRY(auto rotation, plan(domain, read_keys(tx, domain), now, publishing_time));
    for (auto& key : rotation.fresh) {
      const auto& signer = key.algorithm == crypto::KeyAlgorithm::rsa ? made.first : made.second;
      key.public_key = signer.public_key();
      insert(tx, key, signer.to_pem());
    }
    for (const auto& selector : rotation.retiring)
      tx.run("update dkim_key set retired_at = $1 where domain = $2 and selector = $3",
             rotation.fresh.front().active_from, domain, selector);
    return std::move(rotation.fresh);
  };
  auto keys = co_await db_.write(work);
  forget(domain);
  co_return keys;
}

Task<Result<>> KeyRing::cancel_rotation(std::string domain) {
  const auto now = clock_.now();
  auto work = [&](sql::Tx& tx) -> Result<> {
    // They never signed; their rows stay, so that their selectors are not used again.
    const auto waiting = tx.run(
        "update dkim_key set retired_at = $1, private_key = null "
        "where domain = $2 and active_from > $1 and retired_at is null",
        now, domain);
    if (waiting == 0)
      return fail(Errc::not_found, fmt::format("no new DKIM keys of {} are waiting", domain));
    tx.run("update dkim_key set retired_at = null where domain = $1 and retired_at > $2", domain,
           now);
    return {};
  };
  auto done = co_await db_.write(work);
  forget(domain);
  co_return done;
}

Task<> KeyRing::remove(std::string domain) {
  auto work = [&](sql::Tx& tx) { tx.run("delete from dkim_key where domain = $1", domain); };
  co_await db_.write(work);
  forget(domain);
}

Task<std::vector<DkimKey>> KeyRing::keys(std::string domain) {
  auto query = [&](sql::Tx& tx) { return read_keys(tx, domain); };
  co_return co_await db_.read(query);
}

Task<std::vector<DkimIdentity>> KeyRing::identities(std::string domain) {
  const auto now = clock_.now();
  auto loaded = remembered(domain, now);
  if (loaded == nullptr) loaded = co_await load(domain);
  std::vector<DkimIdentity> identities;
  for (const auto* key : signing_keys(loaded->keys, now)) {
    const auto& signer = loaded->signers[static_cast<std::size_t>(key - loaded->keys.data())];
    if (signer != nullptr) identities.push_back({key->domain, key->selector, signer});
  }
  co_return identities;
}

Task<std::int64_t> KeyRing::forget_retired() {
  const auto now = clock_.now();
  auto work = [&](sql::Tx& tx) {
    return tx.run(
        "update dkim_key set private_key = null "
        "where retired_at <= $1 and private_key is not null",
        now);
  };
  co_return co_await db_.write(work);
}

Task<std::shared_ptr<const KeyRing::Loaded>> KeyRing::load(std::string domain) {
  std::uint64_t generation = 0;
  {
    std::lock_guard lock(mutex_);
    generation = generation_;
  }
  auto loaded = std::make_shared<Loaded>();
  loaded->read_at = clock_.now();
  auto query = [&](sql::Tx& tx) {
    loaded->keys.clear();
    loaded->signers.clear();
    auto take = [&](const sql::Row& row) {
      auto signer = crypto::SigningKey::from_pem(row.text(7));
      // Nothing of the text itself: it may be a key that is only damaged.
      if (!signer)
        log::error("trust.dkim_key_unreadable", {{"domain", domain}, {"selector", row.text(1)}});
      loaded->keys.push_back(take_key(row));
      loaded->signers.push_back(signer ? std::make_shared<crypto::SigningKey>(*std::move(signer))
                                       : nullptr);
    };
    tx.each(
        "select domain, selector, algorithm, public_key, created_at, active_from, retired_at, "
        "private_key from dkim_key where domain = $1 and private_key is not null",
        take, domain);
  };
  co_await db_.read(query);

  std::lock_guard lock(mutex_);
  if (generation == generation_) {
    // So many domains at once are rare, and reading them again is cheap.
    if (loaded_.size() >= max_remembered) loaded_.clear();
    loaded_[domain] = loaded;
  }
  co_return loaded;
}

std::shared_ptr<const KeyRing::Loaded> KeyRing::remembered(const std::string& domain,
                                                           Time now) const {
  std::lock_guard lock(mutex_);
  const auto found = loaded_.find(domain);
  if (found == loaded_.end() || now >= found->second->read_at + remembered_for) return nullptr;
  return found->second;
}

void KeyRing::forget(const std::string& domain) {
  std::lock_guard lock(mutex_);
  ++generation_;
  loaded_.erase(domain);
}

}  // namespace todoke::trust
