#include "app/backup/account_archive.h"
#include "app/backup/archive_file.h"
#include "app/backup/installation_backup.h"
#include "app/check/mail.h"
#include "app/test_installation.h"

#include <doctest/doctest.h>

#include <filesystem>

using namespace todoke;
using namespace todoke::app;
using test::Folder;
using test::TestInstallation;

namespace {

namespace fs = std::filesystem;

Time at(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

directory::Account fill(TestInstallation& in) {
  in.add_domain();
  auto account = in.add_account("hana@example.jp");
  REQUIRE(block_on(in->store().create_mailbox(account.id, {.name = "仕事/請求書"})));
  in.add_message(account.id, "INBOX", "Subject: one\r\n\r\n1\r\n",
                 {.flags = store::flag_seen, .keywords = "work", .internal_date = at(100)});
  in.add_message(account.id, "INBOX", "Subject: two\r\n\r\n2\r\n", {.internal_date = at(200)},
                 {.uid = 17, .pop3_uidl = "old-uidl", .pop3_seq = 40, .pop3_size = 99});
  in.add_message(account.id, "仕事/請求書", std::string(700'000, 'x'), {.internal_date = at(300)});
  return account;
}

void check_equal(TestInstallation& a, std::int64_t account_a, const std::string& name_a,
                 TestInstallation& b, std::int64_t account_b, const std::string& name_b) {
  auto left = a.messages(account_a, name_a), right = b.messages(account_b, name_b);
  REQUIRE(left.size() == right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    CHECK(left[i].bytes == right[i].bytes);
    CHECK(left[i].image.uid == right[i].image.uid);
    CHECK(left[i].image.flags == right[i].image.flags);
    CHECK(left[i].image.keywords == right[i].image.keywords);
    CHECK(left[i].image.internal_date == right[i].image.internal_date);
    CHECK(left[i].image.pop3_uidl == right[i].image.pop3_uidl);
    CHECK(left[i].image.pop3_seq == right[i].image.pop3_seq);
    CHECK(left[i].image.pop3_size == right[i].image.pop3_size);
  }
}

enum class Where { middle, end };
void flip_a_byte(const std::string& path, Where where = Where::middle) {
  auto text = test::read_file(path);
  auto at_byte = where == Where::middle ? text.size() / 2 : text.size() - 10;
  text[at_byte] = static_cast<char>(text[at_byte] ^ 0x40);
  test::write_file(path, text);
}

}  // namespace

TEST_CASE("an archive file holds what was put in, and nothing damaged") {
  Folder folder;
  auto path = folder / "a.tar.zst";
  std::string large(1'500'000, 'y');
  {
    auto writer = ArchiveWriter::create(path);
    REQUIRE(writer);
    REQUIRE(writer->add("empty", ""));
    REQUIRE(writer->add("small", "hello"));
    REQUIRE(writer->add("large", large));
    REQUIRE(writer->close());
  }
  auto reader = ArchiveReader::open(path);
  REQUIRE(reader);
  for (std::string name : {"empty", "small", "large"}) {
    auto entry = reader->next();
    REQUIRE((entry && *entry));
    CHECK((*entry)->name == name);
    if (name == "small") continue;  // passed over by next()
    auto content = reader->read_all(2'000'000);
    REQUIRE(content);
    CHECK(*content == (name == "large" ? large : ""));
  }
  auto end = reader->next();
  REQUIRE(end);
  CHECK(!end->has_value());

  CHECK(ArchiveWriter::create(path).error().code == Errc::conflict);
  CHECK(fs::exists(path));
  {
    auto dropped = ArchiveWriter::create(folder / "dropped");
  }
  CHECK(!fs::exists(folder / "dropped"));
  test::write_file(folder / "short", test::read_file(path).substr(0, 60));
  auto cut = ArchiveReader::open(folder / "short");
  REQUIRE(cut);
  Result<std::optional<ArchiveReader::Entry>> next;
  do {
    next = cut->next();
  } while (next && *next);
  REQUIRE(!next);
  CHECK(next.error().code == Errc::corrupt);
}

TEST_CASE("the whole installation, there and back") {
  TestInstallation in;
  auto account = fill(in);
  Folder folder;
  NoProgress progress;
  auto made = backup_installation(*in, folder / "b", progress);
  REQUIRE_MESSAGE(made.has_value(), made.error().text);
  CHECK(made->messages == 3);
  CHECK(!fs::exists(in.data() + "/backup.links"));
  CHECK(!fs::exists(folder / "b.part"));
  CHECK(backup_installation(*in, folder / "b", progress).error().code == Errc::conflict);
  // What comes later is not in it.
  in.add_message(account.id, "INBOX", "Subject: later\r\n\r\n", {});

  Config config{.data = folder / "restored/data"};
  auto restored = restore_installation(config, folder / "b", progress);
  REQUIRE_MESSAGE(restored.has_value(), restored.error().text);
  CHECK(restored->messages == 3);
  TestInstallation copy(config.data);
  CHECK(copy.messages(account.id, "INBOX").size() == 2);
  check_equal(in, account.id, "仕事/請求書", copy, account.id, "仕事/請求書");
  CHECK(check_rows(*copy, {}).empty());
  CHECK(check_database(*copy).empty());
  std::vector<Finding> findings;
  REQUIRE(check_segments(*copy, progress, findings));
  REQUIRE(check_bodies(*copy, {}, progress, findings));
  CHECK(findings.empty());
  // It is a whole installation: mail goes on coming.
  copy.add_message(account.id, "INBOX", "Subject: on\r\n\r\n", {});
  CHECK(copy.messages(account.id, "INBOX").size() == 3);

  CHECK(restore_installation(config, folder / "b", progress).error().code == Errc::conflict);
}

TEST_CASE("a damaged backup restores nothing") {
  TestInstallation in;
  fill(in);
  Folder folder;
  NoProgress progress;
  REQUIRE(backup_installation(*in, folder / "b", progress));
  Config config{.data = folder / "data"};
  SUBCASE("a changed byte") {
    flip_a_byte(folder / "b/todoke.db");
  }
  SUBCASE("a missing file") {
    for (const auto& entry : fs::directory_iterator(folder / "b/blobs")) fs::remove(entry.path());
  }
  SUBCASE("no list") {
    fs::remove(folder / "b/backup.json");
  }
  CHECK(!restore_installation(config, folder / "b", progress).has_value());
  CHECK(!fs::exists(config.data));
}

TEST_CASE("a backup that cannot read a message says so and leaves nothing") {
  TestInstallation in;
  fill(in);
  in.close();
  for (const auto& entry : fs::directory_iterator(in.data() + "/blobs"))
    if (entry.path().string().ends_with(".blob")) flip_a_byte(entry.path().string(), Where::end);
  in.open();
  Folder folder;
  NoProgress progress;
  auto made = backup_installation(*in, folder / "b", progress);
  REQUIRE(!made);
  CHECK(made.error().code == Errc::corrupt);
  CHECK(fs::is_empty(folder.path()));
  std::vector<Finding> findings;
  REQUIRE(check_segments(*in, progress, findings));
  CHECK(!findings.empty());
}

TEST_CASE("one account to another installation, as it was") {
  TestInstallation from, to;
  auto account = fill(from);
  REQUIRE(
      block_on(from->directory().add_address(test::actor, "info@example.jp", "hana@example.jp")));
  REQUIRE(block_on(from->directory().add_login(test::actor, "hana@example.jp", "hana", "")));
  auto app_password = block_on(from->directory().create_app_password(
      test::actor, "hana@example.jp", "phone", directory::all_services, std::nullopt));
  REQUIRE(app_password);
  Folder folder;
  NoProgress progress;
  auto path = folder / "hana.tar.zst";
  auto made = archive_account(*from, "hana@example.jp", path, progress);
  REQUIRE_MESSAGE(made.has_value(), made.error().text);
  CHECK(made->messages == 3);
  CHECK(archive_account(*from, "hana@example.jp", path, progress).error().code == Errc::conflict);
  CHECK(archive_account(*from, "no@example.jp", folder / "x", progress).error().code ==
        Errc::not_found);

  // Its domain must be there.
  CHECK(!restore_account(*to, test::actor, path, progress).has_value());
  to.add_domain();
  auto restored = restore_account(*to, test::actor, path, progress);
  REQUIRE_MESSAGE(restored.has_value(), restored.error().text);
  CHECK(restored->messages == 3);
  CHECK(restored->into.empty());
  CHECK(restored->notes.empty());
  auto there = block_on(to->directory().find_account("info@example.jp"));
  REQUIRE(there);
  CHECK(there->address == "hana@example.jp");
  CHECK(there->logins.size() == 2);
  for (std::string name : {"INBOX", "仕事/請求書"}) {
    check_equal(from, account.id, name, to, there->id, name);
    CHECK(from.mailbox(account.id, name).uidvalidity == to.mailbox(there->id, name).uidvalidity);
    CHECK(from.mailbox(account.id, name).uidnext == to.mailbox(there->id, name).uidnext);
  }
  directory::SignIn sign_in{
      .login = "hana@example.jp", .password = "secret", .service = directory::Service::pop3};
  CHECK(block_on(to->directory().sign_in(sign_in)).has_value());
  sign_in.login = "hana";
  sign_in.password = *app_password;
  CHECK(block_on(to->directory().sign_in(sign_in)).has_value());
  CHECK(check_rows(*to, {}).empty());

  // A second time it goes beside what is there.
  auto again = restore_account(*to, test::actor, path, progress);
  REQUIRE_MESSAGE(again.has_value(), again.error().text);
  CHECK(!again->into.empty());
  check_equal(from, account.id, "INBOX", to, there->id, again->into + "/INBOX");
  CHECK(to.messages(there->id, "INBOX").size() == 2);
  CHECK(check_rows(*to, {}).empty());

  flip_a_byte(path);
  CHECK(verify_archive(path, progress).error().code == Errc::corrupt);
}
