#include "smtp/client/transaction.h"

#include "base/assert.h"
#include "base/dot_stuffing.h"
#include "smtp/client/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace todoke::smtp {
namespace {

using namespace std::chrono_literals;

// How much is under way unanswered: more might fill the server's window while its replies fill
// ours, and both would wait for ever (RFC 2920 §3.1).
constexpr std::size_t max_unheard = 100;
constexpr std::size_t max_group = 16 << 10;
// How long a server that broke the message off is given for its last words.
constexpr auto last_words = 5s;

}  // namespace

Task<std::vector<RecipientResult>> Client::send(Message message) {
  Transaction transaction(*this, std::move(message));
  co_return co_await transaction.run();
}

Client::Transaction::Transaction(Client& client, Message message)
    : client_(client), message_(std::move(message)), results_(message_.recipients.size()) {
  TODOKE_ASSERT(message_.text != nullptr);
}

Task<std::vector<RecipientResult>> Client::Transaction::run() {
  if (!client_.usable()) {
    decide_rest({.breakdown = Breakdown::closed, .text = "The connection takes no more messages"});
  } else if (prepare()) {
    client_.state_ = State::talking;
    client_.begin_overall();
    ++client_.transactions_;
    auto done = co_await converse();
    if (!done) {
      auto& why = done.error();
      decide_rest({.stage = why.stage,
                   .breakdown = why.breakdown,
                   .reply = std::move(why.reply),
                   .text = std::move(why.text)});
    }
    if (client_.state_ == State::talking) end();
  }
  std::vector<RecipientResult> out;
  for (auto& result : results_) {
    TODOKE_ASSERT(result);
    out.push_back(*std::move(result));
  }
  co_return out;
}

void Client::Transaction::end() {
  client_.rest();
  auto limit = client_.offer_.mail_max;
  if (limit && static_cast<std::uint64_t>(client_.transactions_) >= *limit)
    client_.state_ = State::bye;
  // What is said now answers nothing: a good-bye, or a server out of step.
  (void)client_.expect_silence(Stage::end_of_data);
}

bool Client::Transaction::prepare() {
  const auto& offer = client_.offer_;
  if (auto refusal = refuse_message(message_, offer, client_.tls())) {
    decide_rest({.stage = Stage::mail, .reply = std::move(refusal), .ours = true});
    return false;
  }
  if (client_.needs_reset_) commands_.push_back({Command::Kind::rset});
  commands_.push_back({Command::Kind::mail});
  for (std::size_t i = 0; i < results_.size(); ++i) {
    auto refusal = refuse_recipient(message_.recipients[i], message_);
    if (!refusal && offer.rcpt_max && unheard_rcpts_ >= *offer.rcpt_max)
      refusal = make_reply(452, {4, 5, 3}, "The server takes no more recipients at once");
    if (refusal) {
      decide(i, {.stage = Stage::rcpt, .reply = std::move(refusal), .ours = true});
      continue;
    }
    commands_.push_back({Command::Kind::rcpt, i});
    ++unheard_rcpts_;
  }
  commands_.push_back({Command::Kind::data});
  return unheard_rcpts_ > 0;
}

Task<Client::Step> Client::Transaction::converse() {
  CO_TRY_OK(co_await exchange_envelope());
  if (!data_accepted_) co_return Step{};
  // An answer to a text that was not sent yet would be taken for the verdict on it.
  CO_TRY_OK(client_.expect_silence(Stage::data));
  if (accepted_.empty()) co_return co_await send_nothing();
  co_return co_await send_text();
}

// RFC 2920 §3.1.  Without PIPELINING it is the same with one command under way at a time.
Task<Client::Step> Client::Transaction::exchange_envelope() {
  const auto& timeouts = client_.options_.timeouts;
  const std::size_t most = client_.offer_.pipelining ? max_unheard : 1;
  std::vector<Command> unheard;  // in order; small
  auto next = commands_.begin();
  for (;;) {
    // More goes out once half of it is answered: in few packets, and the server never waits for us.
    bool refill = unheard.size() <= most / 2;
    while (refill && next != commands_.end() && unheard.size() < most &&
           client_.io_.pending() < max_group) {
      if (is_pointless(*next)) {
        ++next;
        continue;
      }
      if (unheard.empty()) CO_TRY_OK(client_.expect_silence(stage_of(*next)));
      client_.say(text_of(*next));
      unheard.push_back(*next++);
    }
    if (unheard.empty()) co_return Step{};
    auto command = unheard.front();
    unheard.erase(unheard.begin());
    auto stage = stage_of(command);
    auto heard =
        co_await client_.hear(stage, stage == Stage::data ? timeouts.data : timeouts.command);
    if (!heard) co_return std::unexpected(std::move(heard).error());
    // 421: the replies to what else is under way will not come.
    if (client_.state_ == State::broken) co_return client_.refused(stage, *std::move(heard));
    CO_TRY_OK(take(command, *std::move(heard)));
  }
}

Stage Client::Transaction::stage_of(const Command& command) {
  switch (command.kind) {
    case Command::Kind::rcpt:
      return Stage::rcpt;
    case Command::Kind::data:
      return Stage::data;
    case Command::Kind::rset:
    case Command::Kind::mail:
      break;
  }
  return Stage::mail;
}

// Whether what was heard so far makes sending it useless.
bool Client::Transaction::is_pointless(const Command& command) const {
  if (command.kind == Command::Kind::rcpt) return mail_refused_;
  if (command.kind == Command::Kind::data)
    return mail_refused_ || (unheard_rcpts_ == 0 && accepted_.empty());
  return false;
}

std::string Client::Transaction::text_of(const Command& command) const {
  switch (command.kind) {
    case Command::Kind::rset:
      return "RSET";
    case Command::Kind::mail:
      return mail_command(message_, client_.offer_);
    case Command::Kind::rcpt:
      return rcpt_command(message_.recipients[command.recipient], client_.offer_);
    case Command::Kind::data:
      break;
  }
  return "DATA";
}

Client::Step Client::Transaction::take(const Command& command, Reply reply) {
  switch (command.kind) {
    case Command::Kind::rset:
      if (reply.code >= 300) return client_.out_of_place(Stage::mail, std::move(reply));
      client_.needs_reset_ = false;
      return {};
    case Command::Kind::mail:
      return take_mail(std::move(reply));
    case Command::Kind::rcpt:
      return take_rcpt(command.recipient, std::move(reply));
    case Command::Kind::data:
      break;
  }
  return take_data(std::move(reply));
}

Client::Step Client::Transaction::take_mail(Reply reply) {
  if (reply.code < 300) {
    client_.needs_reset_ = true;
    return {};
  }
  if (reply.code < 400) return client_.out_of_place(Stage::mail, std::move(reply));
  mail_refused_ = true;
  decide_rest({.stage = Stage::mail, .reply = std::move(reply)});
  return {};
}

Client::Step Client::Transaction::take_rcpt(std::size_t recipient, Reply reply) {
  --unheard_rcpts_;
  if (reply.code >= 300 && reply.code < 400)
    return client_.out_of_place(Stage::rcpt, std::move(reply));
  // A server that refused MAIL and takes RCPT is odd, not dangerous: it gets no text.
  if (mail_refused_) return {};
  if (reply.code < 300)
    accepted_.push_back(recipient);
  else
    decide(recipient, {.stage = Stage::rcpt, .reply = std::move(reply)});
  return {};
}

Client::Step Client::Transaction::take_data(Reply reply) {
  if (reply.code == 354) {
    data_accepted_ = true;
    return {};
  }
  if (reply.code < 400) return client_.out_of_place(Stage::data, std::move(reply));
  decide_rest({.stage = Stage::data, .reply = std::move(reply)});
  return {};
}

// RFC 2920 §3.1: DATA was under way when the last recipient was refused, and the server wants a
// text all the same.
Task<Client::Step> Client::Transaction::send_nothing() {
  client_.say(".");
  auto heard = co_await client_.hear(Stage::end_of_data, client_.options_.timeouts.end_of_data);
  if (!heard) co_return std::unexpected(std::move(heard).error());
  client_.needs_reset_ = false;
  co_return Step{};
}

Task<Client::Step> Client::Transaction::send_text() {
  constexpr std::size_t slice_size = 32 << 10;
  const auto& timeouts = client_.options_.timeouts;
  // Rule R1: a line of ours ends with CRLF, whatever the text holds.
  DotStuffer stuffer(DotStuffer::BareLineEnds::to_crlf);
  std::string encoded;
  std::size_t size = 0;
  for (;;) {
    if (!client_.allow(timeouts.overall))
      co_return client_.break_off(Stage::end_of_data, Breakdown::timed_out,
                                  "It took too long in all");
    auto piece = co_await message_.text->next();
    if (!piece)
      co_return client_.break_off(Stage::data, Breakdown::none, std::move(piece).error().text);
    auto rest = *piece;
    if (rest.empty()) break;
    size += rest.size();
    while (!rest.empty()) {
      encoded.clear();
      stuffer.encode(rest.substr(0, slice_size), encoded);
      rest.remove_prefix(std::min(rest.size(), slice_size));
      client_.io_.write(encoded);
      if (client_.io_.pending() >= net::Stream::much) co_await client_.flush(timeouts.block);
      if (client_.write_failure_) co_return co_await hear_last_words();
    }
  }
  encoded.clear();
  stuffer.finish(encoded);
  client_.io_.write(encoded);
  client_.dialogue_.add('=', fmt::format("a message of {} bytes", size));
  co_await client_.flush(timeouts.block);
  if (client_.write_failure_) co_return co_await hear_last_words();
  co_return co_await hear_verdict();
}

// One reply, or with LMTP one for each recipient that RCPT accepted (RFC 2033 §4.2).
Task<Client::Step> Client::Transaction::hear_verdict() {
  auto time = client_.options_.timeouts.end_of_data;
  bool lmtp = client_.options_.protocol == Protocol::lmtp;
  for (auto recipient : accepted_) {
    auto heard = co_await client_.hear(Stage::end_of_data, time);
    if (!heard) co_return std::unexpected(std::move(heard).error());
    client_.needs_reset_ = false;
    if (client_.state_ == State::broken)
      co_return client_.refused(Stage::end_of_data, *std::move(heard));
    if (heard->code >= 300 && heard->code < 400)
      co_return client_.out_of_place(Stage::end_of_data, *std::move(heard));
    RecipientResult verdict{
        .accepted = heard->code < 300, .stage = Stage::end_of_data, .reply = *std::move(heard)};
    if (lmtp) {
      decide(recipient, std::move(verdict));
      continue;
    }
    decide_rest(verdict);
    break;
  }
  co_return Step{};
}

// The server has broken the message off.  Often it says why.
Task<Client::Step> Client::Transaction::hear_last_words() {
  auto heard = co_await client_.hear(Stage::end_of_data, last_words);
  if (!heard) co_return std::unexpected(std::move(heard).error());
  client_.state_ = State::broken;
  if (heard->code < 400) co_return client_.out_of_place(Stage::end_of_data, *std::move(heard));
  co_return client_.refused(Stage::end_of_data, *std::move(heard));
}

void Client::Transaction::decide(std::size_t recipient, RecipientResult result) {
  results_[recipient] = std::move(result);
}

void Client::Transaction::decide_rest(const RecipientResult& result) {
  for (auto& one : results_)
    if (!one) one = result;
}

}  // namespace todoke::smtp
