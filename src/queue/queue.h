#pragma once

#include "base/result.h"
#include "queue/backlog.h"
#include "queue/hold.h"
#include "queue/parts.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

// Mail to other servers, from the row that delivery wrote to the evidence of what became of it.
namespace todoke::queue {

// Which recipients a command is about: all that every given member fits.
struct Selection {
  std::optional<std::int64_t> message_id;
  std::optional<int> number;
  std::optional<std::string> domain;
  std::optional<std::string> provider;
  std::optional<std::int64_t> organisation_id;
};

// The queue of one installation.  One object; its coroutines run on one thread, commands may come
// from any.
class Queue {
 public:
  explicit Queue(Parts parts);
  ~Queue();

  // Reads what waits, and marks as in doubt what was in flight when the last run ended.  Once,
  // before run().  Throws sql::Unavailable.
  [[nodiscard]] Task<> start();
  // Sends until stop().
  [[nodiscard]] Task<> run();
  // Begins nothing more, and waits until what is in flight has ended or been cut by closing its
  // connections.  Once, on the queue's thread.
  [[nodiscard]] Task<> stop();

  // Somebody waits in these lines, from `due` on.  Any thread; to be called after the commit.
  void wake(std::vector<LineKey> lines, Time due);

  // ---- Commands.  Each answers how many recipients it was about.

  // Tries them now, whatever time was set; also those in doubt, and those that failed while their
  // message is still here.
  [[nodiscard]] Task<Result<int>> retry(Selection selection, std::string by_whom);
  // Ends them: nothing more is tried, and senders hear nothing.
  [[nodiscard]] Task<Result<int>> cancel(Selection selection, std::string by_whom);
  // Ends them as if their time had come: senders are told.
  [[nodiscard]] Task<Result<int>> expire(Selection selection, std::string by_whom);
  // Errc::conflict: held already.
  [[nodiscard]] Task<Result<>> hold(HoldScope scope, std::string by_whom, std::string reason);
  // Errc::not_found: not held.
  [[nodiscard]] Task<Result<>> release(HoldScope scope);
  // Settings of organisations were changed in the database.
  [[nodiscard]] Task<> reload();

  // Why a recipient is still here, in one plain sentence for an administrator.
  [[nodiscard]] Task<Result<std::string>> explain(RecipientId id);

  // Coroutines that run now: each of them either works or sleeps by the clock.  For tests on a
  // simulated clock.
  std::size_t running() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::queue
