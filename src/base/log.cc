#include "base/log.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <fcntl.h>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace todoke::log {
namespace {

constexpr std::size_t max_pending = 16 << 20;
constexpr std::string_view level_names[] = {"debug", "info", "warn", "error"};

void append_escaped(std::string& out, std::string_view text) {
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (byte < 32 || byte == 127)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    else
      out += c;
  }
}

struct AppendValue {
  std::string& out;
  bool always_quote;
  void operator()(std::string_view text) const {
    bool plain = !always_quote && !text.empty() &&
                 text.find_first_of(" \"\\=\t\r\n") == text.npos && text[0] >= ' ';
    if (plain) {
      append_escaped(out, text);
      return;
    }
    out += '"';
    append_escaped(out, text);
    out += '"';
  }
  void operator()(std::int64_t n) const { fmt::format_to(std::back_inserter(out), "{}", n); }
  void operator()(double n) const { fmt::format_to(std::back_inserter(out), "{:.6g}", n); }
  void operator()(bool b) const { out += b ? "true" : "false"; }
};

std::string render_text(Time now, Level level, std::string_view event, Fields fields) {
  auto line =
      fmt::format("{} {:<5} {}", to_rfc3339(now), level_names[static_cast<int>(level)], event);
  for (const auto& field : fields) {
    (((line += ' ') += field.name()) += '=');
    std::visit(AppendValue{line, false}, field.value());
  }
  return line += '\n';
}

std::string render_json(Time now, Level level, std::string_view event, Fields fields) {
  auto line = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", to_rfc3339(now),
                          level_names[static_cast<int>(level)], event);
  for (const auto& field : fields) {
    line += ",\"";
    append_escaped(line, field.name());
    line += "\":";
    std::visit(AppendValue{line, true}, field.value());
  }
  return line += "}\n";
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nowhere left to complain to
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// The process's log.  A process has one standard error, so this is one object too.
class Sink {
 public:
  ~Sink() { stop(); }

  void start(const Options& options) {
    stop();
    options_ = options;
    level_.store(options.level);
    open();
    stopping_ = false;
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    level_.store(Level::warn);
    if (fd_ != STDERR_FILENO) ::close(fd_);
    fd_ = STDERR_FILENO;
  }

  void reopen() {
    std::lock_guard lock(mutex_);
    reopen_ = true;
  }

  bool enabled(Level level) const { return level >= level_.load(std::memory_order_relaxed); }

  void add(Level level, std::string_view event, Fields fields) {
    auto now = SystemClock().now();
    auto line = options_.format == Format::json ? render_json(now, level, event, fields)
                                                : render_text(now, level, event, fields);
    std::unique_lock lock(mutex_);
    if (!thread_.joinable() || stopping_) {
      write_all(STDERR_FILENO, line);
      return;
    }
    if (pending_.size() + line.size() > max_pending) {
      ++dropped_;
      return;
    }
    pending_ += line;
    bool urgent = level >= Level::warn || pending_.size() > (64 << 10);
    lock.unlock();
    if (urgent) wake_.notify_one();
  }

 private:
  void open() {
    if (options_.file.empty()) return;
    int fd = ::open(options_.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) return;  // keep writing where we do
    if (fd_ != STDERR_FILENO) ::close(fd_);
    fd_ = fd;
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait_for(lock, std::chrono::milliseconds(200));
      if (std::exchange(reopen_, false)) open();
      auto lines = std::exchange(pending_, {});
      auto dropped = std::exchange(dropped_, 0);
      bool last = stopping_;
      lock.unlock();
      write_all(fd_, lines);
      if (dropped > 0)
        write_all(fd_, render_text(SystemClock().now(), Level::warn, "log.dropped",
                                   {{"lines", dropped}}));
      lock.lock();
      if (last && pending_.empty()) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  bool reopen_ = false;
  std::atomic<Level> level_{Level::warn};
  Options options_;
  int fd_ = STDERR_FILENO;
  std::thread thread_;
};

Sink& sink() {
  static Sink the_sink;
  return the_sink;
}

}  // namespace

bool enabled(Level level) {
  return sink().enabled(level);
}

void write(Level level, std::string_view event, Fields fields) {
  metrics::count_event(event);
  if (enabled(level)) sink().add(level, event, fields);
}

void start(const Options& options) {
  sink().start(options);
}
void stop() {
  sink().stop();
}
void reopen() {
  sink().reopen();
}

}  // namespace todoke::log
