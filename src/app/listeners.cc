#include "app/listeners.h"

#include "app/admin/socket_server.h"
#include "app/metrics_server.h"
#include "smtp/server/session.h"

namespace todoke::app {
namespace {

constexpr int submission_recipients_per_hour = 2000;

// A session's frame holds the session for as long as the connection lasts.
Task<> run_smtp(net::Stream& io, smtp::Server& server) {  // NOLINT: both outlive the session
  smtp::Session session(io, server);
  co_await session.run();
}

}  // namespace

Listeners::Listeners(Installation& installation, net::TlsHolder& tls, net::Runtime& runtime)
    : installation_(installation),
      tls_(tls),
      runtime_(runtime),
      submission_rate_(installation.clock(), submission_recipients_per_hour),
      pop3_server_{.store = installation.store(),
                   .directory = installation.directory(),
                   .clock = installation.clock(),
                   .ids = installation.ids(),
                   .tls = &tls,
                   .host = installation.config().host},
      imap_server_{
          .store = installation.store(),
          .directory = installation.directory(),
          .delivery = installation.delivery(),
          .clock = installation.clock(),
          .ids = installation.ids(),
          .tls = &tls,
          .host = installation.config().host,
          .append_limit = static_cast<std::uint64_t>(installation.config().max_message_size)} {}

Result<std::unique_ptr<Listeners>> Listeners::open(Installation& installation, net::TlsHolder& tls,
                                                   net::Runtime& runtime) {
  std::unique_ptr<Listeners> made(new Listeners(installation, tls, runtime));
  for (const auto& config : installation.config().listeners) TRY_OK(made->add(config));
  TRY(auto admin, open_admin_socket(runtime, installation));
  made->adopt(std::move(admin));
  if (const auto& address = installation.config().metrics; !address.empty()) {
    TRY(auto metrics, open_metrics(runtime, address));
    made->adopt(std::move(metrics));
  }
  return made;
}

net::Listener::Session Listeners::smtp_session(const ListenerConfig& config, smtp::Face face) {
  const auto& host = installation_.config().host;
  auto& server = smtp_servers_.emplace_back(
      smtp::Server{.face = face,
                   .host = host,
                   .delivery = installation_.delivery(),
                   .directory = installation_.directory(),
                   .clock = installation_.clock(),
                   .ids = installation_.ids(),
                   .rate = submission_rate_,
                   .tls = &tls_,
                   .allow_plain_text_login = config.plain_text_login,
                   .max_message_size = installation_.config().max_message_size,
                   .farewells = smtp::Server::make_farewells(host)});
  return [&server](net::Stream& io) { return run_smtp(io, server); };
}

net::Listener::Session Listeners::pop3_session(const ListenerConfig& config) {
  auto plain =
      config.plain_text_login ? pop3::PlainTextLogin::allowed : pop3::PlainTextLogin::refused;
  return [this, plain](net::Stream& io) { return pop3::serve(pop3_server_, io, plain); };
}

net::Listener::Session Listeners::imap_session(const ListenerConfig& config) {
  auto plain =
      config.plain_text_login ? imap::PlainTextLogin::allowed : imap::PlainTextLogin::refused;
  return [this, plain](net::Stream& io) { return imap::serve(imap_server_, io, plain); };
}

Result<> Listeners::add(const ListenerConfig& config) {
  net::ListenerOptions options{.name = config.protocol,
                               .address = config.address,
                               .port = config.port,
                               .tls = &tls_,
                               .proxies = config.proxies};
  const auto& protocol = config.protocol;
  options.implicit_tls = protocol == "submissions" || protocol == "pop3s" || protocol == "imaps";
  if (protocol == "pop3" || protocol == "pop3s") {
    options.too_many = "-ERR [SYS/TEMP] too many connections, please try again later\r\n";
    return add_service(std::move(options), pop3_session(config));
  }
  if (protocol == "imap" || protocol == "imaps") {
    options.too_many = "* BYE [UNAVAILABLE] Too many connections, please try again later\r\n";
    return add_service(std::move(options), imap_session(config));
  }
  options.too_many = "421 4.7.0 too many connections, please try again later\r\n";
  auto face = protocol == "smtp"   ? smtp::Face::mx
              : protocol == "lmtp" ? smtp::Face::lmtp
                                   : smtp::Face::submission;
  return add_service(std::move(options), smtp_session(config, face));
}

Result<> Listeners::add_service(net::ListenerOptions options, net::Listener::Session session) {
  TRY(auto listener, net::Listener::open(runtime_, std::move(options), std::move(session)));
  adopt(std::move(listener));
  return {};
}

void Listeners::adopt(std::unique_ptr<net::Listener> listener) {
  const auto& name = listener->options().name;
  gauges_.push_back(std::make_unique<metrics::Gauge>(
      "net_connections", "Connections open now.", "listener=\"" + name + "\"",
      [l = listener.get()] { return static_cast<double>(l->connections()); }));
  listeners_.push_back(std::move(listener));
}

void Listeners::start() {
  for (auto& listener : listeners_) listener->start();
}

void Listeners::stop() {
  for (auto& listener : listeners_) listener->stop();
}

std::size_t Listeners::connections() const {
  std::size_t sum = 0;
  for (const auto& listener : listeners_) sum += listener->connections();
  return sum;
}

void Listeners::drain() {
  for (auto& listener : listeners_) block_on(listener->drained());
}

std::vector<Reachable> Listeners::ready() const {
  std::vector<Reachable> all;
  for (const auto& listener : listeners_)
    if (listener->options().name != "admin")
      all.push_back({listener->options().name, listener->options().address, listener->port()});
  return all;
}

}  // namespace todoke::app
