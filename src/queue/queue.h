#pragma once

#include "base/result.h"
#include "queue/backlog.h"
#include "queue/parts.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

// Mail to other servers, from the row that delivery wrote to the evidence of what became of it.
namespace todoke::queue {

// The queue of one installation; commands about it are Control's.  One object; its coroutines run
// on one thread.
class Queue {
 public:
  explicit Queue(Parts parts);
  ~Queue();

  // Reads what waits, and marks as in doubt what was in flight when the last run ended.  Once,
  // before run().  Throws sql::Unavailable.
  [[nodiscard]] Task<> start();
  // Looks again at all that waits.
  [[nodiscard]] Task<> rescan();
  // Sends until stop().
  [[nodiscard]] Task<> run();
  // Begins nothing more, and waits until what is in flight has ended or been cut by closing its
  // connections.  Once, on the queue's thread.
  [[nodiscard]] Task<> stop();

  // Somebody waits in these lines, from `due` on.  Any thread; to be called after the commit.
  void wake(std::vector<LineKey> lines, Time due);
  // The same for lines that an administrator wants tried at once, whatever pause we made.
  void wake_now(std::vector<LineKey> lines);

  // There are notices for senders to write.  Any thread.
  void tell_senders();
  // Holds or smarthosts were changed in the database.  Any thread.
  [[nodiscard]] Task<> reload();

  // How things stand with what a line goes to, at this moment.
  struct Standing {
    bool sends = true;
    std::string provider;                // empty: not looked up
    std::string trouble;                 // with DNS
    std::chrono::microseconds pause{0};  // until something is tried there again
    int refusals = 0;                    // of the provider, in a row
    int connections = 0;                 // open to these servers
    bool all_connections_used = false;
  };
  // Any thread; nothing when the queue does not run.
  [[nodiscard]] Task<std::optional<Standing>> standing(LineKey line);

  // Coroutines that run now: each of them either works or sleeps by the clock.  For tests on a
  // simulated clock.
  std::size_t running() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::queue
