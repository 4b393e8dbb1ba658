#pragma once

#include "app/config.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/worker_pool.h"
#include "blob/files.h"
#include "blob/store.h"
#include "delivery/delivery.h"
#include "directory/directory.h"
#include "queue/control.h"
#include "sql/db.h"
#include "store/store.h"
#include "trust/key_ring.h"

#include <memory>

namespace todoke::app {

// The data of one installation, opened: everything but the listeners.  `todoke serve` and, when no
// server runs, the command line work on it.  One process at a time, which the database's lock
// ensures.
class Installation {
 public:
  // Creates the data folder's parts that are missing, applies migrations, recovers after a crash.
  static Result<std::unique_ptr<Installation>> open(const Config& config, const Clock& clock);
  ~Installation();

  const Config& config() const { return config_; }
  const Clock& clock() const { return clock_; }
  IdGenerator& ids() { return ids_; }
  WorkerPool& pool() { return pool_; }
  sql::Db& db() { return *db_; }
  blob::Store& blobs() { return *blobs_; }
  directory::Directory& directory() { return *directory_; }
  store::Store& store() { return *store_; }
  delivery::Delivery& delivery() { return *delivery_; }
  queue::Control& queue() { return *queue_; }
  trust::KeyRing& dkim_keys() { return *dkim_keys_; }

 private:
  Installation(const Config& config, const Clock& clock);
  Config config_;
  const Clock& clock_;
  IdGenerator ids_;
  WorkerPool pool_;
  blob::SystemFiles files_;
  std::unique_ptr<blob::Store> blobs_;
  std::unique_ptr<sql::Db> db_;  // before the blobs in death: its commits sync them
  store::Hub hub_;
  std::unique_ptr<directory::Directory> directory_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<queue::Control> queue_;
  std::unique_ptr<trust::KeyRing> dkim_keys_;
  std::unique_ptr<delivery::Delivery> delivery_;
};

}  // namespace todoke::app
