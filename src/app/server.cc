#include "app/server.h"

#include "app/installation.h"
#include "app/listeners.h"
#include "app/outgoing.h"
#include "app/privileges.h"
#include "app/ready_file.h"
#include "base/log.h"
#include "net/runtime.h"

#include <algorithm>
#include <filesystem>
#include <signal.h>
#include <thread>
#include <unistd.h>

namespace todoke::app {
namespace {

using namespace std::chrono_literals;

constexpr auto grace = 10s;

log::Level to_level(std::string_view name) {
  if (name == "debug") return log::Level::debug;
  if (name == "warn") return log::Level::warn;
  return name == "error" ? log::Level::error : log::Level::info;
}

void start_log(const Config& config) {
  log::start({.level = to_level(config.log_level),
              .format = config.log_format == "json" ? log::Format::json : log::Format::text,
              .file = config.log_file});
}

// The signals that the main thread waits for; blocked before any thread is made, so that all
// inherit.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

Result<std::unique_ptr<net::TlsHolder>> open_tls(const Config& config) {
  net::CertificateFiles files{config.tls_certificate, config.tls_key};
  if (files.certificate.empty()) {
    files = {config.data + "/tls-certificate.pem", config.data + "/tls-key.pem"};
    if (!std::filesystem::exists(files.certificate))
      TRY_OK(net::write_self_signed(config.host, files));
  }
  auto holder = std::make_unique<net::TlsHolder>(std::vector{files});
  TRY_OK(holder->reload());
  return holder;
}

// Forgets what is 30 days old and gives disk space back, a little at a time, for as long as we run.
Task<> keep_house(Installation& installation, const std::atomic<bool>& stopping) {  // NOLINT
  co_await installation.store().account_for_blobs();
  while (!stopping) {
    int purged = 0;
    std::uint64_t freed = 0;
    try {
      directory::Actor keeper{"todoke", "local"};
      purged = co_await installation.directory().purge_deleted(std::move(keeper));
      purged += co_await installation.store().purge_some();
      freed = co_await installation.store().compact_some();
    } catch (const std::runtime_error& e) {
      log::warn("app.housekeeping_failed", {{"error", e.what()}});
    }
    // Short steps, so that a stop does not wait for us.
    auto rest = purged > 0 || freed > 0 ? 1s : 60s;
    for (auto waited = 0s; waited < rest && !stopping; waited += 1s)
      co_await installation.clock().sleep(1s);
  }
}

// Until a signal asks for the end.
void wait_for_stop(const sigset_t& signals, net::TlsHolder& tls) {
  for (;;) {
    int signal = sigwaitinfo(&signals, nullptr);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal != SIGHUP) continue;
    log::reopen();
    auto reloaded = tls.reload();
    if (reloaded)
      log::info("app.reloaded");
    else
      log::error("app.reload_failed", {{"error", reloaded.error().text}});
  }
}

void shut_down(net::Runtime& runtime, Listeners& listeners, Outgoing& outgoing) {
  listeners.stop();
  outgoing.stop();
  runtime.interrupt_idle();
  auto latest = std::chrono::steady_clock::now() + grace;
  auto works = [&] { return listeners.connections() > 0 || !outgoing.is_idle(); };
  while (works() && std::chrono::steady_clock::now() < latest) std::this_thread::sleep_for(10ms);
  if (listeners.connections() > 0)
    log::warn("app.cut_connections", {{"count", listeners.connections()}});
  runtime.close_all();
  listeners.drain();
  outgoing.drain();
}

}  // namespace

Result<> serve(const Config& config, const ServeOptions& options) {
  TRY_OK(become_user(config.user, config.data));
  auto signals = block_signals();
  SystemClock clock;
  std::unique_ptr<Installation> installation;
  // These start threads of their own, which need no right to bind.
  auto open = [&]() -> Result<> {
    start_log(config);
    TRY(installation, Installation::open(config, clock));
    return {};
  };
  TRY_OK(without_binding(open));
  TRY(auto tls, open_tls(config));
  int threads = config.io_threads > 0
                    ? config.io_threads
                    : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  net::Runtime runtime(clock, threads);
  std::unique_ptr<Outgoing> outgoing;
  // The resolver's thread, too, needs no right.
  auto open_outgoing = [&]() -> Result<> {
    TRY(outgoing, Outgoing::open(*installation, runtime));
    return {};
  };
  TRY_OK(without_binding(open_outgoing));
  TRY(auto listeners, Listeners::open(*installation, *tls, runtime));
  TRY_OK(give_up_binding());
  runtime.start();
  listeners->start();
  outgoing->start();
  std::atomic<bool> stopping = false;
  runtime.spawn(0, "housekeeping", keep_house(*installation, stopping));
  if (!options.ready_file.empty())
    TRY_OK(write_ready_file(options.ready_file, listeners->ready(), options.accounts_file));
  log::info("app.ready", {{"host", config.host}, {"pid", getpid()}});
  wait_for_stop(signals, *tls);
  log::info("app.stopping");
  stopping = true;
  if (!options.ready_file.empty()) std::filesystem::remove(options.ready_file);
  shut_down(runtime, *listeners, *outgoing);
  runtime.stop();
  log::info("app.stopped");
  log::stop();
  return {};
}

}  // namespace todoke::app
