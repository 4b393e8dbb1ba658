#pragma once

#include "provider/book.h"
#include "provider/classify.h"
#include "queue/event.h"
#include "queue/job.h"
#include "smtp/client/client.h"

// What a server's answer means for a recipient.  Pure.
namespace todoke::queue {

struct Judgement {
  Outcome outcome;
  std::chrono::microseconds wait{0};  // until the next attempt, when it was deferred
  provider::Verdict verdict{};        // unless delivered
};

Judgement judge(const provider::Book& book, const provider::Provider& provider, const Job& job,
                const smtp::RecipientResult& result, bool peer_tells);
// A message that requires TLS, and no server of the domain gives it as RFC 8689 §4.2.1 asks; says
// nothing of the servers.
Judgement judge_unproven(const Job& job, const smtp::Ending& ending);
// A conversation that did not come about, for one who waited for it.
Judgement judge(const provider::Book& book, const provider::Provider& provider, const Job& job,
                const smtp::Ending& ending);

}  // namespace todoke::queue
