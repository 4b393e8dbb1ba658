#pragma once

#include "base/metrics.h"
#include "queue/core.h"
#include "queue/notifier.h"
#include "queue/queue.h"
#include "queue/smarthost.h"

#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace todoke::queue {

// Inside Queue, for this folder alone.  On the queue's thread, but for what the mutex guards.
struct Queue::Impl {
  explicit Impl(Parts given) : core(std::move(given)), watch_alarm(core.parts.clock) {}

  Core core;
  metrics::Gauge connections_gauge{"queue_connections", "Connections to other servers that send",
                                   "", [this] { return static_cast<double>(core.connections); }};
  Alarm watch_alarm;
  Notifier notifier{core};
  int lookups = 0;
  Time delays_noted_until{};
  std::map<std::int64_t, Smarthost> smarthosts;

  std::mutex mutex;
  struct News {
    std::vector<LineKey> lines;
    Time due;
    bool is_wanted_now;
  };
  std::vector<News> news;                                           // guarded by mutex
  std::optional<Holds> new_holds;                                   // guarded by mutex
  std::optional<std::map<std::int64_t, Smarthost>> new_smarthosts;  // guarded by mutex

  struct Question {
    LineKey line;
    std::optional<Standing> standing{};
    Completion answered{};
  };
  std::vector<Question*> questions;  // guarded by mutex
  bool answers = false;              // guarded by mutex

  void take_news();
  void answer(bool yes);
  Standing standing_of(const LineKey& line) const;
  // Each holds the gate open from the moment it is spawned.
  Task<> resolve(std::string destination, net::Gate::Pass pass);
  Task<> send_at(Site* site, net::Gate::Pass pass);
  Task<> tell_senders(net::Gate::Pass pass);
  Task<> watch(net::Gate::Pass pass);
  Task<> read_lines();
  Task<> expire_old();
  void look_for_progress();
  Task<> purge();
  Task<> set_route(std::string destination, Route route, std::chrono::seconds ttl);
  Task<Holds> read_all_holds();
  Task<std::map<std::int64_t, Smarthost>> read_smarthosts();
  Result<Route> smarthost_route(std::int64_t organisation_id) const;
};

}  // namespace todoke::queue
