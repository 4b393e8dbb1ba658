#include "app/transfer/mbox.h"

#include "app/transfer/line_ends.h"
#include "store/model.h"

#include <doctest/doctest.h>

#include <vector>

using namespace todoke;
using namespace todoke::transfer;
using namespace std::string_literals;

namespace {

struct Message {
  Marks marks;
  std::string bytes;
  std::uint64_t offset = 0;
  bool operator==(const Message&) const = default;
};

// Does what an import does, without a store.
struct Collect final : MboxReader::Sink {
  std::vector<Message> messages;
  StatusFilter filter;
  ToCrlf ends;
  void take(std::string_view bytes) { ends.feed(bytes, messages.back().bytes); }
  void begin(std::uint64_t offset, std::optional<Time> date) override {
    messages.push_back({.marks = {.internal_date = date}, .offset = offset});
    filter = {};
    ends = {};
  }
  void body(std::string_view bytes) override {
    std::string out;
    filter.feed(bytes, out);
    take(out);
  }
  void end() override {
    std::string out;
    filter.finish(out);
    take(out);
    auto date = messages.back().marks.internal_date;
    messages.back().marks = filter.marks();
    messages.back().marks.internal_date = date;
  }
};

std::vector<Message> read(std::string_view file, std::size_t step = 1 << 20) {
  Collect collect;
  MboxReader reader(collect);
  for (std::size_t i = 0; i < file.size(); i += step)
    REQUIRE(reader.feed(file.substr(i, step)).has_value());
  REQUIRE(reader.finish().has_value());
  return collect.messages;
}

Time at(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

std::string write(const std::vector<Message>& messages, std::size_t step = 1 << 20) {
  std::string out;
  MboxWriter writer;
  for (const auto& message : messages) {
    writer.begin(message.marks, out);
    for (std::size_t i = 0; i < message.bytes.size(); i += step)
      writer.body(std::string_view(message.bytes).substr(i, step), out);
    writer.end(out);
  }
  return out;
}

// What comes back is what went in; `offset` aside.
void round_trip(const std::vector<Message>& messages) {
  for (std::size_t step : {1, 2, 3, 7, 4096}) {
    auto file = write(messages, step);
    auto back = read(file, step);
    REQUIRE(back.size() == messages.size());
    for (std::size_t i = 0; i < back.size(); ++i) {
      CHECK(back[i].bytes == messages[i].bytes);
      CHECK(back[i].marks == messages[i].marks);
    }
  }
}

}  // namespace

TEST_CASE("two messages, with flags and dates") {
  auto messages = read(
      "From ken@example.jp Thu Nov 20 10:00:00 2025\n"
      "Status: RO\nSubject: one\nX-Status: AF\n\nbody one\n\n"
      "From hana@example.jp  Fri Nov 21 10:00:00 2025\n"
      "Subject: two\nX-Keywords:   Work  $Label1 \nX-UID: 7\n\nbody two\n\nmore\n");
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].bytes == "Subject: one\r\n\r\nbody one\r\n");
  CHECK(messages[0].marks.flags == (store::flag_seen | store::flag_answered | store::flag_flagged));
  CHECK(messages[0].marks.internal_date == at(1763632800));
  CHECK(messages[0].offset == 0);
  CHECK(messages[1].bytes == "Subject: two\r\n\r\nbody two\r\n\r\nmore\r\n");
  CHECK(messages[1].marks.flags == 0);
  CHECK(messages[1].marks.keywords == "$label1 work");
  CHECK(messages[1].offset == 93);
}

TEST_CASE("From lines that are none") {
  auto messages = read(
      "From a Thu Nov 20 10:00:00 2025\nSubject: x\n\n"
      "From here on it is text\n\nFrom now on too: even with a colon\n>From quoted\n>>From twice\n"
      "> From not quoted\nabove\nFrom b Thu Nov 20 10:00:00 2025 stands below no empty line\n");
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].bytes ==
        "Subject: x\r\n\r\n"
        "From here on it is text\r\n\r\nFrom now on too: even with a colon\r\nFrom quoted\r\n"
        ">From twice\r\n> From not quoted\r\nabove\r\n"
        "From b Thu Nov 20 10:00:00 2025 stands below no empty line\r\n");
}

TEST_CASE("files that are no mbox are refused, empty ones hold nothing") {
  CHECK(read("").empty());
  CHECK(read("\n\n").empty());
  for (std::string_view file : {"Subject: x\n\n", "\x01", "Fro", "From"}) {
    Collect collect;
    MboxReader reader(collect);
    auto fed = reader.feed(file);
    auto done = fed ? reader.finish() : fed;
    REQUIRE(!done.has_value());
    CHECK(done.error().code == Errc::invalid);
  }
}

TEST_CASE("CRLF files are read alike") {
  auto messages = read(
      "From a Thu Nov 20 10:00:00 2025\r\nStatus: R\r\nSubject: x\r\n\r\nbody\r\n\r\n"
      "From a Thu Nov 20 10:00:00 2025\r\n\r\nbody 2\r\n\r\n");
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].bytes == "Subject: x\r\n\r\nbody\r\n");
  CHECK(messages[0].marks.flags == store::flag_seen);
  CHECK(messages[1].bytes == "\r\nbody 2\r\n");
}

TEST_CASE("what is written reads back: odd bytes") {
  auto day = at(1'700'000'000);
  std::vector<Message> messages = {
      {{.internal_date = day}, "Subject: plain\r\n\r\nbody\r\n"},
      {{.flags = store::flag_seen | store::flag_deleted | store::flag_draft,
        .keywords = "$forwarded work",
        .internal_date = at(0)},
       "Status: mine\r\nX-Status: F\r\nX-Keywords: own\r\nSubject: own fields\r\n\r\nb\r\n"},
      {{.internal_date = day}, "From me\r\n>From me\r\n>>From me\r\n\r\nFrom x\r\n>>>From y\r\n"},
      {{.internal_date = day}, "A: b\r\n\r\n>\r\n>F\r\nFr\r\nFrom\r\n>Fro\r\n> From \r\n"},
      {{.internal_date = day}, "Subject: \xE5\xB1\x8A\x1B$B\r\n\r\n\x00\xFF\x80 caf\xE9\r\n"s},
      {{.internal_date = day}, "A: b\r\n\r\nlone \r CR\r\nend\r\n"},
      {{.internal_date = day}, "A: b\r\n\r\n\r\n\r\nempty lines around\r\n\r\n\r\n"},
      {{.internal_date = day}, "\r\nno header\r\n"},
      {{.internal_date = day}, ""},
      {{.internal_date = day}, "\r\n"},
      {{.internal_date = day}, "no colon in the first line\r\nStatus: R\r\n\r\n"},
      {{.internal_date = day},
       "A: " + std::string(5000, 'x') + "\r\n\r\n>" + std::string(3000, '>') + "From x\r\n"},
  };
  round_trip(messages);
}

TEST_CASE("a missing last line end is the one thing that mbox cannot keep") {
  auto back = read(write({{{}, "A: b\r\n\r\nno end"}}));
  REQUIRE(back.size() == 1);
  CHECK(back[0].bytes == "A: b\r\n\r\nno end\r\n");
}

TEST_CASE("keywords are tidied") {
  CHECK(tidy_keywords(" B a  b,A ") == "a b");
  CHECK(tidy_keywords("ok b(ad \xE5\xB1\x8A") == "ok");
}
