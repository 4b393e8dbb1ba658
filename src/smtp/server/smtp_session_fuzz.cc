#include "base/assert.h"
#include "net/memory_stream.h"
#include "smtp/server/session.h"
#include "support/world.h"

#include <algorithm>
#include <cstdint>

using namespace todoke;

namespace {

// In the last of these Ann has signed in.
constexpr std::string_view before[] = {
    "",
    "EHLO a\r\n",
    "EHLO a\r\nMAIL FROM:<e@else.test>\r\n",
    "EHLO a\r\nMAIL FROM:<e@else.test>\r\nRCPT TO:<ann@example.test>\r\n",
    "EHLO a\r\nMAIL FROM:<e@else.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n",
    "EHLO a\r\nMAIL FROM:<e@else.test>\r\nRCPT TO:<ann@example.test>\r\nBDAT 6\r\na: b\r\n",
    "EHLO a\r\nAUTH LOGIN\r\n",
    "EHLO a\r\nAUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0\r\nMAIL FROM:<ann@example.test>\r\n",
};

struct Scene {
  Scene() { world.add_account("ann@example.test", "secret"); }
  test::World world;
  delivery::Delivery delivery{*world.db,       *world.blobs, world.store,
                              world.directory, world.clock,  world.ids};
  smtp::SubmissionRate rate{world.clock, 100};
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace

// A session in the state that the first byte chooses gets the rest.  Whatever that is, it answers
// in whole lines, and a message is there exactly when it was answered with 250.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 8192) return 0;
  static Scene scene;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto choice = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);

  bool submits = choice % std::size(before) >= 6;
  smtp::Server server{.face = submits ? smtp::Face::submission : smtp::Face::mx,
                      .host = "mail.example.test",
                      .delivery = scene.delivery,
                      .directory = scene.world.directory,
                      .clock = scene.world.clock,
                      .ids = scene.world.ids,
                      .rate = scene.rate,
                      .tls = &test::test_tls(),
                      .allow_plain_text_login = true,
                      .max_message_size = 4096,
                      .max_recipients = 3};
  auto had = scene.world.count("ann@example.test");
  net::MemoryStream io(std::string(before[choice % std::size(before)]) + std::string(input));
  if (choice & 0x80) io.chunk = 1;
  if (choice & 0x40) io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
  smtp::Session session(io, server);
  try {
    block_on(session.run());
  } catch (const net::Closed&) {
    // The input has ended.
  }
  const auto& output = io.output();
  TODOKE_ASSERT(output.starts_with("220 ") && output.ends_with("\r\n"));
  auto delivered = scene.world.count("ann@example.test") - had;
  auto accepted = count(output, "\r\n250 2.0.0 Ok, stored as ");
  // What is submitted may go to others only.
  TODOKE_ASSERT(submits ? delivered <= accepted : delivered == accepted);

  if (had + delivered > 100) {
    std::vector<std::uint32_t> uids;
    auto account = scene.world.account_id("ann@example.test");
    for (const auto& one :
         block_on(scene.world.store.messages(account, store::inbox_id, 0, 1'000'000)))
      uids.push_back(one.uid);
    scene.world.expunge("ann@example.test", uids);
  }
  // Limits and throttles forget in an hour.
  scene.world.clock.advance(std::chrono::hours(1));
  return 0;
}
