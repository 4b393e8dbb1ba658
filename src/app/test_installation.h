#pragma once

#include "app/admin/progress.h"
#include "app/installation.h"
#include "app/transfer/mailbox_writer.h"
#include "store/import.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

// For the unit tests of app: an installation in a folder that goes with it.
namespace todoke::app::test {

class Folder {
 public:
  Folder() {
    std::string path = (std::filesystem::temp_directory_path() / "todoke-app-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline void write_file(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  REQUIRE(file.good());
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline const directory::Actor actor{.name = "test", .source = "local"};

class TestInstallation {
 public:
  TestInstallation() { open(); }
  // With this data folder, which stays.
  explicit TestInstallation(std::string data) : data_(std::move(data)) { open(); }

  Installation& operator*() { return *installation_; }
  Installation* operator->() { return installation_.get(); }
  const std::string& data() const { return data_; }
  void close() { installation_.reset(); }
  void open() {
    if (data_.empty()) data_ = folder_ / "data";
    Config config{.data = data_, .host = "mail.example.jp"};
    auto opened = Installation::open(config, clock_);
    REQUIRE_MESSAGE(opened.has_value(), opened.error().text);
    installation_ = *std::move(opened);
  }

  void add_domain() {
    REQUIRE(block_on(installation_->directory().create_organisation(actor, {.name = "Org"})));
    REQUIRE(block_on(installation_->directory().create_domain(actor, "Org", "example.jp")));
  }
  directory::Account add_account(const std::string& address) {
    directory::NewAccount wanted{.address = address, .stored_password = "{PLAIN}secret"};
    auto made = block_on(installation_->directory().create_account(actor, std::move(wanted)));
    REQUIRE_MESSAGE(made.has_value(), made.error().text);
    return *made;
  }
  store::MailboxInfo mailbox(std::int64_t account_id, const std::string& name) {
    for (const auto& one : block_on(installation_->store().mailboxes(account_id, false)))
      if (one.name == name) return one;
    FAIL("no mailbox " << name);
    std::abort();
  }
  void add_message(std::int64_t account_id, const std::string& mailbox_name,
                   const std::string& bytes, const transfer::Marks& marks,
                   store::Identity identity = {}) {
    transfer::MailboxWriter writer(*installation_, account_id, mailbox(account_id, mailbox_name).id,
                                   {});
    auto receiver = writer.begin();
    REQUIRE(receiver.append(bytes));
    auto received = receiver.finish();
    REQUIRE(received);
    REQUIRE(writer.add(*std::move(received), marks, {}, std::move(identity), "test"));
    REQUIRE(writer.flush());
  }

  struct Message {
    store::MessageImage image;
    std::string bytes;
  };
  std::vector<Message> messages(std::int64_t account_id, const std::string& name) {
    std::vector<Message> found;
    auto id = mailbox(account_id, name).id;
    auto query = [&](sql::Tx& tx) { return store::message_images(tx, account_id, id, 0, 10'000); };
    for (auto& image : block_on(installation_->db().read(query))) {
      auto bytes = installation_->blobs().read(image.body, 0, image.body.size);
      REQUIRE(bytes);
      found.push_back({std::move(image), *bytes});
    }
    return found;
  }

 private:
  Folder folder_;
  std::string data_;
  SystemClock clock_;
  std::unique_ptr<Installation> installation_;
};

}  // namespace todoke::app::test
