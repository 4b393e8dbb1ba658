#include "app/outgoing.h"

#include "app/returned_mail.h"
#include "app/sts_fetcher.h"
#include "base/log.h"
#include "dns/unbound_resolver.h"
#include "http/client.h"
#include "net/dialer.h"
#include "provider/book.h"
#include "queue/queue.h"
#include "queue/signer.h"

#include <thread>

namespace todoke::app {
namespace {

// Notices go through the one door of all mail.
class Mailroom final : public queue::Postman {
 public:
  explicit Mailroom(Installation& installation) : installation_(installation) {}

  Task<Result<>> post(std::string to, std::string text) override {
    auto& delivery = installation_.delivery();
    CO_TRY(auto path, smtp::parse_address(to));
    CO_TRY(auto route, co_await delivery.accepts(path, true, text.size()));
    delivery::Envelope envelope{.id = installation_.ids().next(), .origin = "notice"};
    envelope.recipients.push_back({.path = std::move(path), .route = std::move(route)});
    auto message = delivery.begin();
    message.set_trace("Return-Path: <>\r\n");
    CO_TRY_OK(message.append(text));
    CO_TRY_OK(co_await delivery.accept(std::move(envelope), std::move(message)));
    co_return Result<>();
  }

 private:
  Installation& installation_;
};

}  // namespace

struct Outgoing::Impl {
  Impl(Installation& given, net::Runtime& loops, std::unique_ptr<dns::UnboundResolver> asks,
       std::shared_ptr<const net::TlsClient> certificates)
      : installation(given),
        runtime(loops),
        thread(loops.threads() - 1),
        resolver(std::move(asks)),
        tls(std::move(certificates)),
        dialer(loops),
        web(given.clock(), *resolver, dialer, tls),
        sts_fetcher(web),
        sts(given.db(), given.clock(), *resolver, sts_fetcher),
        mailroom(given),
        desk(provider::Book::built_in(), envelope_key(given.db())),
        returned_mail(given, desk),
        signer(given.dkim_keys(), given.clock(), given.pool(), given.config().host),
        queue(parts()) {}

  queue::Parts parts() {
    const auto& config = installation.config();
    queue::Options options{.helo = config.host,
                           .port = config.outgoing_port,
                           .source = config.outgoing_address,
                           .sends = config.outgoing};
    // Only a test sends to this machine; there the port is another, too.
    if (config.outgoing_port != 25) options.loopback = dns::Loopback::allowed;
    return {.db = installation.db(),
            .blobs = installation.blobs(),
            .clock = installation.clock(),
            .ids = installation.ids(),
            .pool = installation.pool(),
            .resolver = *resolver,
            .dialer = dialer,
            .book = provider::Book::built_in(),
            .tls = tls,
            .sts = &sts,
            .options = std::move(options),
            .signer = &signer,
            .renderers = {},
            .postman = &mailroom,
            .bounce_address =
                [this](const queue::Message& message, queue::RecipientId recipient) {
                  return desk.address_of(message, recipient);
                },
            .spawn = [this](Task<> task) { runtime.spawn(thread, "queue", std::move(task)); }};
  }
  Task<> work();
  Task<> end();

  Installation& installation;
  net::Runtime& runtime;
  const int thread;
  std::unique_ptr<dns::UnboundResolver> resolver;
  std::shared_ptr<const net::TlsClient> tls;  // shared with connections
  net::TcpDialer dialer;
  http::Client web;
  HttpsStsFetcher sts_fetcher;
  trust::StsPolicies sts;
  Mailroom mailroom;
  queue::ReturnDesk desk;
  ReturnedMail returned_mail;
  queue::Signer signer;
  queue::Queue queue;
  std::atomic<bool> is_over = true;
};

Outgoing::Outgoing(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Outgoing::~Outgoing() {
  impl_->installation.queue().attach(nullptr);
  impl_->resolver->stop();
}

Result<std::unique_ptr<Outgoing>> Outgoing::open(Installation& installation,
                                                 net::Runtime& runtime) {
  const auto& config = installation.config();
  TRY(auto resolver, dns::UnboundResolver::open(
                         {.forwarder = config.dns, .trust_anchor_file = config.dns_trust_anchor}));
  TRY(auto tls, net::TlsClient::create());
  auto impl = std::make_unique<Impl>(installation, runtime, std::move(resolver), std::move(tls));
  installation.delivery().set_handlers({&impl->returned_mail});
  return std::unique_ptr<Outgoing>(new Outgoing(std::move(impl)));
}

Task<> Outgoing::Impl::work() {
  try {
    co_await queue.start();
    installation.queue().attach(&queue);
    // Mail that came between the two is found here.
    co_await queue.rescan();
    co_await queue.run();
  } catch (const std::runtime_error& e) {
    log::error("app.queue_failed", {{"error", e.what()}});
  }
}

Task<> Outgoing::Impl::end() {
  co_await queue.stop();
  is_over = true;
}

void Outgoing::start() {
  impl_->is_over = false;
  impl_->runtime.spawn(impl_->thread, "queue", impl_->work());
}

void Outgoing::stop() {
  impl_->installation.queue().attach(nullptr);
  if (!impl_->is_over) impl_->runtime.spawn(impl_->thread, "queue", impl_->end());
}

bool Outgoing::is_idle() const {
  return impl_->is_over;
}

void Outgoing::drain() {
  while (!is_idle()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace todoke::app
