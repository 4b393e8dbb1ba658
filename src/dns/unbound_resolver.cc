#include "dns/unbound_resolver.h"

#include "base/assert.h"
#include "base/log.h"
#include "dns/name.h"

#include <fmt/format.h>
#include <unbound.h>

#include <algorithm>
#include <csignal>
#include <list>
#include <mutex>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace todoke::dns {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int rcode_no_error = 0;  // RFC 1035 §4.1.1
constexpr int rcode_name_error = 3;
constexpr int class_in = 1;

struct ContextDeleter {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using Context = std::unique_ptr<ub_ctx, ContextDeleter>;

struct ResultDeleter {
  void operator()(ub_result* result) const { ub_resolve_free(result); }
};
using UnboundResult = std::unique_ptr<ub_result, ResultDeleter>;

std::string rcode_text(int rcode) {
  constexpr const char* names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                   "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (rcode >= 0 && rcode < static_cast<int>(std::size(names))) return names[rcode];
  return fmt::format("response code {}", rcode);
}

Result<Answer> read_result(const std::string& asked, Type type, const ub_result& result) {
  auto trouble = [&](std::string_view what) {
    return fail(Errc::unavailable, fmt::format("{} of {}: {}", to_text(type), asked, what));
  };
  if (result.bogus)
    return trouble(fmt::format("DNSSEC validation failed: {}",
                               result.why_bogus != nullptr ? result.why_bogus : "no reason given"));
  if (result.rcode != rcode_no_error && result.rcode != rcode_name_error)
    return trouble(rcode_text(result.rcode));
  Answer answer{.secure = result.secure != 0, .name = asked};
  answer.ttl = std::chrono::seconds(std::max(result.ttl, 0));
  if (result.canonname != nullptr) {
    TRY(answer.name, normal_name(result.canonname));
  }
  for (std::size_t i = 0; result.havedata && result.data[i] != nullptr; ++i)
    answer.records.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
  if (!answer.records.empty())
    answer.status = Answer::Status::found;
  else
    answer.status = result.nxdomain ? Answer::Status::no_name : Answer::Status::no_data;
  return answer;
}

// A setting of libunbound; a name or value that it does not take is a bug of ours.
void set(ub_ctx* context, const char* option, const std::string& value) {
  TODOKE_ASSERT(ub_ctx_set_option(context, option, value.c_str()) == 0);
}

void set_limits_and_patience(ub_ctx* context, const UnboundOptions& options) {
  // libunbound keeps a message and its records apart, and advises this proportion.
  set(context, "msg-cache-size:", std::to_string(options.cache_bytes / 3));
  set(context, "rrset-cache-size:", std::to_string(options.cache_bytes / 3 * 2));
  set(context, "key-cache-size:", std::to_string(options.cache_bytes / 4));
  set(context, "neg-cache-size:", std::to_string(options.cache_bytes / 8));
  set(context, "num-queries-per-thread:",
      std::to_string(std::max<std::size_t>(options.max_outstanding, 64)));
  // Sockets at once, each a file descriptor of the process; what needs more waits inside.
  set(context, "outgoing-range:", "256");
  set(context, "outgoing-num-tcp:", "32");
  // A server that was away is tried again soon, not in a quarter hour: docs/hazards/dns-outage.md.
  set(context, "infra-keep-probing:", "yes");
  set(context, "infra-host-ttl:", "60");
}

Result<> set_forwarder(ub_ctx* context, const std::string& forwarder) {
  if (forwarder.empty()) return {};
  // A server beside us is the usual case, and it may know the zones of its own house, which
  // libunbound would answer by itself (RFC 6303) as not existing.
  set(context, "do-not-query-localhost:", "no");
  set(context, "unblock-lan-zones:", "yes");
  set(context, "insecure-lan-zones:", "yes");
  if (forwarder == "system") {
    if (ub_ctx_resolvconf(context, nullptr) != 0)
      return fail(Errc::unavailable, "/etc/resolv.conf names no DNS server");
    return {};
  }
  if (ub_ctx_set_fwd(context, forwarder.c_str()) != 0)
    return fail(Errc::invalid, fmt::format("\"{}\" is no address of a DNS server", forwarder));
  return {};
}

Result<> set_trust_anchors(ub_ctx* context, const UnboundOptions& options) {
  const auto& file = options.trust_anchor_file;
  if (!file.empty() && access(file.c_str(), R_OK) != 0) {
    log::warn("dns.unvalidated", {{"missing", file}});
  } else if (!file.empty() && ub_ctx_add_ta_file(context, file.c_str()) != 0) {
    return fail(Errc::unavailable, "libunbound takes no file of trust anchors");
  }
  for (const auto& anchor : options.trust_anchors)
    if (ub_ctx_add_ta(context, anchor.c_str()) != 0)
      return fail(Errc::unavailable, "libunbound takes no trust anchor");
  return {};
}

// Zones that libunbound would answer by itself as not existing (RFC 6761 §6.2, RFC 8375 §4), but
// that a forwarder may know; the reverse zones of private networks are set_forwarder()'s matter.
// It reads all its settings, trust anchors among them, with this first use, so that what is wrong
// is found now and not by every query.
Result<> settle(ub_ctx* context) {
  for (const char* zone : {"test.", "home.arpa."})
    if (auto error = ub_ctx_zone_remove(context, zone); error != 0)
      return fail(Errc::invalid, fmt::format("libunbound does not take its settings ({}); is a "
                                             "trust anchor broken?",
                                             ub_strerror(error)));
  return {};
}

}  // namespace

// All of libunbound is used from one thread of ours, which passes on queries, hears of answers
// through a file descriptor, and gives up what has waited too long.  Only the list of new queries
// is shared.
class UnboundResolver::Impl {
 public:
  // One call of resolve(), in whose frame it stands until `done`.
  struct Query {
    std::string name;
    Type type;
    Result<Answer> answer{};
    Completion done{};
    Impl* owner = nullptr;
    Clock::time_point deadline{};
    int id = 0;
    std::list<Query*>::iterator place{};
  };

  Impl(Context context, const UnboundOptions& options);
  ~Impl();

  // Begins the query, or tells why not.
  Result<> submit(Query& query);
  void stop();

 private:
  void run();
  void begin(Query& query);
  void give_up_late();
  void wait();
  static void hear(void* query, int error, ub_result* result);
  void finish(Query& query, Result<Answer> answer);
  void wake() const;

  Context context_;
  const std::chrono::milliseconds timeout_;
  const std::size_t max_outstanding_;
  const int wake_fd_;

  std::mutex mutex_;
  bool stopping_ = false;        // by mutex_
  std::size_t outstanding_ = 0;  // by mutex_
  std::list<Query*> new_;        // by mutex_

  std::list<Query*> asked_;  // of the thread, the oldest first, and so in the order of deadlines
  std::thread thread_;
};

UnboundResolver::Impl::Impl(Context context, const UnboundOptions& options)
    : context_(std::move(context)),
      timeout_(options.timeout),
      max_outstanding_(options.max_outstanding),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  TODOKE_ASSERT(wake_fd_ >= 0);
  thread_ = std::thread([this] { run(); });
}

UnboundResolver::Impl::~Impl() {
  stop();
  close(wake_fd_);
}

void UnboundResolver::Impl::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  if (thread_.joinable()) thread_.join();
}

void UnboundResolver::Impl::wake() const {
  eventfd_write(wake_fd_, 1);
}

Result<> UnboundResolver::Impl::submit(Query& query) {
  query.owner = this;
  query.deadline = Clock::now() + timeout_;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(Errc::unavailable, "the DNS resolver is shutting down");
    if (outstanding_ >= max_outstanding_)
      return fail(Errc::unavailable, "too many DNS queries are under way");
    ++outstanding_;
    new_.push_back(&query);
  }
  wake();
  return {};
}

void UnboundResolver::Impl::run() {
  pthread_setname_np(pthread_self(), "todoke-dns");
  // Signals are for the main thread; libunbound's thread inherits this from ours.
  sigset_t signals;
  sigfillset(&signals);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  for (;;) {
    std::list<Query*> fresh;
    {
      std::lock_guard lock(mutex_);
      fresh.swap(new_);
      if (stopping_) {
        asked_.splice(asked_.end(), fresh);
        break;
      }
    }
    for (auto* query : fresh) begin(*query);
    wait();
    ub_process(context_.get());
    give_up_late();
  }
  // Its thread ends here, and no answer is heard any more.
  context_.reset();
  while (!asked_.empty()) {
    auto* query = asked_.front();
    query->place = asked_.begin();
    finish(*query, fail(Errc::unavailable, "the DNS resolver is shutting down"));
  }
}

void UnboundResolver::Impl::begin(Query& query) {
  query.place = asked_.insert(asked_.end(), &query);
  const auto* name = query.name.empty() ? "." : query.name.c_str();
  auto error = ub_resolve_async(context_.get(), name, static_cast<int>(query.type), class_in,
                                &query, hear, &query.id);
  if (error != 0) finish(query, fail(Errc::unavailable, ub_strerror(error)));
}

void UnboundResolver::Impl::wait() {
  auto patience = std::chrono::milliseconds(-1);
  if (!asked_.empty()) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(asked_.front()->deadline - Clock::now());
    patience = std::max(left, std::chrono::milliseconds(0));
  }
  pollfd ready[] = {{ub_fd(context_.get()), POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  poll(ready, std::size(ready), static_cast<int>(patience.count()));
  eventfd_t ignored;
  eventfd_read(wake_fd_, &ignored);
}

void UnboundResolver::Impl::give_up_late() {
  const auto now = Clock::now();
  while (!asked_.empty() && asked_.front()->deadline <= now) {
    auto& query = *asked_.front();
    ub_cancel(context_.get(), query.id);
    auto text = fmt::format("{} of {}: no answer in {} ms", to_text(query.type), query.name,
                            timeout_.count());
    finish(query, fail(Errc::unavailable, std::move(text)));
  }
}

void UnboundResolver::Impl::hear(void* argument, int error, ub_result* raw) {
  UnboundResult result(raw);
  auto& query = *static_cast<Query*>(argument);
  if (error != 0 || !result)
    query.owner->finish(query, fail(Errc::unavailable, ub_strerror(error)));
  else
    query.owner->finish(query, read_result(query.name, query.type, *result));
}

void UnboundResolver::Impl::finish(Query& query, Result<Answer> answer) {
  asked_.erase(query.place);
  {
    std::lock_guard lock(mutex_);
    --outstanding_;
  }
  query.answer = std::move(answer);
  query.done.set();  // and the query may be gone
}

UnboundResolver::UnboundResolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UnboundResolver::~UnboundResolver() = default;

void UnboundResolver::stop() {
  impl_->stop();
}

Result<std::unique_ptr<UnboundResolver>> UnboundResolver::open(const UnboundOptions& options) {
  Context context(ub_ctx_create());
  if (!context) return fail(Errc::unavailable, "libunbound cannot start");
  ub_ctx_debugout(context.get(), nullptr);  // what it would print reaches us as why_bogus
  ub_ctx_async(context.get(), 1);
  set_limits_and_patience(context.get(), options);
  TRY_OK(set_forwarder(context.get(), options.forwarder));
  TRY_OK(set_trust_anchors(context.get(), options));
  TRY_OK(settle(context.get()));
  auto impl = std::make_unique<Impl>(std::move(context), options);
  return std::unique_ptr<UnboundResolver>(new UnboundResolver(std::move(impl)));
}

Task<Result<Answer>> UnboundResolver::resolve(std::string name, Type type) {
  CO_TRY(auto asked, normal_name(name));
  Impl::Query query{.name = std::move(asked), .type = type};
  CO_TRY_OK(impl_->submit(query));
  co_await query.done.wait();
  co_return std::move(query.answer);
}

}  // namespace todoke::dns
