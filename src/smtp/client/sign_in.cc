// AUTH at a smarthost.  RFC 4954.
#include "base/encoding.h"
#include "base/worker_pool.h"
#include "crypto/scram_client.h"
#include "smtp/client/client.h"

#include <utility>

namespace todoke::smtp {
namespace {

constexpr int challenge = 334;

// What is behind a 334, without base64.
Result<std::string> decode_challenge(const Reply& reply) {
  auto text = reply.lines.empty() ? std::string() : reply.lines.back();
  auto decoded = base64_decode(text);
  if (!decoded) return fail(Errc::invalid, "The server's challenge is not base64");
  return *std::move(decoded);
}

Task<Result<std::string>> prove(crypto::ScramClient* client, std::string server_first,
                                WorkerPool* pool) {
  auto work = [&] { return client->client_final(server_first); };
  if (pool == nullptr) co_return work();
  co_return co_await pool->run(work);
}

}  // namespace

Task<Client::Step> Client::sign_in() {
  if (!options_.login) co_return Step{};
  if (io_.tls() == nullptr && !io_.peer().is_loopback()) {
    state_ = State::bye;
    co_return std::unexpected(
        Ending{Stage::auth, Breakdown::tls, {}, "The password is not sent without TLS"});
  }
  Heard heard = std::unexpected(
      Ending{Stage::auth, Breakdown::none, {}, "The server offers no way to sign in that we know"});
  if (offer_.has_auth("SCRAM-SHA-256"))
    heard = co_await sign_in_with_scram();
  else if (offer_.has_auth("PLAIN"))
    heard = co_await sign_in_with_plain();
  else if (offer_.has_auth("LOGIN"))
    heard = co_await sign_in_with_login();
  if (!heard) {
    if (state_ != State::broken) state_ = State::bye;
    co_return std::unexpected(std::move(heard).error());
  }
  if (heard->code >= 400) co_return refused(Stage::auth, *std::move(heard));
  if (heard->code != 235) co_return out_of_place(Stage::auth, *std::move(heard));
  co_return Step{};
}

// RFC 5802 §3.  The server's last message comes as a challenge of its own (RFC 4954 §4); only when
// it proves that the server knows the password, too, are we signed in.
Task<Client::Heard> Client::sign_in_with_scram() {
  auto time = options_.timeouts.command;
  auto begun = crypto::ScramClient::start({"", options_.login->user, options_.login->password},
                                          crypto::ScramClient::Binding::unsupported);
  if (!begun)
    co_return std::unexpected(Ending{Stage::auth, Breakdown::none, {}, begun.error().text});
  auto heard =
      co_await ask(Stage::auth, "AUTH SCRAM-SHA-256 " + base64_encode(begun->client_first()), time,
                   Said::secret);
  if (!heard || heard->code != challenge) co_return heard;
  auto first = decode_challenge(*heard);
  if (!first) co_return break_off(Stage::auth, Breakdown::garbage, first.error().text);
  auto proof = co_await prove(&*begun, *std::move(first), options_.pool);
  if (!proof) co_return break_off(Stage::auth, Breakdown::garbage, proof.error().text);
  heard = co_await ask(Stage::auth, base64_encode(*proof), time, Said::secret);
  if (!heard || heard->code >= 400) co_return heard;
  // deviation: RFC 4954 §4 — some servers put the last message behind 235.
  auto last = decode_challenge(*heard);
  if (!last) co_return break_off(Stage::auth, Breakdown::garbage, last.error().text);
  if (auto genuine = begun->check(*last); !genuine)
    co_return break_off(Stage::auth, Breakdown::garbage, genuine.error().text);
  if (heard->code != challenge) co_return heard;
  co_return co_await ask(Stage::auth, "", time, Said::secret);
}

// RFC 4616 §2.
Task<Client::Heard> Client::sign_in_with_plain() {
  std::string message;
  message += '\0';
  message += options_.login->user;
  message += '\0';
  message += options_.login->password;
  co_return co_await ask(Stage::auth, "AUTH PLAIN " + base64_encode(message),
                         options_.timeouts.command, Said::secret);
}

// No RFC defines it: the server asks for a name, then for a password.
Task<Client::Heard> Client::sign_in_with_login() {
  auto time = options_.timeouts.command;
  auto heard = co_await ask(Stage::auth, "AUTH LOGIN", time, Said::secret);
  if (!heard || heard->code != challenge) co_return heard;
  heard = co_await ask(Stage::auth, base64_encode(options_.login->user), time, Said::secret);
  if (!heard || heard->code != challenge) co_return heard;
  co_return co_await ask(Stage::auth, base64_encode(options_.login->password), time, Said::secret);
}

}  // namespace todoke::smtp
