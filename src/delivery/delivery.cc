#include "delivery/delivery.h"

#include "directory/names.h"
#include "queue/enqueue.h"
#include "store/append.h"
#include "store/loose_body.h"

#include <algorithm>
#include <map>
#include <set>
#include <shared_mutex>

namespace todoke::delivery {
namespace {

constexpr auto passed_over = std::chrono::minutes(30);
// What trace headers add to a message, more or less.
constexpr std::int64_t trace_size = 512;
// What handlers get to read of a message.
constexpr std::uint64_t handled_text = 1 << 20;

// Accounts that had no room lately.  Only a hint where to look: bounded, and all of it is forgotten
// now and then.
class FullAccounts {
 public:
  struct Mark {
    std::int64_t needed = 0;  // bytes, of the message that did not fit
    Steady since{};
  };
  std::optional<Mark> find(std::int64_t account_id) const {
    std::shared_lock lock(mutex_);
    auto found = marks_.find(account_id);
    return found == marks_.end() ? std::nullopt : std::optional(found->second);
  }
  void add(std::int64_t account_id, Mark mark) {
    std::unique_lock lock(mutex_);
    if (marks_.size() >= max_entries) marks_.clear();
    marks_[account_id] = mark;
  }
  void remove(std::int64_t account_id) {
    std::unique_lock lock(mutex_);
    marks_.erase(account_id);
  }

 private:
  static constexpr std::size_t max_entries = 10'000;
  mutable std::shared_mutex mutex_;
  std::map<std::int64_t, Mark> marks_;
};

bool is_among(const std::vector<std::int64_t>& accounts, std::int64_t account_id) {
  return std::ranges::find(accounts, account_id) != accounts.end();
}

}  // namespace

struct Delivery::Impl {
  sql::Db& db;
  blob::Store& blobs;
  store::Store& store;
  directory::Directory& directory;
  const Clock& clock;
  IdGenerator& ids;
  std::function<void(std::vector<queue::LineKey>, Time)> queued = {};
  std::vector<AddressHandler*> handlers = {};
  std::function<bool()> has_room = {};
  FullAccounts full = {};

  Task<store::Quota> quota(std::int64_t account_id);
  Task<Result<>> check_full(std::int64_t account_id, std::optional<std::uint64_t> size);
  Task<std::vector<store::InboxCopy>> local_targets(const Envelope& envelope);
  AddressHandler* handler_of(const smtp::Path& to) const;
  // What handlers do with their part of it.
  Task<Result<std::vector<AddressHandler::Handling>>> ask_handlers(const Envelope& envelope,
                                                                   blob::Location body);
  // What of it goes to other servers.
  queue::NewMessage outbound(const Envelope& envelope, std::int64_t blob_id, std::int64_t size,
                             Time now) const;
  // Answers how many rows refer to the body now.
  std::int64_t write(sql::Tx& tx, const Envelope& envelope, const Incoming::Finished& body,
                     const queue::NewMessage& outbound, std::vector<store::InboxCopy>& targets);
  Result<> judge(const Envelope& envelope, const std::vector<store::InboxCopy>& targets);
  void announce(const std::vector<store::InboxCopy>& targets, std::uint64_t size);
};

Delivery::Delivery(sql::Db& db, blob::Store& blobs, store::Store& store,
                   directory::Directory& directory, const Clock& clock, IdGenerator& ids)
    : impl_(new Impl{db, blobs, store, directory, clock, ids}) {}
Delivery::~Delivery() = default;

void Delivery::on_queued(std::function<void(std::vector<queue::LineKey>, Time due)> hear) {
  impl_->queued = std::move(hear);
}

void Delivery::set_room(std::function<bool()> has_room) {
  impl_->has_room = std::move(has_room);
}

void Delivery::set_handlers(std::vector<AddressHandler*> handlers) {
  impl_->handlers = std::move(handlers);
}

AddressHandler* Delivery::Impl::handler_of(const smtp::Path& to) const {
  for (auto* handler : handlers)
    if (handler->takes(to)) return handler;
  return nullptr;
}

Task<Result<std::vector<AddressHandler::Handling>>> Delivery::Impl::ask_handlers(
    const Envelope& envelope, blob::Location body) {  // NOLINT: the envelope is accept()'s
  std::vector<AddressHandler::Handling> handlings;
  std::optional<std::string> text;
  for (const auto& recipient : envelope.recipients) {
    if (recipient.route.kind != directory::Route::Kind::handled) continue;
    auto* handler = handler_of(recipient.path);
    if (handler == nullptr) co_return fail(Errc::not_found, "no such mailbox here");
    if (!text) {
      // On a database thread, as the disk may be asked.
      auto read = [&](sql::Tx&) { return blobs.read(body, 0, handled_text); };
      CO_TRY(text, co_await db.read(read));
    }
    handlings.push_back(handler->receive(
        {.to = recipient.path, .reverse_path = envelope.reverse_path, .text = *text}));
  }
  co_return handlings;
}

Incoming Delivery::begin() {
  return Incoming(impl_->blobs.create());
}

Task<Result<directory::Route>> Delivery::accepts(smtp::Path to, bool may_relay,
                                                 std::optional<std::uint64_t> size) {
  auto& self = *impl_;
  if (self.handler_of(to) != nullptr)
    co_return directory::Route{.kind = directory::Route::Kind::handled};
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
    case Kind::handled:
      break;
  }
  for (auto account_id : route.accounts) {
    CO_TRY_OK(co_await self.check_full(account_id, size));
  }
  co_return route;
}

Task<store::Quota> Delivery::Impl::quota(std::int64_t account_id) {
  auto limits = directory.cached_limits(account_id);
  if (!limits) {
    auto asked = co_await directory.limits(account_id);
    limits = asked.value_or(directory::QuotaLimits{});
  }
  co_return store::Quota{.account_bytes = limits->account_bytes,
                         .organisation_bytes = limits->organisation_bytes};
}

Task<Result<>> Delivery::Impl::check_full(std::int64_t account_id,
                                          std::optional<std::uint64_t> size) {
  auto mark = full.find(account_id);
  if (!mark || (!size && clock.steady() - mark->since > passed_over)) co_return Result<>();
  auto needed = size ? static_cast<std::int64_t>(*size) + trace_size : mark->needed;
  auto limit = co_await quota(account_id);
  auto query = [&](sql::Tx& tx) { return store::has_room(tx, account_id, needed, limit); };
  auto room = co_await db.read(query);
  if (room && needed >= mark->needed) full.remove(account_id);
  co_return room;
}

// One target per account, however many of its addresses are recipients.
Task<std::vector<store::InboxCopy>> Delivery::Impl::local_targets(const Envelope& envelope) {
  std::vector<store::InboxCopy> targets;
  for (const auto& recipient : envelope.recipients)
    for (auto account_id : recipient.route.accounts) {
      if (std::ranges::find(targets, account_id, &store::InboxCopy::account_id) != targets.end())
        continue;
      auto limit = co_await quota(account_id);
      targets.push_back({.account_id = account_id, .message_id = ids.next(), .quota = limit});
    }
  co_return targets;
}

queue::NewMessage Delivery::Impl::outbound(const Envelope& envelope, std::int64_t blob_id,
                                           std::int64_t size, Time now) const {
  queue::NewMessage outbound{.id = envelope.id,
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
  std::set<std::string> queued_already;  // who is named twice gets one copy
  for (const auto& recipient : envelope.recipients) {
    if (recipient.route.kind != directory::Route::Kind::not_ours) continue;
    auto domain = directory::fold_domain(recipient.path.domain);
    if (!queued_already.insert(recipient.path.local + "@" + domain).second) continue;
    outbound.recipients.push_back({.path = recipient.path,
                                   .domain = std::move(domain),
                                   .notify = recipient.notify,
                                   .original_recipient = recipient.original_recipient});
  }
  return outbound;
}

std::int64_t Delivery::Impl::write(sql::Tx& tx, const Envelope& envelope,
                                   const Incoming::Finished& body,
                                   const queue::NewMessage& outbound,
                                   std::vector<store::InboxCopy>& targets) {
  store::Parsed parsed{body.envelope, body.structure, body.preview, body.final_crlf};
  std::int64_t refs = 0;
  store::NewMessage message{.blob_id = outbound.blob_id,
                            .size = outbound.size,
                            .internal_date = outbound.created_at,
                            .received_at = outbound.created_at,
                            .origin = envelope.origin,
                            .parsed = &parsed};
  store::append_copies(tx, message, targets);
  for (const auto& target : targets) refs += target.placed ? 1 : 0;
  if (!outbound.recipients.empty()) {
    queue::enqueue(tx, outbound);
    ++refs;
  }
  if (refs > 0) store::insert_blob(tx, outbound.blob_id, body.location, refs);
  return refs;
}

// For an answer that counts for all: the first refusal, whoever it is for.
Result<> Delivery::Impl::judge(const Envelope& envelope,
                               const std::vector<store::InboxCopy>& targets) {
  if (envelope.answer == Envelope::Answer::for_each) return {};
  for (const auto& target : targets)
    if (!target.placed) return std::unexpected(target.placed.error());
  return {};
}

// Tells the sessions that have one of the mailboxes open.
void Delivery::Impl::announce(const std::vector<store::InboxCopy>& targets, std::uint64_t size) {
  for (const auto& target : targets) {
    if (!target.placed || !store.hub().is_heard(target.account_id)) continue;
    auto delta = std::make_shared<store::Delta>();
    delta->placed.push_back({.message_id = target.message_id,
                             .modseq = target.placed->modseq,
                             .size = size,
                             .uid = target.placed->uid});
    store.hub().publish({.account_id = target.account_id,
                         .mailbox_id = target.placed->mailbox_id,
                         .modseq = target.placed->modseq,
                         .delta = std::move(delta)});
  }
}

Task<Result<Receipt>> Delivery::accept(Envelope envelope, Incoming message) {
  auto& self = *impl_;
  if (self.has_room && !self.has_room())
    co_return fail(Errc::unavailable, "the disk is nearly full");
  CO_TRY(auto body, message.finish());
  store::LooseBody loose(self.blobs, body.location);
  auto size = static_cast<std::int64_t>(body.location.size);
  const auto outbound = self.outbound(envelope, self.ids.next(), size, self.clock.now());
  auto targets = co_await self.local_targets(envelope);
  CO_TRY(auto handlings, co_await self.ask_handlers(envelope, body.location));
  std::int64_t refs = 0;
  auto work = [&](sql::Tx& tx) -> Result<> {
    refs = self.write(tx, envelope, body, outbound, targets);
    for (const auto& handling : handlings) handling.write(tx);
    return self.judge(envelope, targets);
  };
  auto tell = [&] {
    self.announce(targets, body.location.size);
    if (self.queued && !outbound.recipients.empty())
      self.queued(queue::lines_of(outbound), outbound.created_at);
    for (const auto& handling : handlings)
      if (handling.committed) handling.committed();
  };
  auto written = co_await self.db.write(work, tell);
  if (written && refs > 0) loose.keep();
  for (const auto& target : targets)
    if (!target.placed && target.placed.error().code == Errc::over_limit)
      self.full.add(target.account_id, {.needed = size, .since = self.clock.steady()});
  if (!written) co_return std::unexpected(written.error());
  Receipt receipt;
  for (const auto& recipient : envelope.recipients) {
    Result<> outcome;
    for (const auto& target : targets)
      if (!target.placed && is_among(recipient.route.accounts, target.account_id))
        outcome = std::unexpected(target.placed.error());
    receipt.recipients.push_back(std::move(outcome));
  }
  co_return receipt;
}

}  // namespace todoke::delivery
