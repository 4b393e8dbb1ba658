#include "app/transfer/maildir.h"

#include "store/model.h"

#include <doctest/doctest.h>

#include <filesystem>

using namespace todoke;
using namespace todoke::transfer;

TEST_CASE("flags and keywords of file names") {
  std::vector<std::string> keywords = {"Work", "$label2"};
  auto marks = marks_from_name("1.a.host,S=5:2,FSab", keywords);
  CHECK(marks.flags == (store::flag_flagged | store::flag_seen));
  CHECK(marks.keywords == "$label2 work");
  CHECK(marks_from_name("1.a.host", keywords) == Marks{});
  CHECK(marks_from_name("1:2,DRTP,X", {}).flags ==
        (store::flag_draft | store::flag_answered | store::flag_deleted));
  CHECK(marks_from_name("1:2,P", {}).keywords == "$forwarded");
  CHECK(marks_from_name("1:2,z", keywords).keywords.empty());
  CHECK(base_name("1.a.host,S=5:2,FS") == "1.a.host,S=5");
}

TEST_CASE("every set of flags survives a file name") {
  for (unsigned flags = 0; flags < 32; ++flags) {
    Marks marks{.flags = flags, .keywords = "$forwarded a b"};
    std::vector<std::string> keywords;
    auto name = "x:" + name_flags(marks, keywords);
    auto read = parse_keywords_file(render_keywords_file(keywords));
    CHECK(marks_from_name(name, read) == marks);
  }
}

TEST_CASE("folders and mailbox names") {
  CHECK(mailbox_of_folder(".Work.2025") == "Work/2025");
  CHECK(folder_of_mailbox("Work/2025") == ".Work.2025");
  CHECK(folder_of_mailbox("INBOX").empty());
  for (std::string name : {"送信済み", "仕事/請求書/2025年", "a.b/c", "A&B", "😀/x", "&", "a-b"}) {
    auto folder = folder_of_mailbox(name);
    CHECK(mailbox_of_folder(folder) == name);
    CHECK(folder.find('/') == folder.npos);
  }
  // What other servers write in plain UTF-8 stays readable.
  CHECK(mailbox_of_folder(".送信済み") == "送信済み");
}

TEST_CASE("a folder that is no Maildir is refused") {
  auto listed = list_maildir(std::filesystem::temp_directory_path().string());
  REQUIRE(!listed.has_value());
  CHECK(listed.error().code == Errc::invalid);
}
