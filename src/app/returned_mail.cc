#include "app/returned_mail.h"

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/random.h"

namespace todoke::app {

bool ReturnedMail::takes(const smtp::Path& to) const {
  return desk_.recipient_of(to).has_value();
}

delivery::AddressHandler::Handling ReturnedMail::receive(Arrived arrived) {
  struct State {
    queue::RecipientId recipient;
    queue::Return returned;
    std::int64_t event_id;
    Time now;
    bool is_known = false;
    queue::Consequences consequences;
  };
  // Shared by both halves of the handling.
  auto state = std::make_shared<State>();
  state->recipient = desk_.recipient_of(arrived.to).value();
  state->returned = desk_.read(arrived.text, arrived.reverse_path);
  state->event_id = installation_.ids().next();
  state->now = installation_.clock().now();
  return {.write =
              [this, state](sql::Tx& tx) {
                state->consequences = {};
                state->is_known = desk_.write(tx, state->recipient, state->returned,
                                              state->event_id, state->now, state->consequences);
              },
          .committed =
              [this, state] {
                for (const auto& body : state->consequences.bodies)
                  installation_.blobs().release(body);
                log::info("queue.returned", {{"message", id_text(state->recipient.message)},
                                             {"recipient", state->recipient.number},
                                             {"kind", to_text(state->returned.kind)},
                                             {"format", state->returned.format},
                                             {"known", state->is_known}});
              }};
}

std::string envelope_key(sql::Db& db) {
  const auto fresh = hex_encode(crypto::random_bytes(32));
  auto write = [&](sql::Tx& tx) {
    tx.run("insert into setting (name, value) values ('envelope_key', $1) on conflict do nothing",
           fresh);
    return tx.first<std::string>("select value from setting where name = 'envelope_key'");
  };
  return hex_decode(block_on(db.write(write)).value_or(fresh)).value_or(fresh);
}

}  // namespace todoke::app
