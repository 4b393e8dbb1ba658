#include "delivery/incoming.h"

#include "blob/segment_store.h"

#include <doctest/doctest.h>

using namespace todoke;
using delivery::Incoming;

namespace {

struct Taken {
  std::string bytes;
  std::string envelope, structure, preview;
  bool operator==(const Taken&) const = default;
};

Taken take(std::string_view message, std::size_t chunk) {
  auto blobs = blob::open_memory();
  Incoming incoming(blobs->create());
  incoming.set_trace("Return-Path: <>\r\nReceived: by us\r\n");
  incoming.complete_with("Fri, 4 Oct 2024 00:00:00 +0000", "id@us");
  for (std::string_view rest = message; !rest.empty();) {
    auto piece = rest.substr(0, chunk);
    REQUIRE(incoming.append(piece));
    rest.remove_prefix(piece.size());
  }
  CHECK(incoming.size() == message.size());
  auto finished = incoming.finish();
  REQUIRE(finished);
  auto bytes = blobs->read(finished->location, 0, finished->location.size);
  REQUIRE(bytes);
  return {*bytes, finished->envelope, finished->structure, finished->preview};
}

constexpr std::string_view trace = "Return-Path: <>\r\nReceived: by us\r\n";
constexpr std::string_view added =
    "Date: Fri, 4 Oct 2024 00:00:00 +0000\r\nMessage-ID: <id@us>\r\n";

std::string stored(std::string_view completion, std::string_view message) {
  std::string all(trace);
  all += completion;
  return all += message;
}

}  // namespace

TEST_CASE("however a message is cut, the same is stored") {
  const std::string messages[] = {
      "Subject: one\r\n\r\nHello\r\n",
      "Date: now\r\nMessage-ID: <a@b>\r\nSubject: one\r\n\r\nHello\r\n",
      "\r\nno header\r\n",
      "no header at all\r\n",
      " by forged\r\nDate: now\r\n\r\nHello\r\n",
      "\t",
      "Subject: without an end",
      "Subject: only a header\r\n",
      "\r\n",
      "",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n"
      "Content-Type: text/html\r\n\r\n<p>two\r\n--b--\r\n",
  };
  for (const auto& message : messages) {
    CAPTURE(message);
    auto whole = take(message, message.size() + 1);
    for (std::size_t chunk : {1, 2, 3, 5, 16}) CHECK(take(message, chunk) == whole);
  }
}

TEST_CASE("RFC 6409 §8: Date and Message-ID are added when they are missing") {
  auto bytes = [](std::string_view message) { return take(message, 4096).bytes; };
  std::string_view bare = "Subject: one\r\n\r\nDate: body\r\n";
  CHECK(bytes(bare) == stored(added, bare));
  std::string_view full = "DATE : x\r\nmessage-id:\r\n <a@b>\r\n\r\n";
  CHECK(bytes(full) == stored("", full));
  std::string_view half = "Message-ID: <a@b>\r\n\r\n";
  CHECK(bytes(half) == stored("Date: Fri, 4 Oct 2024 00:00:00 +0000\r\n", half));
  CHECK(bytes("") == stored(added, ""));
  CHECK(bytes("\r\nbody\r\n") == stored(added, "\r\nbody\r\n"));
}

TEST_CASE("RFC 5322 §2.2.3: a message that begins with a blank continues none of our fields") {
  for (std::string_view message : {" by forged\r\nMessage-ID: <a@b>\r\n\r\n", "\tx", " "}) {
    CAPTURE(message);
    CHECK(take(message, 4096).bytes == stored(std::string(added) + "\r\n", message));
  }
  CHECK(take("\r\n body", 4096).bytes == stored(added, "\r\n body"));
}

TEST_CASE("a header that never ends is passed on and not held for ever") {
  std::string message;
  while (message.size() < (300 << 10)) message += "X-Long: " + std::string(900, 'x') + "\r\n";
  auto taken = take(message, 4096);
  CHECK(taken.bytes.size() == message.size() + trace.size() + added.size());
  CHECK(taken.bytes.ends_with(message.substr(1000)));
}

TEST_CASE("RFC 5321 §6.3: more than 50 Received fields are a loop, wherever the header ends") {
  std::string hops;
  for (int i = 0; i < 51; ++i) hops += "received : x\r\n";
  auto refused = [](std::string_view message) {
    auto blobs = blob::open_memory();
    Incoming incoming(blobs->create());
    auto taken = incoming.append(message);
    if (!taken) return taken.error().code == Errc::denied;
    auto finished = incoming.finish();
    return !finished && finished.error().code == Errc::denied;
  };
  CHECK(refused(hops + "\r\nbody\r\n"));
  CHECK(refused(hops));
  CHECK(!refused(hops.substr(hops.find('\n') + 1) + "\r\nReceived: body\r\n"));
}

TEST_CASE("a message that is dropped leaves nothing behind") {
  auto blobs = blob::open_memory();
  {
    Incoming small(blobs->create());
    REQUIRE(small.append("Subject: one\r\n\r\n"));
    Incoming large(blobs->create());
    REQUIRE(large.append("Subject: one\r\n\r\n"));
    for (int i = 0; i < 10; ++i) REQUIRE(large.append(std::string(100'000, 'x')));
  }
  auto usage = blobs->usage();
  CHECK(usage.segments == 0);
  CHECK(usage.bytes == 0);
}
