#include "app/installation.h"

#include "base/log.h"
#include "blob/segment_store.h"
#include "store/append.h"

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
  made->delivery_->on_queued([control = made->queue_.get()](auto lines, Time due) {
    control->wake(std::move(lines), due);
  });
  return made;
}

}  // namespace todoke::app
