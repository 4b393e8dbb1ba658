#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "blob/store.h"
#include "queue/hold.h"
#include "queue/journal.h"
#include "sql/db.h"

#include <atomic>
#include <optional>
#include <string>

// What administrators do with waiting mail, whether the queue runs or not.
namespace todoke::queue {

class Queue;

// Which recipients a command is about: all that every given member fits.
struct Selection {
  std::optional<std::int64_t> message_id;
  std::optional<int> number;
  std::optional<std::string> domain;
  std::optional<std::string> provider;
  std::optional<std::int64_t> organisation_id;
};

// Any thread.  Throws sql::Unavailable.
class Control {
 public:
  Control(sql::Db& db, blob::Store& blobs, const Clock& clock, IdGenerator& ids)
      : db_(db), blobs_(blobs), clock_(clock), ids_(ids) {}
  // The queue that runs and is to hear of changes at once; null: none does any more.
  void attach(Queue* queue) { queue_ = queue; }

  // Mail came into these lines and was committed.
  void wake(std::vector<LineKey> lines, Time due);

  // Holds or smarthosts were changed in the database by somebody else: the queue is to heed them.
  [[nodiscard]] Task<> reload();

  // Each answers how many recipients it was about; not_found: none.

  // Tries them now, whatever time was set and whatever pause we made; also those in doubt, and
  // those that failed while their message is still here.
  [[nodiscard]] Task<Result<int>> retry(Selection selection, std::string by_whom);
  // Ends them: nothing more is tried, and senders hear nothing.
  [[nodiscard]] Task<Result<int>> cancel(Selection selection, std::string by_whom);
  // Ends them as if their time had come: senders are told.
  [[nodiscard]] Task<Result<int>> expire(Selection selection, std::string by_whom);

  // Errc::conflict: held already.
  [[nodiscard]] Task<Result<>> hold(HoldScope scope, std::string by_whom, std::string reason);
  // Errc::not_found: not held.
  [[nodiscard]] Task<Result<>> release(HoldScope scope);
  [[nodiscard]] Task<Holds> holds();

  // Why a recipient is where it is, in one plain sentence for an administrator.
  [[nodiscard]] Task<Result<std::string>> explain(RecipientId id);

 private:
  enum class Urge { none, now };
  template <class Change>
  Task<Result<int>> change_selected(Selection selection, Urge urge, Change change);

  sql::Db& db_;
  blob::Store& blobs_;
  const Clock& clock_;
  IdGenerator& ids_;
  std::atomic<Queue*> queue_ = nullptr;
};

}  // namespace todoke::queue
