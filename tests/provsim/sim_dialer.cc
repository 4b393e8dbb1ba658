#include "provsim/sim_dialer.h"

#include "base/assert.h"
#include "net/tls_client.h"

#include <algorithm>
#include <cstring>
#include <deque>

namespace todoke::provsim {
namespace {

using Reason = net::Closed::Reason;

class SimStream final : public net::Stream {
 public:
  SimStream(const Clock& clock, std::unique_ptr<SessionMachine> machine)
      : clock_(clock), machine_(std::move(machine)) {
    plan(machine_->open(clock_.now()));
  }

  void set_deadline(std::chrono::seconds from_now) override {
    deadline_ = clock_.steady() + from_now;
  }
  [[nodiscard]] Task<> start_tls(std::shared_ptr<const net::TlsContext>) override {
    throw net::Closed("simulated connections have no TLS", Reason::tls);
  }
  [[nodiscard]] Task<> start_tls_client(std::shared_ptr<const net::TlsClient>,
                                        net::TlsExpectation) override {
    throw net::Closed("simulated connections have no TLS", Reason::tls);
  }
  const net::TlsInfo* tls() const override { return nullptr; }
  std::optional<std::string> channel_binding(std::string_view) const override { return {}; }
  std::shared_ptr<net::Bell> bell() override { return nullptr; }

 protected:
  [[nodiscard]] Task<> receive() override {
    // A client that would wait for ever is wrong, and would stop a test's clock.
    TODOKE_ASSERT(deadline_ != Steady::max());
    auto due = planned_.empty() ? Steady::max() : planned_.front().due;
    co_await clock_.sleep_until(std::min(due, deadline_));
    if (due > deadline_) throw net::Closed("no answer in time", Reason::timed_out);
    auto& next = planned_.front().action;
    if (next.kind == Action::Kind::reset) throw net::Closed("connection reset", Reason::reset);
    if (next.kind == Action::Kind::close) throw net::Closed("connection ended", Reason::ended);
    auto room = make_room();
    auto bytes = std::min(room.size, next.bytes.size() - taken_);
    std::memcpy(room.to, next.bytes.data() + taken_, bytes);
    received(bytes);
    taken_ += bytes;
    if (taken_ < next.bytes.size()) co_return;
    planned_.pop_front();
    taken_ = 0;
  }
  [[nodiscard]] Task<bool> receive_or_bell() override {
    co_await receive();
    co_return true;
  }
  [[nodiscard]] Task<> send() override {
    auto bytes = std::exchange(output_, {});
    if (machine_->is_over()) {
      if (clock_.steady() >= free_at_) throw net::Closed("connection reset", Reason::reset);
      co_return;
    }
    plan(machine_->receive(bytes, clock_.now()));
  }

 private:
  struct Planned {
    Steady due;
    Action action;
  };
  // The server does one thing at a time.
  void plan(std::vector<Action> actions) {
    free_at_ = std::max(free_at_, clock_.steady());
    for (auto& action : actions) {
      free_at_ += action.after;
      planned_.push_back({free_at_, std::move(action)});
    }
  }

  const Clock& clock_;
  std::unique_ptr<SessionMachine> machine_;
  Steady deadline_ = Steady::max();
  Steady free_at_{};
  std::deque<Planned> planned_;
  std::size_t taken_ = 0;  // of the first one's bytes
};

std::string host_at(const ProviderScript& script, const std::string& address) {
  for (const auto& host : script.hosts)
    if (std::ranges::find(host.addresses, address) != host.addresses.end()) return host.name;
  return script.id;
}

}  // namespace

Task<net::Dialer::Answer> SimDialer::dial(net::Destination destination) {
  using Kind = net::DialFailure::Kind;
  auto* provider = providers_.at(destination.address);
  if (provider == nullptr)
    co_return std::unexpected(net::DialFailure{Kind::refused, "nobody listens there"});
  std::string peer = destination.from.empty() ? usual_caller : destination.from;
  auto act = provider->call(peer, clock_.now());
  auto wait = provider->latency(Stage::connect, clock_.now());
  bool is_silent = act.kind == Act::Kind::timeout || wait > destination.timeout;
  co_await clock_.sleep(is_silent ? microseconds(destination.timeout) : wait);
  bool is_closed = act.kind == Act::Kind::refuse;
  if (is_silent && act.kind != Act::Kind::timeout && !is_closed) provider->left(peer);
  if (is_silent) co_return std::unexpected(net::DialFailure{Kind::timed_out, "no answer"});
  if (is_closed) co_return std::unexpected(net::DialFailure{Kind::refused, "connection refused"});
  auto machine = std::make_unique<SessionMachine>(
      *provider, host_at(provider->script(), destination.address), peer, std::move(act));
  auto stream = std::make_unique<SimStream>(clock_, std::move(machine));
  stream->set_peer({destination.address, destination.port, peer, 40'000});
  co_return stream;
}

void fill(dns::FakeResolver& resolver, const Script& script) {
  for (const auto& provider : script.providers) {
    std::uint16_t preference = 0;
    for (const auto& host : provider.hosts) {
      preference = static_cast<std::uint16_t>(preference + 10);
      for (const auto& domain : provider.domains) resolver.add_mx(domain, preference, host.name);
      for (const auto& address : host.addresses) resolver.add_a(host.name, address);
    }
  }
}

}  // namespace todoke::provsim
