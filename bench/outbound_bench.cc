// What the outbound queue sends: one message to many recipients on a few domains, from the durable
// rows to the durable result of each, over TCP to a sink on this machine.
//
//   outbound_bench [--folder F] [--recipients N] [--domains N] [--connections N]
//                  [--per-transaction N] [--size BYTES]
//                  [--mode stored|rendered|signed|restart]
//                  [--sink-port P]           somebody else's sink instead of ours
//
// Prints one line of JSON.  `restart`: how long from opening a full queue to the first message.
//  `stored`: all recipients get the same text.  `rendered`: each copy is
// written for its recipient, with a return path of its own.  `signed`: that, and signed with RSA
// and Ed25519.
#include "blob/segment_store.h"
#include "crypto/signing_key.h"
#include "dns/fake_resolver.h"
#include "load.h"
#include "net/dialer.h"
#include "net/runtime.h"
#include "provider/built_in.h"
#include "queue/enqueue.h"
#include "queue/queue.h"
#include "queue/return_desk.h"
#include "sink.h"
#include "store/append.h"
#include "trust/dkim_canonical.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <malloc.h>
#include <optional>
#include <thread>

using namespace todoke;
using namespace std::chrono_literals;

namespace {

std::string book_text(int connections, int per_transaction) {
  return fmt::format(
      "\n[[provider]]\nid = \"sink\"\nname_ja = \"sink\"\nname_en = \"sink\"\nmx = "
      "[\"sink.test\"]\n"
      "verified_on = \"2026-11-22\"\nsources = [\"bench\"]\n\n[provider.limits]\nconnections = {}\n"
      "messages_per_connection = 10000\nrecipients_per_transaction = {}\n"
      "messages_per_second = 10000\n\n[provider.guide]\nja = \"x\"\nen = \"x\"\n",
      connections, per_transaction);
}

// Writes each copy with the recipient's number in its text.
class Notices final : public queue::Renderer {
 public:
  Notices(blob::Store& blobs, queue::Signer* signer) : blobs_(blobs), signer_(signer) {}

  Task<Result<queue::Copy>> render(std::shared_ptr<const queue::Message> message,
                                   queue::RecipientId id) override {
    if (template_.empty()) {
      auto text = blobs_.read(message->body, 0, message->body.size);
      if (!text) co_return std::unexpected(text.error());
      template_ = *std::move(text);
    }
    auto text = template_;
    auto put = [&](std::string_view name, const std::string& value) {
      for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
    };
    put("{{number}}", std::to_string(id.number));
    put("{{id}}", fmt::format("{}.{}", id.message, id.number));
    queue::Copy copy;
    if (signer_ != nullptr) {
      auto end = text.find("\r\n\r\n");
      auto hash = trust::body_hash(std::string_view(text).substr(end + 4));
      auto header = text.substr(0, end + 2);
      copy.head = co_await signer_->sign(std::move(header), std::move(hash));
    }
    copy.size = text.size();
    copy.text = std::make_shared<const std::string>(std::move(text));
    co_return copy;
  }

 private:
  blob::Store& blobs_;
  queue::Signer* signer_;
  std::string template_;
};

// RSA-2048 signatures a second that all cores make together.
double rsa_limit() {
  auto key = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa);
  std::atomic<long> count{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  auto work = [&] {
    std::string digest(32, 'x');
    while (!over) {
      (void)key.sign(digest);
      ++count;
    }
  };
  auto begun = bench::now();
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
  std::this_thread::sleep_for(1s);
  over = true;
  for (auto& thread : threads) thread.join();
  return static_cast<double>(count) / (bench::now() - begun);
}

long resident_kib() {
  std::ifstream file("/proc/self/statm");
  long pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * 4;
}

queue::NewMessage make_notice(IdGenerator& ids, Time now, bool is_rendered, long recipients,
                              long domains) {
  queue::NewMessage message{
      .id = ids.next(),
      .organisation_id = 1,
      .blob_id = ids.next(),
      .reverse_path = "news@home.test",
      .return_path = is_rendered ? queue::ReturnPath::per_recipient : queue::ReturnPath::as_given,
      .renderer = is_rendered ? "notice" : "",
      .created_at = now};
  for (long i = 0; i < recipients; ++i) {
    auto domain = fmt::format("d{}.test", i % domains);
    message.recipients.push_back({{fmt::format("member{}", i), domain}, domain, {}, {}});
  }
  return message;
}

// Everything a queue works with, on a disk.
struct Scene {
  explicit Scene(const bench::Options& options)
      : folder(options.text("folder", "bench-outbound")),
        mode(options.text("mode", "rendered")),
        recipients(options.number("recipients", 10'000)),
        domains(options.number("domains", 10)),
        per_transaction(options.number("per-transaction", 1)),
        connections(options.number("connections", 20)),
        text_size(static_cast<std::size_t>(options.number("size", 2048))) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    auto text = std::string(provider::built_in_toml()) +
                book_text(static_cast<int>(connections), static_cast<int>(per_transaction));
    auto parsed = provider::Book::parse(text);
    if (!parsed) bench::die(parsed.error().text);
    book.emplace(*std::move(parsed));
    for (long d = 0; d < domains; ++d)
      resolver.add_mx(fmt::format("d{}.test", d), 10, fmt::format("mx{}.sink.test", d))
          .add_a(fmt::format("mx{}.sink.test", d),
                 fmt::format("127.1.{}.{}", d / 250, d % 250 + 1));
    port = static_cast<std::uint16_t>(options.number("sink-port", sink.port()));
    blobs = blob::open_segments(files, folder / "blobs").value();
    open_database();
    (void)block_on(keys->create("home.test"));
    runtime.start();
  }
  ~Scene() {
    if (outbound) {
      auto end = [](queue::Queue* which, Completion* done) -> Task<> {
        co_await which->stop();
        done->set();
      };
      Completion ended;
      runtime.spawn(0, "stop", end(outbound.get(), &ended));
      block_on(ended.wait());
    }
    outbound.reset();
    runtime.stop();
    db.reset();
    std::filesystem::remove_all(folder);
  }
  void open_database() {
    keys.reset();
    db.reset();
    db = sql::open_sqlite({.path = folder / "db"}).value();
    db->before_commit([this] { blobs->sync(); });
    keys = std::make_unique<trust::KeyRing>(*db, clock, pool);
  }
  // Answers how long it took, in seconds, from the rows to the disk.
  double enqueue(const queue::NewMessage& message) {
    auto letter = fmt::format(
        "From: News <news@home.test>\r\nTo: member {{{{number}}}} <m@d.test>\r\nSubject: News\r\n"
        "Date: Sun, 22 Nov 2026 10:00:00 +0900\r\nMessage-ID: <{{{{id}}}}@home.test>\r\n\r\n{}",
        bench::make_message(1, text_size));
    auto writer = blobs->create();
    if (!writer->append(letter)) bench::die("the disk is full");
    auto at = writer->finish("").value();
    auto write = [&](sql::Tx& tx) {
      queue::enqueue(tx, message);
      store::insert_blob(tx, message.blob_id, at, 1);
    };
    auto begun = bench::now();
    block_on(db->write(write));
    return bench::now() - begun;
  }
  void start() {
    signer.emplace(*keys, clock, pool, "");
    notices.emplace(*blobs, mode == "signed" ? &*signer : nullptr);
    desk.emplace(*book, "secret");
    outbound = std::make_unique<queue::Queue>(queue::Parts{
        .db = *db,
        .blobs = *blobs,
        .clock = clock,
        .ids = ids,
        .pool = pool,
        .resolver = resolver,
        .dialer = dialer,
        .book = *book,
        .tls = nullptr,
        .options = {.helo = "home.test", .port = port, .loopback = dns::Loopback::allowed},
        .signer = nullptr,
        .renderers = {{"notice", &*notices}},
        .postman = nullptr,
        .bounce_address = [this](const queue::Message& message,
                                 queue::RecipientId id) { return desk->address_of(message, id); },
        .spawn = [this](Task<> task) { runtime.spawn(0, "queue", std::move(task)); }});
    Completion started;
    auto begin = [](queue::Queue* which, Completion* done) -> Task<> {
      co_await which->start();
      done->set();
      co_await which->run();
    };
    runtime.spawn(0, "queue", begin(outbound.get(), &started));
    block_on(started.wait());
  }
  long count(sql::Sql query) {
    auto read = [&](sql::Tx& tx) { return tx.first<long>(query).value_or(0); };
    return block_on(db->read(read));
  }

  std::filesystem::path folder;
  std::string mode;
  long recipients, domains, per_transaction, connections;
  std::size_t text_size;
  std::uint16_t port = 0;
  SystemClock clock;
  IdGenerator ids{clock};
  WorkerPool pool{static_cast<int>(std::thread::hardware_concurrency())};
  blob::SystemFiles files;
  std::unique_ptr<blob::Store> blobs;
  std::unique_ptr<sql::Db> db;
  std::optional<provider::Book> book;
  bench::Sink sink;
  dns::FakeResolver resolver;
  std::unique_ptr<trust::KeyRing> keys;
  std::optional<queue::Signer> signer;
  std::optional<Notices> notices;
  std::optional<queue::ReturnDesk> desk;
  net::Runtime runtime{clock, 1};
  net::TcpDialer dialer{runtime};
  std::unique_ptr<queue::Queue> outbound;
};

// From opening the database with all these rows to the first message at the sink.
void restart(Scene& scene) {
  constexpr long in_one = 100'000;
  for (long left = scene.recipients; left > 0; left -= in_one)
    scene.enqueue(
        make_notice(scene.ids, scene.clock.now(), true, std::min(left, in_one), scene.domains));
  malloc_trim(0);
  auto before = resident_kib();
  auto begun = bench::now();
  scene.open_database();
  scene.start();
  while (scene.sink.recipients() == 0) std::this_thread::sleep_for(1ms);
  auto first = bench::now() - begun;
  long most = 0;
  for (auto until = bench::now() + 5; bench::now() < until;) {
    std::this_thread::sleep_for(10ms);
    most = std::max(most, resident_kib());
  }
  fmt::print(
      "{{\"bench\": \"outbound-restart\", \"waiting\": {}, \"domains\": {}, "
      "\"first_send_ms\": {:.0f}, \"resident_mib\": {:.0f}, \"before_mib\": {:.0f}}}\n",
      scene.recipients, scene.domains, first * 1e3, static_cast<double>(most) / 1024,
      static_cast<double>(before) / 1024);
}

void send(Scene& scene) {
  scene.start();
  auto cpu_before = bench::own_cpu();
  auto message = make_notice(scene.ids, scene.clock.now(), scene.mode != "stored", scene.recipients,
                             scene.domains);
  auto enqueue = scene.enqueue(message);
  auto begun = bench::now();
  scene.outbound->wake(queue::lines_of(message), message.created_at);
  long memory = 0;
  while (scene.count("select remaining from queue_message") > 0) {
    std::this_thread::sleep_for(5ms);
    memory = std::max(memory, resident_kib());
    if (bench::now() - begun > 300) bench::die("it takes too long");
  }
  auto took = bench::now() - begun;
  auto cpu = bench::own_cpu() - cpu_before;
  auto delivered = scene.count("select count(*) from queue_recipient where state = 2");
  fmt::print(
      "{{\"bench\": \"outbound\", \"mode\": \"{}\", \"recipients\": {}, \"delivered\": {}, "
      "\"per_transaction\": {}, \"connections\": {}, \"enqueue_ms\": {:.1f}, \"per_second\": "
      "{:.0f}, "
      "\"cpu_us_each\": {:.1f}, \"resident_mib\": {:.0f}",
      scene.mode, scene.recipients, delivered, scene.per_transaction, scene.connections,
      enqueue * 1e3, static_cast<double>(delivered) / took,
      cpu / static_cast<double>(scene.recipients) * 1e6, static_cast<double>(memory) / 1024);
  if (scene.mode == "signed") fmt::print(", \"rsa_limit_per_second\": {:.0f}", rsa_limit());
  fmt::print("}}\n");
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  Scene scene(options);
  if (scene.mode == "restart")
    restart(scene);
  else
    send(scene);
  std::fflush(stdout);
}
