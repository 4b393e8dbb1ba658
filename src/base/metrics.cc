#include "base/metrics.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace todoke::metrics {
namespace {

struct GaugeEntry {
  std::string name, help, labels;
  std::function<double()> value;
};
struct HistogramEntry {
  std::string name, help;
};
struct TransparentHash : std::hash<std::string_view> {
  using is_transparent = void;
};

// What the page is made of.  One per process, as the page is.
struct Registry {
  std::shared_mutex mutex;
  std::unordered_map<std::string, std::atomic<std::uint64_t>, TransparentHash, std::equal_to<>>
      events;
  std::map<const Gauge*, GaugeEntry> gauges;
  std::map<const Histogram*, HistogramEntry> histograms;
};

Registry& registry() {
  static Registry the_registry;
  return the_registry;
}

void render_head(std::string& out, std::string_view name, std::string_view help,
                 std::string_view type) {
  fmt::format_to(std::back_inserter(out), "# HELP todoke_{0} {1}\n# TYPE todoke_{0} {2}\n", name,
                 help, type);
}

void render_histogram(std::string& out, const HistogramEntry& entry, const Histogram& histogram) {
  auto reading = histogram.read();
  render_head(out, entry.name, entry.help, "histogram");
  std::uint64_t total = 0;
  double limit = histogram.smallest();
  auto put = std::back_inserter(out);
  for (int i = 0; i < Histogram::buckets; ++i, limit *= 2) {
    total += reading.counts[i];
    fmt::format_to(put, "todoke_{}_bucket{{le=\"{:.6g}\"}} {}\n", entry.name, limit, total);
  }
  total += reading.counts[Histogram::buckets];
  fmt::format_to(put,
                 "todoke_{0}_bucket{{le=\"+Inf\"}} {1}\ntodoke_{0}_sum {2}\ntodoke_{0}_count {1}\n",
                 entry.name, total, reading.sum);
}

}  // namespace

void count_event(std::string_view event) {
  auto& all = registry();
  {
    std::shared_lock lock(all.mutex);
    if (auto found = all.events.find(event); found != all.events.end()) {
      found->second.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
  std::unique_lock lock(all.mutex);
  all.events[std::string(event)].fetch_add(1, std::memory_order_relaxed);
}

Gauge::Gauge(std::string name, std::string help, std::string labels,
             std::function<double()> value) {
  std::unique_lock lock(registry().mutex);
  registry().gauges[this] = {std::move(name), std::move(help), std::move(labels), std::move(value)};
}

Gauge::~Gauge() {
  std::unique_lock lock(registry().mutex);
  registry().gauges.erase(this);
}

Histogram::Histogram(std::string name, std::string help, double smallest) : smallest_(smallest) {
  std::unique_lock lock(registry().mutex);
  registry().histograms[this] = {std::move(name), std::move(help)};
}

Histogram::~Histogram() {
  std::unique_lock lock(registry().mutex);
  registry().histograms.erase(this);
}

void Histogram::observe(double value) {
  int bucket = 0;
  for (double limit = smallest_; bucket < buckets && value > limit; limit *= 2) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Reading Histogram::read() const {
  Reading reading{};
  for (int i = 0; i <= buckets; ++i) reading.counts[i] = counts_[i].load(std::memory_order_relaxed);
  reading.sum = sum_.load(std::memory_order_relaxed);
  return reading;
}

std::string render() {
  auto& all = registry();
  std::shared_lock lock(all.mutex);
  std::string out;
  auto put = std::back_inserter(out);
  render_head(out, "events_total", "Events by name, as in the log.", "counter");
  std::map<std::string_view, std::uint64_t> sorted;
  for (const auto& [event, count] : all.events) sorted[event] = count.load();
  for (auto [event, count] : sorted)
    fmt::format_to(put, "todoke_events_total{{event=\"{}\"}} {}\n", event, count);
  std::map<std::string_view, std::vector<const GaugeEntry*>> gauges;
  for (const auto& [_, entry] : all.gauges) gauges[entry.name].push_back(&entry);
  for (const auto& [name, entries] : gauges) {
    render_head(out, name, entries.front()->help, "gauge");
    for (const auto* entry : entries) {
      auto labels = entry->labels.empty() ? "" : "{" + entry->labels + "}";
      fmt::format_to(put, "todoke_{}{} {:.10g}\n", name, labels, entry->value());
    }
  }
  for (const auto& [histogram, entry] : all.histograms) render_histogram(out, entry, *histogram);
  return out;
}

}  // namespace todoke::metrics
