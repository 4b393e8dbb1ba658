#include "app/returned_mail.h"

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/log.h"
#include "crypto/random.h"

namespace todoke::app {

bool ReturnedMail::takes(const smtp::Path& to) const {
  return desk_.recipient_of(to).has_value() ||
         ascii::equal_ignoring_case(smtp::to_text(to), complaint_address());
}

std::string ReturnedMail::complaint_address() const {
  return "fbl@" + installation_.config().host;
}

delivery::AddressHandler::Handling ReturnedMail::receive(Arrived arrived) {
  struct State {
    std::optional<queue::RecipientId> recipient;  // nothing: of a complaint that names none of ours
    queue::Return returned;
    std::int64_t event_id;
    Time now;
    bool is_known = false;
    queue::Consequences consequences;
  };
  // Shared by both halves of the handling.
  auto state = std::make_shared<State>();
  state->returned = desk_.read(arrived.text, arrived.reverse_path);
  state->recipient = desk_.recipient_of(arrived.to);
  if (!state->recipient) state->recipient = desk_.recipient_of(state->returned);
  state->event_id = installation_.ids().next();
  state->now = installation_.clock().now();
  return {.write =
              [this, state](sql::Tx& tx) {
                state->consequences = {};
                state->is_known = state->recipient &&
                                  desk_.write(tx, *state->recipient, state->returned,
                                              state->event_id, state->now, state->consequences);
              },
          .committed =
              [this, state] {
                for (const auto& body : state->consequences.bodies)
                  installation_.blobs().release(body);
                auto id = state->recipient.value_or(queue::RecipientId{});
                log::info("queue.returned", {{"message", id_text(id.message)},
                                             {"recipient", id.number},
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
