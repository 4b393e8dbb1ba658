#include "directory/sasl_server.h"

#include "base/ascii.h"
#include "base/assert.h"
#include "crypto/sasl.h"
#include "crypto/scram.h"
#include "directory/directory.h"
#include "net/stream.h"

#include <variant>

namespace todoke::directory {
namespace {

// Strongest first: RFC 9266 before RFC 5929.
constexpr std::string_view binding_types[] = {"tls-exporter", "tls-server-end-point"};

bool can_bind(const net::Stream& io) {
  for (auto type : binding_types)
    if (io.channel_binding(type)) return true;
  return false;
}

std::vector<crypto::ChannelBinding> bindings(const net::Stream& io) {
  std::vector<crypto::ChannelBinding> found;
  for (auto type : binding_types)
    if (auto data = io.channel_binding(type)) found.push_back({std::string(type), *data});
  return found;
}

using Step = SaslServer::Step;

Step challenge(std::string_view text) {
  return {.kind = Step::Kind::challenge, .challenge = std::string(text), .principal = {}};
}
Step failed(Error error) {
  return {.kind = Step::Kind::failed, .challenge = {}, .principal = {}, .error = std::move(error)};
}
Step failed(Errc code, std::string text) {
  return failed(Error{code, std::move(text)});
}
Step done(Principal principal) {
  return {.kind = Step::Kind::done, .challenge = {}, .principal = std::move(principal)};
}

// RFC 4422 §2: nobody acts as somebody else here.
bool acts_as_itself(std::string_view authorization_identity, std::string_view user_name) {
  return authorization_identity.empty() ||
         ascii::equal_ignoring_case(authorization_identity, user_name);
}

Step not_as_another() {
  return failed(Errc::denied, "acting as another user is not possible");
}

struct Plain {};

struct Scram {
  crypto::ScramServer server;
  SignIn request{};
  std::optional<Principal> principal{};  // valid once the proof was right
  enum class Awaits { first, proof, acknowledgement } awaits = Awaits::first;
};

}  // namespace

struct SaslServer::Impl {
  Impl(Directory& the_directory, const net::Stream& the_io, Service the_service)
      : directory(the_directory), io(the_io), service(the_service) {}

  SignIn request(std::string login, std::string password) const {
    const auto& peer = io.peer();
    return {.login = std::move(login),
            .password = std::move(password),
            .service = service,
            .listener = peer.local_address,
            .network = peer.network(),
            .source = peer.address};
  }

  [[nodiscard]] Task<Step> take(std::string message);
  [[nodiscard]] Task<Step> plain(std::string message);
  [[nodiscard]] Task<Step> login(std::string message);
  [[nodiscard]] Task<Step> scram(std::string message);
  [[nodiscard]] Task<Step> sign_in(crypto::SaslCredentials credentials);
  [[nodiscard]] Task<Step> scram_first(std::string message);
  [[nodiscard]] Task<Step> scram_proof(std::string message);

  Directory& directory;
  const net::Stream& io;
  const Service service;
  std::variant<std::monostate, Plain, crypto::SaslLogin, Scram> exchange;
};

SaslServer::SaslServer(Directory& directory, const net::Stream& io, Service service)
    : impl_(std::make_unique<Impl>(directory, io, service)) {}

SaslServer::~SaslServer() = default;

std::vector<std::string_view> SaslServer::mechanisms(const net::Stream& io, bool allow_plain_text) {
  std::vector<std::string_view> offer;
  if (can_bind(io)) offer.push_back("SCRAM-SHA-256-PLUS");
  offer.push_back("SCRAM-SHA-256");
  if (io.tls() != nullptr || allow_plain_text) {
    offer.push_back("PLAIN");
    offer.push_back("LOGIN");
  }
  return offer;
}

Task<Step> SaslServer::start(std::string mechanism, std::optional<std::string> initial) {
  auto& exchange = impl_->exchange;
  using enum crypto::ScramMechanism;
  std::string_view question;
  if (mechanism == "PLAIN") {
    exchange.emplace<Plain>();
  } else if (mechanism == "LOGIN") {
    question = exchange.emplace<crypto::SaslLogin>().challenge();
  } else if (mechanism == "SCRAM-SHA-256" || mechanism == "SCRAM-SHA-256-PLUS") {
    auto which = mechanism == "SCRAM-SHA-256" ? scram_sha_256 : scram_sha_256_plus;
    exchange.emplace<Scram>(crypto::ScramServer(which, bindings(impl_->io)));
  } else {
    co_return failed(Errc::invalid, "an unknown mechanism");
  }
  if (!initial) co_return challenge(question);
  co_return co_await impl_->take(*std::move(initial));
}

Task<Step> SaslServer::respond(std::string message) {
  return impl_->take(std::move(message));
}

Task<Step> SaslServer::Impl::take(std::string message) {
  if (std::holds_alternative<Plain>(exchange)) return plain(std::move(message));
  if (std::holds_alternative<crypto::SaslLogin>(exchange)) return login(std::move(message));
  TODOKE_ASSERT(std::holds_alternative<Scram>(exchange));
  return scram(std::move(message));
}

// RFC 4616 §2.
Task<Step> SaslServer::Impl::plain(std::string message) {
  auto credentials = crypto::parse_sasl_plain(message);
  if (!credentials) co_return failed(credentials.error());
  co_return co_await sign_in(*std::move(credentials));
}

Task<Step> SaslServer::Impl::login(std::string message) {
  auto& questions = std::get<crypto::SaslLogin>(exchange);
  if (auto taken = questions.take(message); !taken) co_return failed(taken.error());
  if (!questions.complete()) co_return challenge(questions.challenge());
  co_return co_await sign_in(questions.credentials());
}

Task<Step> SaslServer::Impl::sign_in(crypto::SaslCredentials credentials) {
  if (!acts_as_itself(credentials.authorization_identity, credentials.user_name))
    co_return not_as_another();
  auto principal = co_await directory.sign_in(
      request(std::move(credentials.user_name), std::move(credentials.password)));
  if (!principal) co_return failed(principal.error());
  co_return done(*std::move(principal));
}

Task<Step> SaslServer::Impl::scram(std::string message) {
  auto& state = std::get<Scram>(exchange);
  switch (state.awaits) {
    case Scram::Awaits::first:
      return scram_first(std::move(message));
    case Scram::Awaits::proof:
      return scram_proof(std::move(message));
    case Scram::Awaits::acknowledgement:
      break;
  }
  auto finish = [](Step step) -> Task<Step> { co_return step; };
  if (!message.empty()) return finish(failed(Errc::invalid, "text after the end of the exchange"));
  return finish(done(*std::move(state.principal)));
}

// RFC 5802 §5.  Who does not exist is asked for a proof too, with keys that no password fits.
Task<Step> SaslServer::Impl::scram_first(std::string message) {
  auto& state = std::get<Scram>(exchange);
  auto claim = state.server.client_first(message);
  if (!claim) co_return failed(Errc::invalid, claim.error().text);
  if (!acts_as_itself(claim->authorization_identity, claim->user_name)) co_return not_as_another();
  state.request = request(claim->user_name, "");
  auto found = co_await directory.scram_keys(state.request);
  if (!found) co_return failed(found.error());
  auto secret = co_await directory.fake_salt_secret();
  if (!secret) co_return failed(secret.error());
  auto keys = crypto::fake_scram_keys(*secret, ascii::to_lower(claim->user_name));
  if (*found) {
    auto stored = crypto::decode_scram((*found)->keys);
    if (!stored) co_return failed(Errc::unavailable, stored.error().text);
    keys = *std::move(stored);
    state.principal = std::move((*found)->principal);
  }
  state.awaits = Scram::Awaits::proof;
  co_return challenge(state.server.server_first(std::move(keys)));
}

Task<Step> SaslServer::Impl::scram_proof(std::string message) {
  auto& state = std::get<Scram>(exchange);
  auto last = state.server.client_final(message);
  if (!last) state.principal.reset();
  // The fake keys fit no proof, but nobody gets in without a principal in any case.
  auto settled = co_await directory.scram_done(state.request, state.principal);
  if (!settled) co_return failed(settled.error());
  if (!last || !state.principal)
    co_return failed(Errc::denied, last ? "no such login" : last.error().text);
  state.awaits = Scram::Awaits::acknowledgement;
  co_return challenge(*last);
}

}  // namespace todoke::directory
