#pragma once

#include "net/gate.h"
#include "queue/connector.h"
#include "queue/dispatcher.h"
#include "queue/parts.h"
#include "queue/stored_mail.h"

#include <atomic>

namespace todoke::queue {

// What the coroutines of the queue share.  All on one thread, but for ring().
struct Core {
  explicit Core(Parts given)
      : parts(std::move(given)),
        dispatcher(parts.clock),
        connector(parts),
        alarm(parts.clock),
        notice_alarm(parts.clock),
        stored_mail(parts.blobs, parts.pool, parts.signer) {}

  Parts parts;
  Dispatcher dispatcher;
  Connector connector;
  Alarm alarm;         // wakes the scheduler
  Alarm notice_alarm;  // wakes who tells senders
  net::Gate gate;
  StoredMail stored_mail;
  bool is_stopping = false;
  std::atomic<int> connections = 0;
  Steady last_progress{};
  std::atomic<bool> has_notices = true;  // there may be notices to write

  Renderer* renderer_of(const Message& message) {
    auto found = parts.renderers.find(message.renderer);
    if (found != parts.renderers.end()) return found->second;
    return message.renderer.empty() ? &stored_mail : nullptr;
  }
  // Under which address this copy goes out.
  std::string reverse_path_of(const Message& message, RecipientId id) const {
    if (message.return_path == ReturnPath::as_given || !parts.bounce_address)
      return message.reverse_path;
    return parts.bounce_address(message, id);
  }
  // Any thread.
  void follow(Consequences consequences) {
    for (const auto& body : consequences.bodies) parts.blobs.release(body);
    if (consequences.notices) note_notices();
  }
  void note_notices() {
    if (!has_notices.exchange(true)) notice_alarm.ring();
  }
};

}  // namespace todoke::queue
