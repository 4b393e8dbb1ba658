#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

// Numbers for Prometheus (text exposition format 0.0.4).  Counts of events come from log.h by
// themselves as todoke_events_total{event="smtp.accepted"}; this header is for all else.
namespace todoke::metrics {

// Adds to the count of `event`; log.h calls it for every line, also for those below its level.
void count_event(std::string_view event);

// A value read when the page is asked for.  `name` without the prefix, e.g. "net_connections";
// `labels` like `listener="smtp"` or empty.  The registration ends with the object.
class Gauge {
 public:
  Gauge(std::string name, std::string help, std::string labels, std::function<double()> value);
  ~Gauge();
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;
};

// Time or size distribution in powers of two from `smallest`; lock-free to observe.
class Histogram {
 public:
  Histogram(std::string name, std::string help, double smallest);
  ~Histogram();
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;
  void observe(double value);

  static constexpr int buckets = 20;
  struct Reading {
    std::uint64_t counts[buckets + 1];
    double sum;
  };
  Reading read() const;
  double smallest() const { return smallest_; }

 private:
  double smallest_;
  std::atomic<std::uint64_t> counts_[buckets + 1]{};
  std::atomic<double> sum_{0};
};

// The whole page.
std::string render();

}  // namespace todoke::metrics
