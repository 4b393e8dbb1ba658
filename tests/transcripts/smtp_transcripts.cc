#include "base/ascii.h"
#include "delivery/delivery.h"
#include "smtp/server/session.h"
#include "support/world.h"
#include "transcripts/runner/player.h"

#include <fmt/format.h>

using namespace todoke;

namespace {

using Words = std::vector<std::string>;
using Lines = std::vector<std::string>;

Lines split_lines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    auto end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 2);
  }
  return lines;
}

// `given` lines of SMTP, besides those of test::World:
//   given face mx | submission | lmtp      mx unless said otherwise
//   given peer ADDRESS                     where the next connections come from
//   given tls                              implicit TLS on the next connections
//   given tls none                         no certificate: TLS is not offered
//   given plain-text-login allowed         on this listener
//   given limit size=N | recipients=N
//
// What `then` looks at:
//   then count ADDRESS      how many messages are in the INBOX
//   then message ADDRESS N  the Nth message there, counted from 1
//   then queue              from …, and one line for each recipient
//   then blobs              one line for each body: how many rows refer to it
class Smtp final : public transcripts::Fixture {
 public:
  Result<> given(const Words& words, const Lines& block) override {
    if (words.size() != 2 && !(words.size() == 1 && words[0] == "tls"))
      return world_.given(words, block);
    const auto& kind = words[0];
    if (kind == "face")
      server_.face = words[1] == "submission" ? smtp::Face::submission
                     : words[1] == "lmtp"     ? smtp::Face::lmtp
                                              : smtp::Face::mx;
    else if (kind == "peer")
      peer_ = words[1];
    else if (kind == "tls" && words.size() == 2)
      server_.tls = nullptr;
    else if (kind == "tls")
      tls_ = true;
    else if (kind == "plain-text-login")
      server_.allow_plain_text_login = true;
    else if (kind == "limit" && words[1].starts_with("size="))
      server_.max_message_size = ascii::to_number(words[1].substr(5)).value();
    else if (kind == "limit" && words[1].starts_with("recipients="))
      server_.max_recipients = ascii::to_number(words[1].substr(11)).value();
    else
      return world_.given(words, block);
    return {};
  }
  Result<Lines> look(const Words& words) override {
    if (words.size() == 2 && words[0] == "count")
      return Lines{std::to_string(world_.count(words[1]))};
    if (words.size() == 3 && words[0] == "message") {
      auto bodies = world_.bodies(words[1]);
      auto number = ascii::to_number(words[2]).value_or(0);
      if (number < 1 || number > bodies.size()) return fail(Errc::not_found, "no such message");
      return split_lines(bodies[number - 1]);
    }
    if (words.size() == 1 && words[0] == "queue") return queue();
    if (words.size() == 1 && words[0] == "blobs") return blobs();
    return fail(Errc::not_found, "nothing that could be looked at");
  }
  void prepare(net::MemoryStream& io) override {
    if (tls_) io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
    auto peer = io.peer();
    peer.address = peer_;
    io.set_peer(peer);
  }
  Task<> serve(net::Stream& io) override {  // NOLINT: outlives the session
    smtp::Session session(io, server_);
    co_await session.run();
  }

 private:
  Lines queue() {
    Lines lines;
    auto recipients = [&](sql::Tx& tx, std::int64_t id) {
      auto show = [&](const sql::Row& row) {
        lines.push_back(fmt::format("to <{}> domain={} notify={} orcpt={}", row.text(0),
                                    row.text(1), row.integer(2), row.text(3)));
      };
      tx.each(
          "select address, domain, notify, orcpt from queue_recipient where message_id = $1 "
          "order by number",
          show, id);
    };
    auto query = [&](sql::Tx& tx) {
      auto show = [&](const sql::Row& row) {
        lines.push_back(
            fmt::format("from <{}> ret={} envid={} body={} utf8={} tls={} by={} id={}", row.text(1),
                        row.integer(2), row.text(3), row.integer(4), row.integer(5), row.integer(6),
                        row.is_null(7) ? "nobody" : "account", id_text(row.integer(0))));
        recipients(tx, row.integer(0));
      };
      tx.each(
          "select id, reverse_path, ret, envid, body, smtputf8, require_tls, account_id "
          "from queue_message order by id",
          show);
    };
    block_on(world_.db->read(query));
    return lines;
  }
  Lines blobs() {
    Lines lines;
    auto query = [&](sql::Tx& tx) {
      auto show = [&](const sql::Row& row) {
        lines.push_back(fmt::format("refs={}", row.integer(0)));
      };
      tx.each("select refs from blob order by id", show);
    };
    block_on(world_.db->read(query));
    return lines;
  }

  test::World world_;
  delivery::Delivery delivery_{*world_.db,       *world_.blobs, world_.store,
                               world_.directory, world_.clock,  world_.ids};
  smtp::SubmissionRate rate_{world_.clock, 100};
  smtp::Server server_{.host = "mail.example.test",
                       .delivery = delivery_,
                       .directory = world_.directory,
                       .clock = world_.clock,
                       .ids = world_.ids,
                       .rate = rate_,
                       .tls = &test::test_tls(),
                       .farewells = smtp::Server::make_farewells("mail.example.test")};
  std::string peer_ = "192.0.2.1";
  bool tls_ = false;
};

}  // namespace

int main() {
  return transcripts::play_all(TODOKE_SOURCE_DIR "/tests/transcripts/smtp",
                               [] { return std::make_unique<Smtp>(); });
}
