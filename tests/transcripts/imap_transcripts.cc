#include "delivery/delivery.h"
#include "imap/server/server.h"
#include "support/world.h"
#include "transcripts/runner/player.h"

using namespace todoke;

namespace {

// `given` lines of IMAP, besides those of test::World:
//   given peer unix | ADDRESS        where the next connections come from
//   given tls                        implicit TLS on the next connections
//   given plain-text-login allowed   on this listener
//   given append-limit OCTETS
class Imap final : public transcripts::Fixture {
 public:
  Result<> given(const std::vector<std::string>& words,
                 const std::vector<std::string>& block) override {
    auto is = [&](std::string_view word) { return !words.empty() && words[0] == word; };
    if (is("peer") && words.size() == 2)
      peer_ = words[1];
    else if (is("tls"))
      tls_ = true;
    else if (is("plain-text-login"))
      plain_text_ = imap::PlainTextLogin::allowed;
    else if (is("append-limit") && words.size() == 2)
      server_.append_limit = std::stoull(words[1]);
    else
      return world_.given(words, block);
    return {};
  }
  void prepare(net::MemoryStream& io) override {
    if (tls_) io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
    auto peer = io.peer();
    peer.address = peer_;
    io.set_peer(peer);
  }
  Task<> serve(net::Stream& io) override {  // NOLINT: outlives the session
    return imap::serve(server_, io, plain_text_);
  }

 private:
  test::World world_;
  delivery::Delivery delivery_{*world_.db,       *world_.blobs, world_.store,
                               world_.directory, world_.clock,  world_.ids};
  imap::Server server_{.store = world_.store,
                       .directory = world_.directory,
                       .delivery = delivery_,
                       .clock = world_.clock,
                       .ids = world_.ids,
                       .tls = &test::test_tls(),
                       .host = "mail.example.test"};
  std::string peer_ = "192.0.2.1";
  bool tls_ = false;
  imap::PlainTextLogin plain_text_ = imap::PlainTextLogin::refused;
};

}  // namespace

// Plays the transcripts of IMAP, or those of another folder.
int main(int argc, char** argv) {
  const char* folder = argc > 1 ? argv[1] : TODOKE_SOURCE_DIR "/tests/transcripts/imap";
  return transcripts::play_all(folder, [] { return std::make_unique<Imap>(); });
}
