#pragma once

#include "base/clock.h"
#include "queue/job.h"

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

// What waits, as the scheduler sees it: not recipients, but lines of them.  Memory grows with the
// number of destinations, never with the number of recipients; these are read from the database a
// few at a time, when a connection can take them.
namespace todoke::queue {

// Recipients of one domain, lane and organisation, in the order of their times.
struct LineKey {
  std::string domain;
  Lane lane = Lane::normal;
  std::int64_t organisation_id = 0;

  friend auto operator<=>(const LineKey&, const LineKey&) = default;
};

struct Line {
  LineKey key;
  std::string destination;  // its domain or smarthost, by the dispatcher's name for it
  std::optional<Time> due;  // of its first recipient that is not in `taken`; nothing: none waits
  std::deque<Job> loaded;   // read and not yet given out
  std::set<RecipientId> taken;  // loaded or in flight: not to be read again
  bool is_loading = false;
  unsigned news = 0;            // counts who came, to see it during a load
  bool is_ready = false;        // stands in a Site's turn
  std::optional<Steady> timer;  // when the dispatcher looks at it again
};

// Whose turn it is among the lines that are due for the same servers.  Urgent mail goes first, but
// every fifth time what is less urgent; within a lane organisations take turns, however much each
// has waiting; within an organisation its domains do.
class Turn {
 public:
  void add(Line& line);
  void remove(Line& line);
  bool empty() const;
  // The line whose turn it is; it goes to the end of its queue.  Null when there is none.
  Line* next();
  // Whether something urgent waits.
  bool has_urgent() const { return !lanes_[0].empty(); }
  std::size_t size() const { return size_; }

 private:
  struct Share {
    std::int64_t organisation_id;
    std::deque<Line*> lines;
  };
  Line* next_of(std::list<Share>& lane);

  std::array<std::list<Share>, 3> lanes_;
  std::size_t size_ = 0;
  unsigned count_ = 0;
};

}  // namespace todoke::queue
