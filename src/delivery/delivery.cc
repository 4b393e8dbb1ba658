#include "delivery/delivery.h"

#include "base/ascii.h"
#include "queue/enqueue.h"
#include "store/append.h"

#include <algorithm>
#include <map>
#include <shared_mutex>

namespace todoke::delivery {
namespace {

// Accounts that were full a moment ago, so that RCPT can say so for the single recipient instead of
// the end of DATA for all of them.  Forgets everything now and then: bounded, and never wrong for
// long.
class FullAccounts {
 public:
  bool contains(std::int64_t account_id, Steady now) const {
    std::shared_lock lock(mutex_);
    auto found = until_.find(account_id);
    return found != until_.end() && now < found->second;
  }
  void add(std::int64_t account_id, Steady now) {
    std::unique_lock lock(mutex_);
    if (until_.size() >= max_entries) until_.clear();
    until_[account_id] = now + std::chrono::minutes(1);
  }

 private:
  static constexpr std::size_t max_entries = 10'000;
  mutable std::shared_mutex mutex_;
  std::map<std::int64_t, Steady> until_;
};

bool is_among(const std::vector<std::int64_t>& accounts, std::int64_t account_id) {
  return std::ranges::find(accounts, account_id) != accounts.end();
}

std::string lower_domain(const smtp::Path& path) {
  return ascii::to_lower(path.domain);
}

}  // namespace

struct Delivery::Impl {
  sql::Db& db;
  blob::Store& blobs;
  store::Store& store;
  directory::Directory& directory;
  const Clock& clock;
  IdGenerator& ids;
  FullAccounts full;

  struct Target {
    std::int64_t account_id = 0;
    store::Quota quota;
    std::int64_t message_id = 0;
    Result<store::Placed> placed = fail(Errc::unavailable, "not tried");
  };

  Task<std::vector<Target>> local_targets(const Envelope& envelope);
  void write(sql::Tx& tx, const Envelope& envelope, const Incoming::Finished& body,
             std::int64_t blob_id, std::int64_t queue_id, Time now, std::vector<Target>& targets);
  Result<> judge(const Envelope& envelope, const std::vector<Target>& targets);
};

Delivery::Delivery(sql::Db& db, blob::Store& blobs, store::Store& store,
                   directory::Directory& directory, const Clock& clock, IdGenerator& ids)
    : impl_(new Impl{db, blobs, store, directory, clock, ids, {}}) {}
Delivery::~Delivery() = default;

Incoming Delivery::begin() {
  return Incoming(impl_->blobs.create());
}

Task<Result<directory::Route>> Delivery::accepts(smtp::Path to, bool may_relay) {
  auto& self = *impl_;
  auto cached = self.directory.cached_route(to.local, to.domain);
  directory::Route route;
  if (cached)
    route = *std::move(cached);
  else
    route = co_await self.directory.route(to.local, to.domain);
  using Kind = directory::Route::Kind;
  switch (route.kind) {
    case Kind::unknown:
      co_return fail(Errc::not_found, "no such mailbox here");
    case Kind::suspended:
      co_return fail(Errc::unavailable, "this mailbox is out of service; please try again later");
    case Kind::not_ours:
      if (!may_relay) co_return fail(Errc::denied, "we do not relay mail for strangers");
      co_return route;
    case Kind::local:
      break;
  }
  auto now = self.clock.steady();
  bool all_full = std::ranges::all_of(route.accounts,
                                      [&](std::int64_t id) { return self.full.contains(id, now); });
  if (all_full) co_return fail(Errc::over_limit, "this mailbox is full");
  co_return route;
}

// One target per account, however many of its addresses are recipients.
Task<std::vector<Delivery::Impl::Target>> Delivery::Impl::local_targets(const Envelope& envelope) {
  std::vector<Target> targets;
  for (const auto& recipient : envelope.recipients)
    for (auto account_id : recipient.route.accounts) {
      if (std::ranges::find(targets, account_id, &Target::account_id) != targets.end()) continue;
      auto limits = directory.cached_limits(account_id);
      if (!limits) {
        auto asked = co_await directory.limits(account_id);
        limits = asked.value_or(directory::QuotaLimits{});
      }
      targets.push_back({.account_id = account_id,
                         .quota = {.account_bytes = limits->account_bytes},
                         .message_id = ids.next()});
    }
  co_return targets;
}

void Delivery::Impl::write(sql::Tx& tx, const Envelope& envelope, const Incoming::Finished& body,
                           std::int64_t blob_id, std::int64_t queue_id, Time now,
                           std::vector<Target>& targets) {
  store::Parsed parsed{body.envelope, body.structure, body.preview};
  auto size = static_cast<std::int64_t>(body.location.size);
  std::int64_t refs = 0;
  for (auto& target : targets) {
    store::NewMessage message{.id = target.message_id,
                              .blob_id = blob_id,
                              .size = size,
                              .internal_date = now,
                              .received_at = now,
                              .origin = envelope.origin,
                              .parsed = &parsed};
    target.placed = store::append(tx, target.account_id, store::inbox_id, message, target.quota);
    refs += target.placed ? 1 : 0;
  }
  queue::NewMessage outbound{.id = queue_id,
                             .blob_id = blob_id,
                             .size = size,
                             .reverse_path = smtp::to_text(envelope.reverse_path),
                             .envid = envelope.envid.value_or(""),
                             .ret = envelope.ret,
                             .body = envelope.body,
                             .smtp_utf8 = envelope.smtp_utf8,
                             .require_tls = envelope.require_tls,
                             .created_at = now};
  if (envelope.submitted_by) {
    outbound.organisation_id = envelope.submitted_by->organisation_id;
    outbound.account_id = envelope.submitted_by->account_id;
  }
  for (const auto& recipient : envelope.recipients)
    if (recipient.route.kind == directory::Route::Kind::not_ours)
      outbound.recipients.push_back({.path = recipient.path,
                                     .domain = lower_domain(recipient.path),
                                     .notify = recipient.notify,
                                     .original_recipient = recipient.original_recipient});
  if (!outbound.recipients.empty()) {
    queue::enqueue(tx, outbound);
    ++refs;
  }
  if (refs > 0) store::insert_blob(tx, blob_id, body.location, refs);
}

// For an answer that counts for all: the first refusal, whoever it is for.
Result<> Delivery::Impl::judge(const Envelope& envelope, const std::vector<Target>& targets) {
  if (envelope.answer == Envelope::Answer::for_each) return {};
  for (const auto& target : targets)
    if (!target.placed) return std::unexpected(target.placed.error());
  return {};
}

Task<Result<Receipt>> Delivery::accept(Envelope envelope, Incoming message) {
  auto& self = *impl_;
  CO_TRY(auto body, message.finish());
  auto now = self.clock.now();
  auto blob_id = self.ids.next(), queue_id = self.ids.next();
  auto targets = co_await self.local_targets(envelope);
  auto work = [&](sql::Tx& tx) -> Result<> {
    self.write(tx, envelope, body, blob_id, queue_id, now, targets);
    return self.judge(envelope, targets);
  };
  auto written = co_await self.db.write(work);
  for (const auto& target : targets)
    if (!target.placed && target.placed.error().code == Errc::over_limit)
      self.full.add(target.account_id, self.clock.steady());
  if (!written) {
    self.blobs.release(body.location);
    co_return std::unexpected(written.error());
  }
  Receipt receipt{.id = id_text(queue_id), .recipients = {}};
  for (const auto& recipient : envelope.recipients) {
    Result<> outcome;
    for (const auto& target : targets)
      if (!target.placed && is_among(recipient.route.accounts, target.account_id))
        outcome = std::unexpected(target.placed.error());
    receipt.recipients.push_back(std::move(outcome));
  }
  for (const auto& target : targets)
    if (target.placed)
      self.store.hub().publish({.account_id = target.account_id,
                                .mailbox_id = target.placed->mailbox_id,
                                .modseq = target.placed->modseq});
  co_return receipt;
}

}  // namespace todoke::delivery
