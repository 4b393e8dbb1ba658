#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/worker_pool.h"
#include "blob/store.h"
#include "dns/fake_resolver.h"
#include "net/runtime.h"
#include "provsim/sim_dialer.h"
#include "queue/control.h"
#include "queue/enqueue.h"
#include "queue/postman.h"
#include "queue/queue.h"
#include "queue/return_desk.h"
#include "sql/db.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace todoke::provsim {

// Mail to put into the queue.
struct Mail {
  std::string text;  // with CRLF
  std::string reverse_path = "notices@sender.example.jp";
  std::vector<std::string> recipients;
  queue::Lane lane = queue::Lane::normal;
  std::int64_t organisation_id = 1;
  std::optional<microseconds> useful_for;  // a firm end; nothing: the default lifetime
  queue::ReturnPath return_path = queue::ReturnPath::as_given;
};

// What stands in the queue's evidence.
struct EventRow {
  Time at{};
  queue::EventKind kind{};
  Stage stage{};
  int code = 0;
  int reply_class = 0;
  std::string rule;
  std::string text;
};

// A notice of ours to a sender.
struct Notice {
  Time at{};
  std::string to;
  std::string text;
};

// Our outbound queue in a world of simulated providers and simulated time: days pass in seconds.
// The queue runs on a thread of its own, which also moves the clock: whenever all of the queue's
// coroutines sleep, to the time at which the first of them is due.  The functions are for the
// test's thread; they fail by abort.
class SimWorld {
 public:
  // Hour 0 of the script is the beginning.
  explicit SimWorld(Script script, queue::Options options = usual_options());
  ~SimWorld();

  static queue::Options usual_options();

  void start();
  // Lets time pass until so long after the beginning.
  void run_until(microseconds since_start);
  void run_for(microseconds duration) { run_until(passed() + duration); }
  // Ends the queue; time passes while what is in flight ends.
  void stop();
  // The same, and a new queue starts over what the old one left.
  void restart();
  // The process is killed, and a new one starts over what was durable at that moment.  What
  // providers took over afterwards, they never did.
  void crash();
  microseconds passed() const { return clock.now() - began; }

  // As delivery does it: body and rows in one commit.  Answers the message's id.
  std::int64_t enqueue(const Mail& mail);

  using States = std::map<queue::State, int>;
  // Brings the notices that providers have sent by now to the return paths that they were sent to
  // (ReturnPath::per_recipient).  Answers how many were about one of our recipients.
  int deliver_bounces();

  States states(std::int64_t message_id = 0);  // 0: of all messages
  std::map<std::string, States> states_by_domain(std::int64_t message_id = 0);
  queue::State state(queue::RecipientId id);
  std::vector<EventRow> events(queue::RecipientId id);
  // One number out of the database, for what a test wants to know besides.
  std::int64_t count(sql::Sql query);
  // Who waits or ended how, by address.
  std::map<std::string, queue::State> by_address(std::int64_t message_id);

  Ledger& ledger() { return providers.ledger(); }
  // What our senders were told.  While time stands still.
  const std::vector<Notice>& notices() const { return postman_.notices; }

  const Time began;
  SimulatedClock clock;
  IdGenerator ids;
  WorkerPool pool;
  std::unique_ptr<sql::Db> db;
  std::unique_ptr<blob::Store> blobs;
  Providers providers;
  dns::FakeResolver resolver;
  SimDialer dialer;
  SystemClock system_clock;
  std::unique_ptr<net::Runtime> runtime;
  std::optional<queue::Control> control;
  std::unique_ptr<queue::Queue> queue;

 private:
  struct NotingPostman final : queue::Postman {
    explicit NotingPostman(const Clock& given) : clock(given) {}
    [[nodiscard]] Task<Result<>> post(std::string to, std::string text) override;
    const Clock& clock;
    std::vector<Notice> notices;
  };

  queue::Parts parts();
  void open(std::unique_ptr<sql::Db> database);
  [[nodiscard]] Task<> counted(Task<> work);
  [[nodiscard]] Task<> stop_queue();
  void move_clock(std::optional<Steady> target);

  const queue::Options options_;
  NotingPostman postman_{clock};
  const queue::ReturnDesk desk_{provider::Book::built_in(), std::string(32, 'k')};
  std::size_t bounces_delivered_ = 0;
  std::filesystem::path folder_;  // of the databases that survived crashes; empty: none yet
  bool is_running_ = false;
  std::atomic<std::size_t> active_ = 0;  // coroutines of the queue
  std::atomic<bool> stopped_ = false;
  int idle_rounds_ = 0;
  std::promise<void> arrived_;
};

// A message that says which one it is, fit to be sent.
std::string notice_text(const std::string& name, std::size_t size = 600);

}  // namespace todoke::provsim
