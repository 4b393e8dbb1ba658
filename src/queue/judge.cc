#include "queue/judge.h"

#include "queue/retry.h"

#include <fmt/ranges.h>

namespace todoke::queue {
namespace {

using namespace std::chrono_literals;

// Our own troubles (the text cannot be read now) say nothing of anybody.
Judgement our_trouble(smtp::Stage stage, std::string text) {
  Judgement judgement;
  judgement.outcome = {.kind = EventKind::deferred, .stage = stage, .text = std::move(text)};
  judgement.wait = 5min;
  return judgement;
}

void take_reply(Outcome& outcome, const smtp::Reply& reply) {
  outcome.code = reply.code;
  outcome.enhanced = reply.enhanced;
  outcome.text = fmt::format("{}", fmt::join(reply.lines, " "));
}

Judgement failure(const provider::Book& book, const provider::Provider& provider, const Job& job,
                  Outcome outcome) {
  Judgement judgement;
  judgement.verdict = provider::classify(book, provider,
                                         {.stage = outcome.stage,
                                          .breakdown = outcome.breakdown,
                                          .code = outcome.code,
                                          .enhanced = outcome.enhanced,
                                          .text = outcome.text,
                                          .first_attempt = job.attempts == 0});
  auto reply_class = judgement.verdict.reply_class;
  auto retry =
      decide_retry(reply_class, judgement.verdict.permanent, job.attempts, job.unknown_refusals);
  outcome.kind = retry.is_final ? EventKind::failed : EventKind::deferred;
  outcome.reply_class = reply_class;
  outcome.rule = judgement.verdict.rule;
  judgement.outcome = std::move(outcome);
  auto seed = static_cast<std::uint64_t>(job.id.message) * 1000003u +
              static_cast<std::uint64_t>(job.id.number);
  judgement.wait = spread(retry.wait, seed);
  return judgement;
}

}  // namespace

Judgement judge(const provider::Book& book, const provider::Provider& provider, const Job& job,
                const smtp::RecipientResult& result, bool peer_tells) {
  Outcome outcome{.stage = result.stage, .breakdown = result.breakdown, .text = result.text};
  if (result.reply) take_reply(outcome, *result.reply);
  if (result.accepted) {
    outcome.kind = EventKind::delivered;
    outcome.peer_tells = peer_tells;
    return {.outcome = std::move(outcome)};
  }
  if (!result.reply && result.breakdown == smtp::Breakdown::none)
    return our_trouble(result.stage, result.text);
  return failure(book, provider, job, std::move(outcome));
}

// RFC 8689 §4.2.1 has the message returned.  At once only where servers that we have no doubt about
// do not know the extension: certificates, policies and DNS are often mended within a day, so what
// they forbid is tried again for as long as the message lives.
Judgement judge_unproven(const Job& job, const smtp::Ending& ending) {
  Judgement judgement;
  auto& outcome = judgement.outcome;
  outcome = {.stage = ending.stage, .breakdown = ending.breakdown, .text = ending.text};
  outcome.rule = "ours.requiretls";
  if (ending.reply) {
    take_reply(outcome, *ending.reply);
    outcome.kind = EventKind::failed;
    outcome.reply_class = provider::ReplyClass::content;
    return judgement;
  }
  outcome.kind = EventKind::deferred;
  judgement.wait =
      decide_retry(provider::ReplyClass::unreachable, false, job.attempts, job.unknown_refusals)
          .wait;
  return judgement;
}

Judgement judge(const provider::Book& book, const provider::Provider& provider, const Job& job,
                const smtp::Ending& ending) {
  if (ending.ours()) return our_trouble(ending.stage, ending.text);
  Outcome outcome{.stage = ending.stage, .breakdown = ending.breakdown, .text = ending.text};
  if (ending.reply) take_reply(outcome, *ending.reply);
  return failure(book, provider, job, std::move(outcome));
}

}  // namespace todoke::queue
