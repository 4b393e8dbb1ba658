#include "store/search.h"

#include "base/worker_pool.h"
#include "mime/envelope.h"
#include "store/search_condition.h"
#include "store/search_message.h"
#include "store/store.h"

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

namespace todoke::store {
namespace {

// Messages whose facts are read at once.
constexpr std::size_t round_size = 1024;
// What one worker searches before others have their turn: about 50 ms at most, unless one message
// alone takes longer.
constexpr std::size_t batch_messages = 64;
constexpr std::uint64_t batch_bytes = 4 << 20;
// Views above this are sifted on a worker.
constexpr std::size_t inline_view = 10'000;

}  // namespace

// One search on its way through the stages, each of which sees only what the ones before, which
// cost less, left open: the view, facts from the database, the messages themselves.
class Search {
 public:
  Search(Mailbox mailbox, Condition condition, std::shared_ptr<const View> view)
      : mailbox_(mailbox), condition_(std::move(condition)), view_(std::move(view)) {}

  Task<Result<std::vector<std::size_t>>> run() {
    auto sift = [this] { sift_view(); };
    if (view_->size() > inline_view)
      co_await pool().run(sift);
    else
      sift();
    if (condition_.facts() != 0) co_await sift_by_facts();
    if (!condition_.texts().empty() || condition_.wants_sent_date()) {
      auto sifted = co_await sift_by_text();
      if (!sifted) co_return std::unexpected(std::move(sifted).error());
    }
    std::ranges::sort(matching_);
    co_return std::move(matching_);
  }

 private:
  // Some messages that are open yet, with their facts.
  struct Round {
    std::span<const std::size_t> indexes;  // in candidates_
    std::vector<MessageFacts> facts;
    std::vector<Truth> truths;
    std::vector<std::size_t> batches;  // where each ends
    std::vector<Result<>> outcomes;    // of each batch
  };

  WorkerPool& pool() { return mailbox_.store_->pool_; }

  Evidence evidence(std::size_t index) const {
    return {.index = index, .message = (*view_)[index]};
  }

  Evidence evidence(std::size_t index, const MessageFacts& facts) const {
    auto known = evidence(index);
    known.facts = &facts;
    if (!facts.found || !condition_.wants_sent_date()) return known;
    if (auto envelope = mime::decode_envelope(facts.envelope))
      known.sent = sent_day(envelope->date);
    return known;
  }

  void take(std::size_t index, Truth truth) {
    if (truth == Truth::yes) matching_.push_back(index);
    if (truth == Truth::unknown) open_.push_back(index);
  }

  void sift_view() {
    for (std::size_t i = 0; i < view_->size(); ++i) take(i, condition_.test(evidence(i)));
  }

  Task<> sift_by_facts() {
    candidates_ = std::exchange(open_, {});
    for (std::size_t begin = 0; begin < candidates_.size(); begin += round_size) {
      auto round = co_await read_round(begin, condition_.facts());
      for (std::size_t i = 0; i < round.indexes.size(); ++i)
        take(round.indexes[i], condition_.test(evidence(round.indexes[i], round.facts[i])));
    }
  }

  // While workers search the messages of one round, the database looks up those of the next.
  Task<Result<>> sift_by_text() {
    candidates_ = std::exchange(open_, {});
    const auto wanted = condition_.facts() | fact_structure | fact_body;
    auto round = co_await read_round(0, wanted);
    for (auto begin = round_size; !round.indexes.empty(); begin += round_size) {
      divide(round);
      auto work = [&](std::size_t batch) { search_batch(round, batch); };
      WorkerPool::Many many(pool(), round.batches.size(), work);
      Round next;
      std::exception_ptr failure;
      // Whatever happens here, the workers must have ended before the round goes.
      try {
        next = co_await read_round(begin, wanted);
      } catch (...) {
        failure = std::current_exception();
      }
      co_await many.wait();
      if (failure) std::rethrow_exception(failure);
      for (auto& outcome : round.outcomes) CO_TRY_OK(std::move(outcome));
      for (std::size_t i = 0; i < round.indexes.size(); ++i)
        if (round.truths[i] == Truth::yes) matching_.push_back(round.indexes[i]);
      round = std::move(next);
    }
    co_return Result<>{};
  }

  // The candidates from this one on, as many as a round has.
  Task<Round> read_round(std::size_t begin, FactSet wanted) {
    begin = std::min(begin, candidates_.size());
    const auto count = std::min(candidates_.size() - begin, round_size);
    Round round{.indexes = std::span(candidates_).subspan(begin, count)};
    std::vector<Mailbox::MessageKey> keys;
    for (auto index : round.indexes) {
      auto message = (*view_)[index];
      keys.emplace_back(message->uid, message->message_id);
    }
    round.facts = co_await mailbox_.facts(std::move(keys), wanted);
    co_return round;
  }

  void divide(Round& round) {
    round.truths.assign(round.indexes.size(), Truth::unknown);
    std::size_t begin = 0;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < round.indexes.size(); ++i) {
      bytes += round.facts[i].body.size;
      const bool full = i + 1 - begin == batch_messages || bytes >= batch_bytes;
      if (!full && i + 1 < round.indexes.size()) continue;
      round.batches.push_back(i + 1);
      begin = i + 1;
      bytes = 0;
    }
    round.outcomes.resize(round.batches.size());
  }

  // On a worker.
  void search_batch(Round& round, std::size_t batch) {
    MessageSearch search(mailbox_.store_->blobs_, condition_);
    for (auto i = batch == 0 ? 0 : round.batches[batch - 1]; i < round.batches[batch]; ++i) {
      if (!round.facts[i].found) continue;
      auto truth = search.test(evidence(round.indexes[i], round.facts[i]));
      if (!truth) {
        round.outcomes[batch] = std::unexpected(std::move(truth).error());
        return;
      }
      round.truths[i] = *truth;
    }
  }

  Mailbox mailbox_;
  const Condition condition_;
  const std::shared_ptr<const View> view_;
  std::vector<std::size_t> candidates_;  // of this stage
  std::vector<std::size_t> open_;        // for the next
  std::vector<std::size_t> matching_;
};

Task<Result<std::vector<std::size_t>>> search(Mailbox mailbox, imap::SearchKey key,
                                              SearchContext context) {
  CO_TRY(auto condition, Condition::compile(key, context));
  Search search(mailbox, std::move(condition), std::move(context.view));
  co_return co_await search.run();
}

}  // namespace todoke::store
