#include "base/assert.h"
#include "delivery/delivery.h"
#include "imap/server/server.h"
#include "net/memory_stream.h"
#include "support/world.h"

#include <cstdint>
#include <memory>

using namespace todoke;

namespace {

#define LOGIN "l LOGIN ann@example.test secret\r\n"
// From the fourth on, Ann has logged in.
constexpr std::string_view before[] = {
    "",
    "a AUTHENTICATE PLAIN\r\n",
    "a AUTHENTICATE SCRAM-SHA-256 biwsbj1hbm5AZXhhbXBsZS50ZXN0LHI9YWJj\r\n",
    LOGIN,
    LOGIN "e ENABLE IMAP4rev2 QRESYNC\r\n",
    LOGIN "s EXAMINE INBOX\r\n",
    LOGIN "s SELECT INBOX\r\n",
    LOGIN "e ENABLE IMAP4rev2 QRESYNC\r\ns SELECT INBOX\r\n",
    LOGIN "s SELECT INBOX\r\ni IDLE\r\n",
    LOGIN "a APPEND INBOX {5+}\r\n",
};
constexpr std::size_t first_logged_in = 3;
constexpr std::size_t messages = 3;

struct Scene {
  Scene() {
    world.add_account("ann@example.test", "secret");
    world.add_account("bob@example.test", "secret");
    world.deliver("bob@example.test", "Subject: bob's\r\n\r\nnot for Ann\r\n");
  }
  // Every input begins with some messages at least.
  void refill() {
    for (auto have = world.count("ann@example.test"); have < messages; ++have)
      world.deliver("ann@example.test",
                    "Subject: one\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                    "--b\r\n\r\nHello\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
                    "Subject: two\r\n\r\nWorld\r\n--b--\r\n");
  }
  test::World world;
  delivery::Delivery delivery{*world.db,       *world.blobs, world.store,
                              world.directory, world.clock,  world.ids};
  imap::Server server{.store = world.store,
                      .directory = world.directory,
                      .delivery = delivery,
                      .clock = world.clock,
                      .ids = world.ids,
                      .tls = &test::test_tls(),
                      .host = "mail.example.test",
                      .append_limit = 4096};
};

}  // namespace

// A session in the state that the first byte chooses gets the rest.  Whatever that is, it answers
// in whole lines, tells nothing of another account, and before login changes nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  // Made at once, so that it ends before what it uses.
  static auto scene = std::make_unique<Scene>();
  static int runs = 0;
  // Mailboxes that were made stay; now and then all begins anew.
  if (++runs % 500 == 0) scene = std::make_unique<Scene>();
  scene->refill();
  auto had = scene->world.count("ann@example.test");
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto choice = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);

  auto situation = (choice & 0x3f) % std::size(before);
  net::MemoryStream io(std::string(before[situation]) + std::string(input));
  if (choice & 0x80) io.chunk = 1;
  if (choice & 0x40) io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
  try {
    block_on(imap::serve(scene->server, io, imap::PlainTextLogin::allowed));
  } catch (const net::Closed&) {
    // The input has ended.
  }
  const auto& output = io.output();
  TODOKE_ASSERT(output.starts_with("* OK [CAPABILITY ") && output.ends_with("\r\n"));
  TODOKE_ASSERT(output.find("not for Ann") == output.npos);
  TODOKE_ASSERT(scene->world.count("bob@example.test") == 1);
  bool logged_in = situation >= first_logged_in || output.find("] Logged in") != output.npos;
  if (!logged_in) {
    TODOKE_ASSERT(output.find(" FETCH (") == output.npos);
    TODOKE_ASSERT(scene->world.count("ann@example.test") == had);
  }
  // Wrong passwords are throttled; an hour later nobody remembers.
  scene->world.clock.advance(std::chrono::hours(1));
  return 0;
}
