#pragma once

#include "blob/segment_store.h"
#include "dns/fake_resolver.h"
#include "net/memory_stream.h"
#include "net/runtime.h"
#include "queue/control.h"
#include "queue/enqueue.h"
#include "queue/journal.h"
#include "queue/queue.h"
#include "store/append.h"

#include <fmt/format.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace todoke::queue::test {

constexpr Time start{std::chrono::days(20'000)};

// A database and bodies in memory, with mail in the queue.
struct Rows {
  Rows() {
    db->before_commit([this] {
      if (disk_full) throw sql::Unavailable("the disk is full");
      blobs->sync();
    });
  }

  struct Mail {
    std::string text = "Subject: a\r\n\r\nb\r\n";
    std::string from = "sender@home.example";
    std::vector<std::string> to;
    Lane lane = Lane::normal;
    std::int64_t organisation_id = 1;
    std::optional<Time> useful_until;
    std::optional<smtp::Notify> notify;
    bool require_tls = false;
  };
  // Answers its id.
  std::int64_t enqueue(const Mail& mail) {
    NewMessage message{.id = ids.next(),
                       .organisation_id = mail.organisation_id,
                       .blob_id = ids.next(),
                       .size = static_cast<std::int64_t>(mail.text.size()),
                       .reverse_path = mail.from,
                       .require_tls = mail.require_tls,
                       .lane = mail.lane,
                       .created_at = clock.now(),
                       .useful_until = mail.useful_until};
    for (const auto& to : mail.to) {
      auto path = smtp::parse_address(to).value();
      auto domain = path.domain;
      message.recipients.push_back({std::move(path), std::move(domain), mail.notify, {}});
    }
    auto writer = blobs->create();
    writer->append(mail.text).value();
    auto at = writer->finish("").value();
    auto write = [&](sql::Tx& tx) {
      queue::enqueue(tx, message);
      store::insert_blob(tx, message.blob_id, at, 1);
    };
    block_on(db->write(write));
    if (on_enqueued) on_enqueued(lines_of(message), clock.now());
    return message.id;
  }
  template <class F>
  auto write(F work) {
    return block_on(db->write(work));
  }
  State state(RecipientId id) {
    auto query = [&](sql::Tx& tx) {
      return tx.first<State>(
          "select state from queue_recipient where message_id = $1 and number = $2", id.message,
          id.number);
    };
    return block_on(db->read(query)).value();
  }
  // What happened to a recipient, and whether its state follows from it.
  std::vector<EventKind> events(RecipientId id) {
    std::vector<EventKind> found;
    auto query = [&](sql::Tx& tx) {
      auto take = [&](const sql::Row& row) { found.push_back(row.get<EventKind>(0)); };
      tx.each("select kind from queue_event where message_id = $1 and number = $2 order by id",
              take, id.message, id.number);
    };
    block_on(db->read(query));
    return found;
  }
  std::int64_t count(sql::Sql query) {
    auto read = [&](sql::Tx& tx) { return tx.first<std::int64_t>(query); };
    return block_on(db->read(read)).value_or(0);
  }

  SimulatedClock clock{start};
  IdGenerator ids{clock};
  std::unique_ptr<blob::Store> blobs = blob::open_memory();
  std::unique_ptr<sql::Db> db = sql::open_memory();
  std::function<void(std::vector<LineKey>, Time)> on_enqueued;
  std::atomic<bool> disk_full = false;  // nothing can be committed
};

// Other servers: each connection is answered by `answer`, line by line; after a final dot the line
// is ".".
class Servers final : public net::Dialer {
 public:
  // The reply to a line; empty: the connection breaks.  Called on the queue's thread.
  std::function<std::string(const std::string& address, const std::string& line)> answer;
  // Nothing: it can be reached.
  std::function<std::optional<net::DialFailure>(const std::string& address)> refuse;
  // Says how TLS goes, and the like.
  std::function<void(const std::string& address, net::MemoryStream&)> prepare;

  Task<Answer> dial(net::Destination destination) override {
    ++dialled;
    if (refuse)
      if (auto failure = refuse(destination.address)) co_return std::unexpected(*failure);
    auto stream = std::make_unique<net::MemoryStream>("220 hello\r\n");
    if (prepare) prepare(destination.address, *stream);
    auto in_data = std::make_shared<bool>(false);
    stream->on_wait = [this, address = destination.address, in_data](net::MemoryStream& io) {
      auto said = io.take_output();
      while (!said.empty()) {
        auto end = said.find("\r\n");
        if (end == said.npos) break;
        auto line = said.substr(0, end);
        said.erase(0, end + 2);
        if (*in_data && line != ".") {
          text += line + "\n";
          continue;
        }
        *in_data = false;
        auto reply = answer(address, line);
        if (reply.starts_with("354")) *in_data = true;
        if (reply.empty()) return;
        io.feed(reply + "\r\n");
      }
    };
    co_return stream;
  }

  int dialled = 0;
  std::string text;  // of all messages
};

// "250 ok" and its kin to everything.
std::string polite(const std::string& line);

// A queue that runs on a clock that is moved by hand.
struct Scene : Rows {
  explicit Scene(Options options = {}, Postman* postman = nullptr,
                 std::shared_ptr<const net::TlsClient> tls = nullptr,
                 trust::StsFetcher* web = nullptr) {
    if (web != nullptr) sts.emplace(*db, clock, resolver, *web);
    options.helo = "home.example";
    servers.answer = [](const std::string&, const std::string& line) { return polite(line); };
    runtime.start();
    queue = std::make_unique<Queue>(
        Parts{.db = *db,
              .blobs = *blobs,
              .clock = clock,
              .ids = ids,
              .pool = pool,
              .resolver = resolver,
              .dialer = servers,
              .book = provider::Book::built_in(),
              .tls = std::move(tls),
              .sts = sts ? &*sts : nullptr,
              .options = std::move(options),
              .renderers = {},
              .postman = postman,
              .bounce_address = {},
              .spawn = [this](Task<> task) { runtime.spawn(0, "queue", std::move(task)); }});
    control.attach(queue.get());
    on_enqueued = [this](std::vector<LineKey> lines, Time due) { control.wake(lines, due); };
  }
  ~Scene() {
    if (started_) {
      Completion done;
      auto end = [](Queue* which, Completion* ended) -> Task<> {
        co_await which->stop();
        ended->set();
      };
      runtime.spawn(0, "stop", end(queue.get(), &done));
      block_on(done.wait());
    }
    queue.reset();
    runtime.stop();
  }
  void add_server(const std::string& domain, const std::string& address) {
    resolver.add_mx(domain, 10, "mx." + domain).add_a("mx." + domain, address);
  }
  void go() {
    Completion done;
    auto begin = [](Queue* which, Completion* ended) -> Task<> {
      co_await which->start();
      ended->set();
      co_await which->run();
    };
    runtime.spawn(0, "queue", begin(queue.get(), &done));
    block_on(done.wait());
    started_ = true;
    settle();
  }
  // Lets everything happen that happens now.
  void settle() {
    while (queue->running() == 0 || clock.sleepers() != queue->running()) std::this_thread::yield();
  }
  void pass(std::chrono::microseconds time) {
    settle();
    auto end = clock.steady() + time;
    for (;;) {
      auto next = clock.next_due();
      if (!next || *next > end) break;
      clock.advance(std::max(*next - clock.steady(), std::chrono::microseconds(0)));
      settle();
    }
    clock.advance(end - clock.steady());
    settle();
  }

  WorkerPool pool{1};
  dns::FakeResolver resolver;
  std::optional<trust::StsPolicies> sts;
  Servers servers;
  SystemClock system_clock;
  net::Runtime runtime{system_clock, 1};
  Control control{*db, *blobs, clock, ids};
  std::unique_ptr<Queue> queue;

 private:
  bool started_ = false;
};

inline std::string polite(const std::string& line) {
  if (line.starts_with("EHLO")) return "250-hi\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES";
  if (line == "DATA") return "354 go";
  if (line == "STARTTLS") return "220 go";
  if (line == "QUIT") return "221 bye";
  return "250 2.0.0 ok";
}

}  // namespace todoke::queue::test
