#include "app/installation.h"

#include "base/log.h"
#include "blob/segment_store.h"
#include "store/append.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

namespace todoke::app {
namespace {

// Hashing a password takes a core for 20 ms and 19 MiB: more at once would not be faster.
constexpr int worker_threads = 2;

// Ids never repeat, also when the machine's clock was set back since the last run.
void skip_past_stored_ids(sql::Db& db, IdGenerator& ids) {
  auto query = [](sql::Tx& tx) {
    auto largest = tx.first<std::int64_t>("select coalesce(max(id), 0) from blob").value_or(0);
    auto queued = tx.first<std::int64_t>("select coalesce(max(id), 0) from queue_message");
    return std::max(largest, queued.value_or(0));
  };
  // Messages and accounts get theirs from the same generator within a moment of a blob's or sooner.
  constexpr std::int64_t margin = std::int64_t{1} << 30;  // a thousand seconds
  auto stored = block_on(db.read(query));
  if (stored > 0) ids.skip_past(stored + margin);
}

// A full disk stops what comes in and not what goes out: sending writes events and gives space
// back. So new mail leaves a little alone, and only the queue may use it.
class DiskRoom {
 public:
  DiskRoom(std::string folder, const Clock& clock) : folder_(std::move(folder)), clock_(clock) {}
  bool has_room() {
    auto now = clock_.steady().time_since_epoch().count();
    auto looked = looked_.load();
    if (now - looked < 1'000'000 || !looked_.compare_exchange_strong(looked, now)) return has_room_;
    std::error_code error;
    auto space = std::filesystem::space(folder_, error);
    auto reserve = std::min<std::uintmax_t>(64 << 20, space.capacity / 50);
    has_room_ = error || space.available > reserve;
    return has_room_;
  }

 private:
  const std::string folder_;
  const Clock& clock_;
  std::atomic<std::int64_t> looked_ = INT64_MIN / 2;  // microseconds
  std::atomic<bool> has_room_ = true;
};

}  // namespace

Installation::Installation(const Config& config, const Clock& clock)
    : config_(config), clock_(clock), ids_(clock), pool_(worker_threads) {}

Installation::~Installation() = default;

Result<std::unique_ptr<Installation>> Installation::open(const Config& config, const Clock& clock) {
  std::error_code error;
  std::filesystem::create_directories(config.data, error);
  if (error) return fail(Errc::unavailable, "cannot make " + config.data + ": " + error.message());
  std::unique_ptr<Installation> made(new Installation(config, clock));
  // First the database: its lock says whether another process works on this data.
  TRY(made->db_, sql::open_sqlite({.path = config.database_path()}));
  TRY(made->blobs_,
      blob::open_segments(made->files_, config.blob_folder(), {.clock = &made->clock_}));
  made->db_->before_commit([blobs = made->blobs_.get()] { blobs->sync(); });
  skip_past_stored_ids(*made->db_, made->ids_);
  made->directory_ =
      std::make_unique<directory::Directory>(*made->db_, clock, made->ids_, made->pool_);
  made->directory_->on_create([&clock](sql::Tx& tx, const directory::Account& account) {
    store::create_mail_account(tx, account.id, account.organisation_id, account.locale,
                               clock.now());
  });
  made->directory_->on_purge(
      [](sql::Tx& tx, std::int64_t account_id) { store::abandon_mail_account(tx, account_id); });
  made->store_ = std::make_unique<store::Store>(*made->db_, *made->blobs_, clock, made->ids_,
                                                made->pool_, made->hub_);
  made->delivery_ = std::make_unique<delivery::Delivery>(*made->db_, *made->blobs_, *made->store_,
                                                         *made->directory_, clock, made->ids_);
  made->queue_ = std::make_unique<queue::Control>(*made->db_, *made->blobs_, clock, made->ids_);
  made->dkim_keys_ = std::make_unique<trust::KeyRing>(*made->db_, clock, made->pool_);
  auto room = std::make_shared<DiskRoom>(config.data, clock);
  made->delivery_->set_room([room] { return room->has_room(); });
  made->delivery_->on_queued([control = made->queue_.get()](auto lines, Time due) {
    control->wake(std::move(lines), due);
  });
  return made;
}

}  // namespace todoke::app
