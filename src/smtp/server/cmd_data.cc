// DATA and BDAT: the message, and the one reply that means it is safe.
#include "base/log.h"
#include "mime/date.h"
#include "smtp/server/session.h"
#include "smtp/syntax/received.h"

#include <fmt/format.h>

namespace todoke::smtp {
namespace {

using namespace std::chrono_literals;

constexpr auto block_time = 3min;     // RFC 5321 §4.5.3.2.5: between two pieces of the message
constexpr auto message_time = 60min;  // for all of it: a slow sender does not hold us for ever
// A message that is refused is read on this far, so that its sender hears why.
constexpr std::uint64_t max_excess = 64 << 20;

std::string rfc5322_now(const Clock& clock) {
  auto now = std::chrono::floor<std::chrono::seconds>(clock.now());
  return mime::format_date({.time = now, .zone_minutes = 0});
}

Reply to_reply(const Error& error) {
  switch (error.code) {
    case Errc::over_limit:
      return make_reply(452, {4, 2, 2}, "A recipient has no room: " + error.text);
    case Errc::not_found:
      // It was there at RCPT, and this answer counts for the others too: at the next attempt RCPT
      // will tell who is gone.
      return make_reply(451, {4, 2, 0}, "A recipient's mailbox has just gone; please try again");
    case Errc::denied:
      return make_reply(554, {5, 4, 6}, "The message loops: too many hops");
    default:
      return make_reply(452, {4, 3, 1}, "No room to store mail now; try again later");
  }
}

// What LMTP tells of one recipient alone.
Reply to_recipient_reply(const Error& error) {
  if (error.code == Errc::not_found) return make_reply(550, {5, 1, 1}, "No such mailbox here");
  if (error.code == Errc::over_limit) return make_reply(452, {4, 2, 2}, "No room: " + error.text);
  return to_reply(error);
}

// What no message of ours may have, if this one has it.  Mail-server rule R1: what another server
// might read as the end of a message is not let through.
// deviation: RFC 5321 §4.1.1.4 — it lets mail data have any of the 128 ASCII codes, but NUL is
// legal only in BINARYMIME (RFC 3030 §3), which we do not offer: not in 7bit or 8bit data (RFC 2045
// §2.7, RFC 2045 §2.8), nor in a message (RFC 5322 §2.1).  Many programs end their reading there.
std::optional<Reply> refuse_lines(const LineFaults& faults) {
  if (faults.bare_cr || faults.bare_lf)
    return make_reply(550, {5, 6, 11}, "The message has a bare CR or LF; lines end with CRLF");
  if (faults.nul) return make_reply(550, {5, 6, 0}, "The message has a NUL octet");
  return {};
}

Reply too_large(std::uint64_t limit) {
  return make_reply(552, {5, 3, 4}, fmt::format("Too large: at most {} bytes", limit));
}

}  // namespace

std::string Session::trace_headers() const {
  const auto& envelope = transaction_->envelope;
  const auto* tls = io_.tls();
  bool only_one = envelope.recipients.size() == 1;
  // Where our own people sit when they send is nobody's business; many mail programs greet with it.
  // Who calls on a Unix socket has no address, and TCP-info is optional (RFC 5321 §4.4).
  bool has_address = !principal_ && !io_.peer().is_unix();
  Trace trace{.helo = principal_ ? server_.host : helo_,
              .client_name = "",
              .client_address = has_address ? io_.peer().address : "",
              .host = server_.host,
              .protocol = {.lmtp = server_.face == Face::lmtp,
                           .extended = extended_,
                           .tls = tls != nullptr,
                           .authenticated = principal_.has_value(),
                           .utf8 = envelope.smtp_utf8},
              .tls = tls != nullptr ? tls->version + " " + tls->cipher : "",
              .id = transaction_->id,
              .for_ = only_one ? std::optional(envelope.recipients.front().path) : std::nullopt,
              .date = rfc5322_now(server_.clock)};
  return render_return_path(envelope.reverse_path) + render_received(trace);
}

void Session::begin_message() {
  enter(State::message);
  auto& message = transaction_->message.emplace(server_.delivery.begin());
  message.set_trace(trace_headers());
  if (server_.face == Face::submission)
    message.complete_with(rfc5322_now(server_.clock), transaction_->id + "@" + server_.host);
}

// Passes bytes on, unless the message is refused already and only its end is waited for.
void Session::take(std::string_view bytes) {
  auto& transaction = *transaction_;
  if (transaction.refusal) return;
  if (transaction.message->size() + bytes.size() > server_.max_message_size) {
    transaction.refusal = too_large(server_.max_message_size);
  } else if (auto taken = transaction.message->append(bytes); !taken) {
    if (taken.error().code == Errc::unavailable)
      log::error("smtp.no_room", {{"error", taken.error().text}});
    transaction.refusal = to_reply(taken.error());
  }
}

Task<> Session::handle(Data) {
  begin_message();
  reply(make_reply(354, "Go ahead; end with <CRLF>.<CRLF>"));
  co_await read_data();
  co_await finish_message();
}

Task<> Session::read_data() {
  DataReader reader;
  auto latest = server_.clock.steady() + message_time;
  while (!reader.ended()) {
    if (io_.buffered().empty()) {
      io_.set_deadline(block_time);
      co_await io_.fill();
    }
    auto input = io_.buffered();
    std::size_t used = 0;
    while (used < input.size() && !reader.ended()) {
      auto piece = reader.next(input.substr(used));
      take(piece.text);
      used += piece.consumed;
    }
    io_.consume(used);
    if (reader.size() > server_.max_message_size + max_excess)
      throw net::Closed("the message does not end");
    if (server_.clock.steady() > latest) throw net::Closed("the message took too long");
  }
  if (!transaction_->refusal) transaction_->refusal = refuse_lines(reader.faults());
}

// RFC 3030 §2.
Task<> Session::handle(Bdat c) {
  if (is_endless(c.size)) {
    enter(State::closing);
    reply(too_large(server_.max_message_size));
    co_return;
  }
  if (state_ == State::recipients) begin_message();
  co_await read_chunk(c.size);
  if (!c.last) {
    if (transaction_->refusal) {
      // RFC 3030 §2: after a failed chunk the transaction is over; what follows gets 503.
      auto refusal = *transaction_->refusal;
      enter(State::greeted);
      reply(refusal);
    } else {
      reply(250, {2, 0, 0}, fmt::format("{} bytes received", c.size));
    }
    co_return;
  }
  transaction_->chunks.finish();
  if (!transaction_->refusal) transaction_->refusal = refuse_lines(transaction_->chunks.faults());
  co_await finish_message();
}

// Nobody would read that to its end.
bool Session::is_endless(std::uint64_t chunk_size) const {
  return chunk_size > server_.max_message_size + max_excess;
}

// The bytes follow the command whatever we think of it, so they are read before it is refused.
Task<> Session::skip_chunk(std::uint64_t size) {
  if (is_endless(size))
    enter(State::closing);
  else
    co_await read_chunk(size);
}

// A chunk of the message; where none has begun, bytes that mean nothing.
Task<> Session::read_chunk(std::uint64_t size) {
  auto latest = server_.clock.steady() + message_time;
  while (size > 0) {
    if (io_.buffered().empty()) {
      io_.set_deadline(block_time);
      co_await io_.fill();
    }
    auto bytes = io_.buffered().substr(0, size);
    if (state_ == State::message) {
      transaction_->chunks.take_all(bytes);
      take(bytes);
    }
    size -= bytes.size();
    io_.consume(bytes.size());
    if (server_.clock.steady() > latest) throw net::Closed("the message took too long");
  }
}

Task<> Session::finish_message() {
  // From here on there is no transaction, whatever the outcome (R3).
  auto transaction = std::exchange(transaction_, std::nullopt);
  enter(State::greeted);
  auto& envelope = transaction->envelope;
  auto from = to_text(envelope.reverse_path);
  auto size = transaction->message->size();
  auto recipients = envelope.recipients.size();
  std::vector<std::string> to;  // who is refused alone, for the log
  if (server_.face == Face::lmtp)
    for (const auto& one : envelope.recipients) to.push_back(to_text(one.path));
  Result<delivery::Receipt> outcome = fail(Errc::unavailable, "not stored");
  if (!transaction->refusal) {
    try {
      outcome =
          co_await server_.delivery.accept(std::move(envelope), *std::move(transaction->message));
    } catch (const std::runtime_error& e) {
      // The disk or the database is in trouble; the sender keeps the message.
      log::error("smtp.not_stored", {{"id", transaction->id}, {"error", e.what()}});
    }
    if (!outcome) transaction->refusal = to_reply(outcome.error());
  }
  auto verdict = transaction->refusal
                     ? *transaction->refusal
                     : make_reply(250, {2, 0, 0}, "Ok, stored as " + transaction->id);
  auto refused = transaction->refusal ? recipients : 0;
  if (server_.face != Face::lmtp) reply(verdict);
  // RFC 2033 §4.2: one reply for each recipient, in their order.
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (transaction->refusal || outcome->recipients[i]) {
      reply(verdict);
      continue;
    }
    auto answer = to_recipient_reply(outcome->recipients[i].error());
    reply(answer);
    ++refused;
    log::info("smtp.recipient_refused",
              {{"id", transaction->id}, {"to", to[i]}, {"reply", answer.code}});
    if (refused == recipients) verdict = std::move(answer);
  }
  log::info(refused == recipients ? "smtp.refused" : "smtp.accepted",
            {{"id", transaction->id},
             {"peer", io_.peer().address},
             {"login", principal_ ? principal_->login : ""},
             {"from", from},
             {"recipients", recipients},
             {"refused", refused},
             {"size", size},
             {"reply", verdict.code}});
}

}  // namespace todoke::smtp
