#pragma once

#include "queue/core.h"
#include "queue/returns/dsn_composer.h"

namespace todoke::queue {

// Tells senders what became of their mail (RFC 3464): what the events noted for it is gathered by
// message for a moment, written as one notice, and handed to the postman.  A notice that cannot be
// delivered makes no other (RFC 5321 §6.1): it is logged and dropped.
class Notifier {
 public:
  explicit Notifier(Core& core) : core_(core) {}
  // One round over all messages that have something to tell.  When to come again, if anything is
  // left.
  [[nodiscard]] Task<std::optional<Steady>> round();

 private:
  struct Due {
    std::shared_ptr<const Message> message;
    std::vector<DsnRecipient> recipients;
    std::vector<std::pair<int, int>> rows;  // number and action, to be removed
    bool japanese_first = true;
  };
  static std::optional<Due> read_due(sql::Tx& tx, std::int64_t message_id, const Holds& holds,
                                     Time now);
  [[nodiscard]] Task<bool> tell(Due due);
  [[nodiscard]] Task<Result<std::string>> compose(Due due);
  [[nodiscard]] Task<> forget(std::int64_t message_id, std::vector<std::pair<int, int>> rows);

  Core& core_;
};

}  // namespace todoke::queue
