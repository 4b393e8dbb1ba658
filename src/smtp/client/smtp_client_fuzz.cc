#include "base/assert.h"
#include "net/memory_stream.h"
#include "smtp/client/client.h"

#include <algorithm>
#include <cstdint>

using namespace todoke;

namespace {

struct Text final : smtp::BodySource {
  Task<Result<std::string_view>> next() override {
    constexpr std::string_view pieces[] = {"Subject: x\r\n\r\n.", "\r\n..\r\nend", ""};
    co_return pieces[at++];
  }
  int at = 0;
};

// A piece of the server's words: up to the next NUL.
std::string_view take_piece(std::string_view& input) {
  auto piece = input.substr(0, input.find('\0'));
  input.remove_prefix(std::min(piece.size() + 1, input.size()));
  return piece;
}

// Accepted means that the server said so, and all else has a cause.
void check_results(const std::vector<smtp::RecipientResult>& results, std::size_t count) {
  TODOKE_ASSERT(results.size() == count);
  for (const auto& one : results) {
    if (one.accepted)
      TODOKE_ASSERT(one.reply && one.reply->code < 300 && !one.ours &&
                    one.stage == smtp::Stage::end_of_data);
    else
      TODOKE_ASSERT(one.reply || one.breakdown != smtp::Breakdown::none);
  }
}

}  // namespace

// A hostile server: its words are the input, in pieces between NULs, each given when the client
// waits.  Whatever they are, every call ends, and tells for every recipient how.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 8192) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto choice = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);

  static auto tls = net::TlsClient::create("").value_or(nullptr);
  SimulatedClock clock{Time{}};
  net::MemoryStream io;
  if (choice & 1) io.chunk = 1;
  io.on_wait = [&](net::MemoryStream& stream) { stream.feed(take_piece(input)); };
  smtp::ClientOptions options{.clock = clock, .helo = "client.test", .tls = tls};
  if (choice & 2) options.protocol = smtp::Protocol::lmtp;
  if (choice & 4) options.login = smtp::Login{"ann", "secret"};
  if ((choice & 8) || !tls) options.policy.need = smtp::TlsPolicy::Need::never;
  smtp::Client client(io, std::move(options));
  auto opened = block_on(client.open());
  for (int i = 0; i < 2 && opened; ++i) {
    Text text;
    smtp::Message message{.reverse_path = "a@client.test", .size = 30, .text = &text};
    for (const char* to : {"b@x.test", "c@x.test", "d@x.test"}) message.recipients.push_back({to});
    message.smtp_utf8 = (choice & 16) != 0;
    check_results(block_on(client.send(std::move(message))), 3);
    if (choice & 32) block_on(client.reset());
  }
  block_on(client.quit());
  TODOKE_ASSERT(!client.usable());
  TODOKE_ASSERT(client.dialogue().size() <= smtp::Dialogue::max_bytes);
  return 0;
}
