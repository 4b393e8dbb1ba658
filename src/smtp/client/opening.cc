// The beginning of a conversation: greeting, EHLO, STARTTLS.
#include "base/assert.h"
#include "smtp/client/client.h"

#include <fmt/format.h>

#include <utility>

namespace todoke::smtp {
namespace {

using Need = TlsPolicy::Need;

std::string describe(const net::TlsInfo& tls) {
  using Verified = net::TlsInfo::Verified;
  auto agreed = fmt::format("{} {}{}, ", tls.version, tls.cipher, tls.resumed ? ", resumed" : "");
  switch (tls.verified) {
    case Verified::dane:
      return agreed + "verified by DANE";
    case Verified::web_pki:
      return agreed + "verified";
    case Verified::none:
      break;
  }
  return agreed + "not verified" + (tls.why_not.empty() ? "" : ": " + tls.why_not);
}

}  // namespace

Task<std::expected<void, Ending>> Client::open() {
  TODOKE_ASSERT(state_ == State::fresh);
  state_ = State::talking;
  begin_overall();
  if (options_.policy.need == Need::implicit) CO_TRY_OK(co_await handshake());
  CO_TRY_OK(co_await greet());
  CO_TRY_OK(co_await say_hello());
  CO_TRY_OK(co_await agree_on_tls());
  CO_TRY_OK(co_await sign_in());
  rest();
  co_return Step{};
}

// RFC 5321 §3.1.
Task<Client::Step> Client::greet() {
  auto heard = co_await hear(Stage::connect, options_.timeouts.greeting);
  if (!heard) co_return std::unexpected(std::move(heard).error());
  greeting_ = *heard;
  if (heard->code == 220) co_return Step{};
  if (heard->is_positive()) co_return out_of_place(Stage::connect, *std::move(heard));
  co_return refused(Stage::connect, *std::move(heard));
}

// RFC 5321 §3.2: HELO for a server that refuses EHLO.  An LMTP server has no such choice
// (RFC 2033 §4.1).
Task<Client::Step> Client::say_hello() {
  bool lmtp = options_.protocol == Protocol::lmtp;
  auto heard = co_await ask(Stage::ehlo, (lmtp ? "LHLO " : "EHLO ") + options_.helo,
                            options_.timeouts.command);
  offer_ = {};
  bool extended = true;
  if (heard && heard->is_permanent() && !lmtp && state_ == State::talking) {
    extended = false;
    heard = co_await ask(Stage::ehlo, "HELO " + options_.helo, options_.timeouts.command);
  }
  if (!heard) co_return std::unexpected(std::move(heard).error());
  if (heard->code >= 400) co_return refused(Stage::ehlo, *std::move(heard));
  if (heard->code >= 300) co_return out_of_place(Stage::ehlo, *std::move(heard));
  if (extended) offer_ = parse_offer(*heard);
  hello_ = *std::move(heard);
  co_return Step{};
}

// RFC 3207 §4.
Task<Client::Step> Client::agree_on_tls() {
  auto need = options_.policy.need;
  if (need == Need::never || need == Need::implicit) co_return Step{};
  if (!offer_.starttls) {
    if (need == Need::opportunistic) co_return Step{};
    state_ = State::bye;
    co_return std::unexpected(
        Ending{Stage::starttls, Breakdown::tls, {}, "The server does not offer STARTTLS"});
  }
  auto heard = co_await ask(Stage::starttls, "STARTTLS", options_.timeouts.command);
  if (!heard) co_return std::unexpected(std::move(heard).error());
  if (heard->code >= 400) {
    if (state_ == State::broken) co_return refused(Stage::starttls, *std::move(heard));
    if (need == Need::required) {
      auto ending = refused(Stage::starttls, *std::move(heard));
      ending.error().breakdown = Breakdown::tls;
      ending.error().text = "The server offers STARTTLS and refuses it";
      co_return ending;
    }
    tls_refusal_ = *std::move(heard);
    co_return Step{};
  }
  if (heard->code != 220) co_return out_of_place(Stage::starttls, *std::move(heard));
  CO_TRY_OK(co_await handshake());
  // RFC 3207 §4.2: all that was learned in the clear is forgotten.
  co_return co_await say_hello();
}

Task<Client::Step> Client::handshake() {
  if (!allow(options_.timeouts.handshake))
    co_return break_off(Stage::starttls, Breakdown::timed_out, "It took too long in all");
  auto context = options_.tls;
  auto expectation = options_.policy.expectation;
  try {
    co_await io_.start_tls_client(std::move(context), std::move(expectation));
  } catch (const net::Closed& closed) {
    co_return lost(Stage::starttls, closed);
  }
  dialogue_.add('=', describe(*io_.tls()));
  co_return Step{};
}

}  // namespace todoke::smtp
