#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "blob/store.h"
#include "directory/directory.h"
#include "net/tls.h"
#include "sql/db.h"
#include "store/store.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace todoke::test {

// An installation in memory, for tests of whole sessions: directory, store and what they stand on,
// with a clock that stands still.  Everything is public; the functions are for the calling test's
// thread and fail by abort, since a test that cannot set its scene proves nothing.
struct World {
  // `wrap` may put something between the store and its bodies, to make them fail.
  using Wrap = std::function<std::unique_ptr<blob::Store>(std::unique_ptr<blob::Store>)>;
  explicit World(const Wrap& wrap = {});

  // Makes the organisation and the domain of the address at first.
  directory::Account add_account(const std::string& address, const std::string& password);
  void change(const std::string& address, directory::AccountChange change);
  // Puts a message into a mailbox, and tells whoever has it open; its size is that of `text` unless
  // the identity says otherwise.
  store::Placed deliver(const std::string& address, const std::string& text,
                        std::int64_t mailbox_id = store::inbox_id,
                        const store::Identity& identity = {});
  // What another session might do meanwhile.
  void expunge(const std::string& address, std::vector<std::uint32_t> uids,
               std::int64_t mailbox_id = store::inbox_id);
  // "active", "suspended", "deleted", or "purged": its mailboxes are gone too.
  void set_state(const std::string& address, std::string_view state);
  std::size_t count(const std::string& address, std::int64_t mailbox_id = store::inbox_id);
  // Room for all accounts together.
  void limit_organisation(std::optional<std::int64_t> bytes);
  std::int64_t account_id(const std::string& address);

  // The messages of a mailbox as they are stored, by UID.
  std::vector<std::string> bodies(const std::string& address,
                                  std::int64_t mailbox_id = store::inbox_id);

  SimulatedClock clock;
  IdGenerator ids;
  WorkerPool pool;
  // While set, the database cannot be read: every query fails.
  std::atomic<bool> unreadable = false;
  std::unique_ptr<sql::Db> db;
  std::unique_ptr<blob::Store> blobs;
  store::Hub hub;
  store::Store store;
  directory::Directory directory;
  // While set, nothing can be made durable: every commit fails.
  std::atomic<bool> disk_full = false;

  // `given` lines about accounts and mail, the same for every protocol:
  //   given account ADDRESS PASSWORD [read-only] [suspended] [login=NAME] [pop3=MAILBOX-ID]
  //                                  [quota=OCTETS] [per-hour=RECIPIENTS]
  //   given state ADDRESS active|suspended|deleted|purged
  //   given address ADDRESS ACCOUNT-ADDRESS      another address of that account
  //   given catch-all DOMAIN ADDRESS
  //   given mailbox ADDRESS NAME
  //   given message ADDRESS [mailbox=ID] [uidl=TEXT] [pop3-size=N] [pop3-seq=N]     and its block
  //   given messages COUNT ADDRESS OCTETS        made-up ones of exactly that size
  //   given expunged ADDRESS UID                 by another session
  //   given quota ADDRESS OCTETS
  //   given organisation-quota OCTETS
  //   given seconds N                            pass
  //   given disk full|free
  //   given password ADDRESS PASSWORD            is changed
  //   given database unreadable|readable
  // Errc::not_found for any other first word, so that a protocol can add its own.
  Result<> given(const std::vector<std::string>& words, const std::vector<std::string>& block);
};

// A self-signed certificate for tests, made once in the process.
const net::TlsHolder& test_tls();

}  // namespace todoke::test
