#include "provsim/world.h"

#include "base/assert.h"
#include "blob/segment_store.h"
#include "crypto/random.h"
#include "smtp/syntax/path.h"
#include "store/append.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace todoke::provsim {
namespace {

using namespace std::chrono_literals;

constexpr Time beginning = Time(std::chrono::days(20'000));
// How long the queue may work without a sleep, in real time, before we think that it hangs.
constexpr auto patience = 120s;

template <class T>
T wanted(Result<T> result) {
  if (!result) fmt::print(stderr, "the scene of a test: {}\n", result.error().text);
  TODOKE_ASSERT(result.has_value());
  return *std::move(result);
}

}  // namespace

queue::Options SimWorld::usual_options() {
  return {.helo = "mail.sender.example.jp",
          .families = dns::Families::ipv4,
          .loopback = dns::Loopback::allowed};
}

SimWorld::SimWorld(Script script, queue::Options options)
    : began(beginning),
      clock(beginning),
      ids(clock),
      pool(1),
      blobs(blob::open_memory()),
      providers(std::move(script), beginning),
      dialer(providers, clock),
      options_(std::move(options)) {
  fill(resolver, providers.script());
  open(sql::open_memory());
}

queue::Parts SimWorld::parts() {
  return {.db = *db,
          .blobs = *blobs,
          .clock = clock,
          .ids = ids,
          .pool = pool,
          .resolver = resolver,
          .dialer = dialer,
          .book = provider::Book::built_in(),
          .tls = nullptr,
          .options = options_,
          .renderers = {},
          .postman = &postman_,
          .bounce_address = [this](const queue::Message& message,
                                   queue::RecipientId id) { return desk_.address_of(message, id); },
          .spawn =
              [this](Task<> work) {
                ++active_;
                runtime->spawn(0, "queue", counted(std::move(work)));
              }};
}

Task<Result<>> SimWorld::NotingPostman::post(std::string to, std::string text) {
  notices.push_back({clock.now(), std::move(to), std::move(text)});
  co_return Result<>();
}

void SimWorld::open(std::unique_ptr<sql::Db> database) {
  control.reset();
  queue.reset();
  db = std::move(database);
  db->before_commit([this] { blobs->sync(); });
  stopped_ = false;
  runtime = std::make_unique<net::Runtime>(system_clock, 1);
  queue = std::make_unique<queue::Queue>(parts());
  control.emplace(*db, *blobs, clock, ids);
  control->attach(queue.get());
}

void SimWorld::restart() {
  stop();
  open(std::move(db));
  start();
}

void SimWorld::crash() {
  if (folder_.empty()) {
    folder_ = std::filesystem::temp_directory_path() / ("todoke-test-" + crypto::random_token(9));
    std::filesystem::create_directory(folder_);
  }
  auto file = folder_ / (id_text(ids.next()) + ".db");
  TODOKE_ASSERT(db->backup_to(file).has_value());
  auto taken = ledger().receipts.size();
  // How the old one ends is of no matter: nobody sees it any more.
  stop();
  ledger().receipts.resize(taken);
  open(wanted(sql::open_sqlite({.path = file})));
  start();
}

SimWorld::~SimWorld() {
  if (is_running_) stop();
  control.reset();
  queue.reset();
  db.reset();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

// Counts itself out at its end; whoever spawned it counted it in.
Task<> SimWorld::counted(Task<> work) {
  std::exception_ptr failure;
  try {
    co_await std::move(work);
  } catch (...) {
    failure = std::current_exception();
  }
  --active_;
  if (failure) std::rethrow_exception(failure);
}

void SimWorld::start() {
  block_on(queue->start());
  runtime->start();
  is_running_ = true;
  ++active_;
  runtime->spawn(0, "queue", counted(queue->run()));
}

// On the queue's thread, between its coroutines: so what is counted here stands still, but for
// those that other threads wake, and these do not sleep.
void SimWorld::move_clock(std::optional<Steady> target) {
  bool all_sleep = clock.sleepers() == active_;
  if (stopped_ || (all_sleep && target && clock.steady() >= *target)) return arrived_.set_value();
  auto next = clock.next_due();
  if (all_sleep && (next || target)) {
    idle_rounds_ = 0;
    auto to = std::min(next.value_or(Steady::max()), target.value_or(Steady::max()));
    clock.advance(to - clock.steady());
  } else if (++idle_rounds_ > 2) {
    // Whoever is awake waits for the database or a worker.
    TODOKE_ASSERT(idle_rounds_ < patience / 30us);
    std::this_thread::sleep_for(30us);
  }
  runtime->post(0, [this, target] { move_clock(target); });
}

void SimWorld::run_until(microseconds since_start) {
  arrived_ = {};
  idle_rounds_ = 0;
  runtime->post(0, [this, target = Steady(since_start)] { move_clock(target); });
  arrived_.get_future().get();
}

Task<> SimWorld::stop_queue() {
  co_await queue->stop();
  stopped_ = true;
}

void SimWorld::stop() {
  arrived_ = {};
  runtime->spawn(0, "stop", stop_queue());
  runtime->post(0, [this] { move_clock(std::nullopt); });
  arrived_.get_future().get();
  runtime->stop();
  is_running_ = false;
}

std::int64_t SimWorld::enqueue(const Mail& mail) {
  auto writer = blobs->create();
  TODOKE_ASSERT(writer->append(mail.text).has_value());
  auto at = wanted(writer->finish("Return-Path: <" + mail.reverse_path + ">\r\n"));
  auto blob_id = ids.next();
  queue::NewMessage message{.id = ids.next(),
                            .organisation_id = mail.organisation_id,
                            .blob_id = blob_id,
                            .size = static_cast<std::int64_t>(at.size),
                            .reverse_path = mail.reverse_path,
                            .return_path = mail.return_path,
                            .lane = mail.lane,
                            .created_at = clock.now()};
  if (mail.useful_for) message.useful_until = clock.now() + *mail.useful_for;
  for (const auto& recipient : mail.recipients) {
    auto path = wanted(smtp::parse_address(recipient));
    auto domain = path.domain;
    message.recipients.push_back({.path = std::move(path), .domain = std::move(domain)});
  }
  auto work = [&](sql::Tx& tx) {
    queue::enqueue(tx, message);
    store::insert_blob(tx, blob_id, at, 1);
  };
  block_on(db->write(work));
  control->wake(queue::lines_of(message), clock.now());
  return message.id;
}

int SimWorld::deliver_bounces() {
  int ours = 0;
  auto& bounces = ledger().bounces;
  std::ranges::sort(bounces.begin() + static_cast<std::ptrdiff_t>(bounces_delivered_),
                    bounces.end(), {}, &Bounce::due);
  for (; bounces_delivered_ < bounces.size(); ++bounces_delivered_) {
    const auto& bounce = bounces[bounces_delivered_];
    if (bounce.due > clock.now()) break;
    auto recipient = desk_.recipient_of(wanted(smtp::parse_address(bounce.to)));
    if (!recipient) continue;
    auto returned = desk_.read(bounce.text, {});
    queue::Consequences consequences;
    auto work = [&](sql::Tx& tx) {
      return desk_.write(tx, *recipient, returned, ids.next(), clock.now(), consequences);
    };
    if (block_on(db->write(work))) ++ours;
  }
  return ours;
}

SimWorld::States SimWorld::states(std::int64_t message_id) {
  States sum;
  for (const auto& [domain, states] : states_by_domain(message_id))
    for (const auto& [state, count] : states) sum[state] += count;
  return sum;
}

std::map<std::string, SimWorld::States> SimWorld::states_by_domain(std::int64_t message_id) {
  auto query = [&](sql::Tx& tx) {
    std::map<std::string, States> found;
    auto take = [&](const sql::Row& row) {
      found[row.get<std::string>(0)][row.get<queue::State>(1)] = row.get<int>(2);
    };
    tx.each(
        "select domain, state, count(*) from queue_recipient where ($1 = 0 or message_id = $1) "
        "group by domain, state",
        take, message_id);
    return found;
  };
  return block_on(db->read(query));
}

std::map<std::string, queue::State> SimWorld::by_address(std::int64_t message_id) {
  auto query = [&](sql::Tx& tx) {
    std::map<std::string, queue::State> found;
    auto take = [&](const sql::Row& row) {
      found[row.get<std::string>(0)] = row.get<queue::State>(1);
    };
    tx.each("select address, state from queue_recipient where message_id = $1", take, message_id);
    return found;
  };
  return block_on(db->read(query));
}

queue::State SimWorld::state(queue::RecipientId id) {
  auto query = [&](sql::Tx& tx) {
    std::optional<queue::State> state;
    auto take = [&](const sql::Row& row) { state = row.get<queue::State>(0); };
    tx.each("select state from queue_recipient where message_id = $1 and number = $2", take,
            id.message, id.number);
    return state;
  };
  auto state = block_on(db->read(query));
  TODOKE_ASSERT(state);
  return *state;
}

std::vector<EventRow> SimWorld::events(queue::RecipientId id) {
  auto query = [&](sql::Tx& tx) {
    std::vector<EventRow> found;
    auto take = [&](const sql::Row& row) {
      found.push_back({row.get<Time>(0), row.get<queue::EventKind>(1), row.get<Stage>(2),
                       row.get<int>(3), row.get<int>(4), row.get<std::string>(5),
                       row.get<std::string>(6)});
    };
    tx.each(
        "select at, kind, stage, code, reply_class, rule, text from queue_event "
        "where message_id = $1 and number = $2 order by id",
        take, id.message, id.number);
    return found;
  };
  return block_on(db->read(query));
}

std::int64_t SimWorld::count(sql::Sql text) {
  auto query = [&](sql::Tx& tx) {
    std::int64_t number = 0;
    auto take = [&](const sql::Row& row) { number = row.integer(0); };
    tx.each(text, take);
    return number;
  };
  return block_on(db->read(query));
}

std::string notice_text(const std::string& name, std::size_t size) {
  auto text = fmt::format(
      "From: School <notices@sender.example.jp>\r\nTo: members@sender.example.jp\r\n"
      "Subject: {0}\r\nDate: Fri, 4 Oct 2024 09:00:00 +0900\r\n"
      "Message-ID: <{0}@sender.example.jp>\r\n\r\n"
      ".A line that begins with a dot.\r\n",
      name);
  while (text.size() < size) text += "We meet at nine in the hall; please bring your shoes.\r\n";
  return text;
}

}  // namespace todoke::provsim
