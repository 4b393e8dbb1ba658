#include "base/assert.h"
#include "net/memory_stream.h"
#include "pop3/server.h"
#include "support/world.h"

#include <cstdint>

using namespace todoke;

namespace {

constexpr std::string_view before[] = {
    "",
    "USER ann@example.test\r\n",
    "AUTH LOGIN\r\n",
    "AUTH SCRAM-SHA-256 biwsbj1hbm5AZXhhbXBsZS50ZXN0LHI9YWJj\r\n",
    "USER ann@example.test\r\nPASS secret\r\n",
    "USER ann@example.test\r\nPASS secret\r\nDELE 2\r\n",
};
constexpr std::size_t messages = 3;

struct Scene {
  Scene() { world.add_account("ann@example.test", "secret"); }
  // Every input begins with the same maildrop.
  void refill() {
    for (auto have = world.count("ann@example.test"); have < messages; ++have)
      world.deliver("ann@example.test", "Subject: one\r\n\r\n.dot\r\n\n.\nend\r\n");
  }
  test::World world;
  pop3::Server server{.store = world.store,
                      .directory = world.directory,
                      .clock = world.clock,
                      .ids = world.ids,
                      .tls = &test::test_tls(),
                      .host = "mail.example.test"};
};

}  // namespace

// A session in the state that the first byte chooses gets the rest.  Whatever that is, it answers
// in whole lines, and deletes nothing without a QUIT.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  static Scene scene;
  scene.refill();
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto choice = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);

  net::MemoryStream io(std::string(before[choice % std::size(before)]) + std::string(input));
  if (choice & 0x80) io.chunk = 1;
  if (choice & 0x40) io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
  bool quit = false;
  try {
    block_on(pop3::serve(scene.server, io, pop3::PlainTextLogin::allowed));
    quit = true;
  } catch (const net::Closed&) {
    // The input has ended.
  }
  const auto& output = io.output();
  TODOKE_ASSERT(output.starts_with("+OK ") && output.ends_with("\r\n"));
  if (!quit) TODOKE_ASSERT(scene.world.count("ann@example.test") == messages);
  // Wrong passwords are throttled; an hour later nobody remembers.
  scene.world.clock.advance(std::chrono::hours(1));
  return 0;
}
