#include "support/world.h"

#include "base/ascii.h"
#include "base/assert.h"
#include "blob/segment_store.h"
#include "crypto/random.h"
#include "mime/structure.h"
#include "mime/text.h"
#include "store/append.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace todoke::test {
namespace {

using namespace std::chrono_literals;

const directory::Actor tester{"test", "local"};
constexpr Time start = Time(std::chrono::days(20'000));  // 2024-10-04

template <class T>
T wanted(Result<T> result) {
  if (!result) fmt::print(stderr, "the scene of a test: {}\n", result.error().text);
  TODOKE_ASSERT(result.has_value());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// The value of `name=value` among the words, or nothing.
std::optional<std::string> option(const std::vector<std::string>& words, std::string_view name) {
  for (const auto& word : words)
    if (word.starts_with(name) && word.substr(name.size()).starts_with('='))
      return word.substr(name.size() + 1);
  return {};
}
std::optional<std::int64_t> number(const std::vector<std::string>& words, std::string_view name) {
  auto text = option(words, name);
  if (!text) return {};
  return static_cast<std::int64_t>(ascii::to_number(*text).value());
}
bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// A database that can be made to fail.
class Breakable final : public sql::Db {
 public:
  Breakable(std::unique_ptr<sql::Db> inner, const std::atomic<bool>& unreadable)
      : inner_(std::move(inner)), unreadable_(unreadable) {}
  void before_commit(std::function<void()> hook) override {
    inner_->before_commit(std::move(hook));
  }
  Result<> backup_to(const std::string& target) override { return inner_->backup_to(target); }
  void submit_write(sql::Job& job) override { inner_->submit_write(job); }
  void submit_read(sql::Job& job) override {
    if (!unreadable_) return inner_->submit_read(job);
    job.failure = std::make_exception_ptr(sql::Unavailable("the disk fails under the database"));
    job.finished();
  }

 private:
  const std::unique_ptr<sql::Db> inner_;
  const std::atomic<bool>& unreadable_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\r\n";
  return text;
}

// A message of exactly `size` octets that says which one it is.
std::string made_up(std::int64_t which, std::size_t size) {
  auto text = fmt::format("Subject: {}\r\n\r\n", which);
  while (text.size() < size) {
    auto left = size - text.size();
    auto line = std::min<std::size_t>(left, 72);
    if (left - line == 1) --line;  // a line needs two octets at least
    text += line >= 2 ? std::string(line - 2, 'x') + "\r\n" : "x";
  }
  return text;
}

directory::DirectoryOptions cheap() {
  directory::DirectoryOptions options;
  options.password_cost = crypto::cheapest;
  options.scram_iterations = crypto::min_scram_iterations;
  return options;
}

}  // namespace

World::World(const Wrap& wrap)
    : clock(start),
      ids(clock),
      pool(1),
      db(std::make_unique<Breakable>(sql::open_memory(), unreadable)),
      blobs(wrap ? wrap(blob::open_memory()) : blob::open_memory()),
      store(*db, *blobs, clock, ids, pool, hub),
      directory(*db, clock, ids, pool, cheap()) {
  db->before_commit([this] {
    if (disk_full) throw blob::Unavailable("no space left on device");
    blobs->sync();
  });
  directory.on_create([this](sql::Tx& tx, const directory::Account& account) {
    store::create_mail_account(tx, account.id, account.organisation_id, account.locale,
                               clock.now());
  });
  wanted(block_on(directory.create_organisation(tester, {.name = "Test", .quota_bytes = {}})));
}

directory::Account World::add_account(const std::string& address, const std::string& password) {
  auto domain = address.substr(address.find('@') + 1);
  auto known = block_on(directory.domains({}));
  if (std::ranges::find(known, domain, &directory::Domain::name) == known.end())
    wanted(block_on(directory.create_domain(tester, "Test", domain)));
  directory::NewAccount account{.address = address, .password = password, .quota_bytes = {}};
  return wanted(block_on(directory.create_account(tester, account)));
}

void World::change(const std::string& address, directory::AccountChange change) {
  wanted(block_on(directory.update_account(tester, address, std::move(change))));
}

void World::limit_organisation(std::optional<std::int64_t> bytes) {
  wanted(block_on(directory.update_organisation(tester, "Test", {.quota_bytes = bytes})));
}

std::int64_t World::account_id(const std::string& address) {
  return wanted(block_on(directory.find_account(address))).id;
}

store::Placed World::deliver(const std::string& address, const std::string& text,
                             std::int64_t mailbox_id, const store::Identity& identity) {
  auto account = account_id(address);
  auto writer = blobs->create();
  wanted(writer->append(text));
  auto at = wanted(writer->finish(""));
  auto blob_id = ids.next();
  auto structure = mime::parse_structure(text);
  store::Parsed parsed{.envelope = mime::encode(structure.envelope),
                       .structure = mime::encode(structure),
                       .preview = mime::decoded_text(structure.parts[0], text, 100)};
  parsed.final_crlf = text.empty() || text.ends_with("\r\n");
  store::NewMessage message{.id = ids.next(),
                            .blob_id = blob_id,
                            .size = static_cast<std::int64_t>(text.size()),
                            .internal_date = clock.now(),
                            .received_at = clock.now(),
                            .origin = "import",
                            .parsed = &parsed,
                            .keywords = "",
                            .identity = identity};
  auto work = [&](sql::Tx& tx) {
    store::insert_blob(tx, blob_id, at, 1);
    return store::append(tx, account, mailbox_id, message, {});
  };
  auto placed = wanted(block_on(db->write(work)));
  auto delta = std::make_shared<store::Delta>();
  delta->placed.push_back(store::placement_of(message, placed));
  hub.publish({account, mailbox_id, placed.modseq, std::move(delta)});
  return placed;
}

void World::expunge(const std::string& address, std::vector<std::uint32_t> uids,
                    std::int64_t mailbox_id) {
  directory::Principal principal{.account_id = account_id(address)};
  auto mailbox = wanted(block_on(store.open(principal, mailbox_id, store::right_expunge)));
  wanted(block_on(mailbox.expunge(std::move(uids))));
}

std::size_t World::count(const std::string& address, std::int64_t mailbox_id) {
  return block_on(store.messages(account_id(address), mailbox_id, 0, 1'000'000)).size();
}

std::vector<std::string> World::bodies(const std::string& address, std::int64_t mailbox_id) {
  std::vector<std::string> found;
  for (const auto& one : block_on(store.messages(account_id(address), mailbox_id, 0, 1'000'000)))
    found.push_back(wanted(blobs->read(one.body, 0, one.body.size)));
  return found;
}

void World::set_state(const std::string& address, std::string_view state) {
  if (state == "deleted") return wanted(block_on(directory.delete_account(tester, address)));
  if (state != "purged")
    return change(address, {.state = state == "active" ? directory::State::active
                                                       : directory::State::suspended});
  auto work = [id = account_id(address)](sql::Tx& tx) {
    tx.run("delete from mail_account where account_id = $1", id);
  };
  block_on(db->write(work));
}

Result<> World::given(const std::vector<std::string>& words,
                      const std::vector<std::string>& block) {
  if (words.size() < 2) return fail(Errc::invalid, "too few words");
  const auto& address = words[1];
  if (words[0] == "account" && words.size() >= 3) {
    add_account(address, words[2]);
    directory::AccountChange wish;
    wish.pop3_read_only = has(words, "read-only");
    if (auto mailbox = number(words, "pop3")) wish.pop3_mailbox_id = mailbox;
    if (auto quota = number(words, "quota")) wish.quota_bytes = quota;
    if (auto limit = number(words, "per-hour")) wish.send_limit_per_hour = static_cast<int>(*limit);
    if (has(words, "suspended")) wish.state = directory::State::suspended;
    change(address, wish);
    if (auto login = option(words, "login"))
      wanted(block_on(directory.add_login(tester, address, *login, "")));
  } else if (words[0] == "mailbox" && words.size() == 3) {
    wanted(block_on(store.create_mailbox(account_id(address), {.name = words[2]})));
  } else if (words[0] == "message") {
    store::Identity identity;
    identity.pop3_uidl = option(words, "uidl");
    identity.pop3_size = number(words, "pop3-size");
    identity.pop3_seq = number(words, "pop3-seq");
    deliver(address, joined(block), number(words, "mailbox").value_or(store::inbox_id), identity);
  } else if (words[0] == "messages" && words.size() == 4) {
    auto count = ascii::to_number(words[1]).value(), size = ascii::to_number(words[3]).value();
    for (std::uint64_t i = 1; i <= count; ++i)
      deliver(words[2], made_up(static_cast<std::int64_t>(i), size));
  } else if (words[0] == "state" && words.size() == 3) {
    set_state(address, words[2]);
  } else if (words[0] == "address" && words.size() == 3) {
    wanted(block_on(directory.add_address(tester, address, words[2])));
  } else if (words[0] == "catch-all" && words.size() == 3) {
    wanted(block_on(directory.set_catch_all(tester, words[1], words[2])));
  } else if (words[0] == "quota" && words.size() == 3) {
    change(address, {.quota_bytes = static_cast<std::int64_t>(ascii::to_number(words[2]).value())});
  } else if (words[0] == "organisation-quota") {
    limit_organisation(static_cast<std::int64_t>(ascii::to_number(words[1]).value()));
  } else if (words[0] == "seconds") {
    clock.advance(std::chrono::seconds(ascii::to_number(words[1]).value()));
  } else if (words[0] == "disk") {
    disk_full = words[1] == "full";
  } else if (words[0] == "database") {
    unreadable = words[1] == "unreadable";
  } else if (words[0] == "password" && words.size() == 3) {
    wanted(block_on(directory.set_password(tester, address, words[2])));
  } else if (words[0] == "expunged" && words.size() == 3) {
    expunge(address, {static_cast<std::uint32_t>(ascii::to_number(words[2]).value())});
  } else {
    return fail(Errc::not_found, "nothing that can be given: " + words[0]);
  }
  return {};
}

const net::TlsHolder& test_tls() {
  struct Made {
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("todoke-test-" + crypto::random_token(9));
    net::CertificateFiles files{folder / "certificate.pem", folder / "key.pem"};
    net::TlsHolder holder{{files}};
    Made() {
      std::filesystem::create_directory(folder);
      wanted(net::write_self_signed("mail.example.test", files));
      wanted(holder.reload());
    }
    ~Made() {
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
  };
  static const Made made;
  return made.holder;
}

}  // namespace todoke::test
