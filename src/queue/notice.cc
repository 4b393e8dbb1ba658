#include "queue/notice.h"

namespace todoke::queue {

std::optional<Notice> notice_for(EventKind kind, const std::optional<smtp::Notify>& notify,
                                 bool peer_has_dsn) {
  auto wanted = notify.value_or(smtp::Notify{.failure = true, .delay = true});
  switch (kind) {
    case EventKind::failed:
    case EventKind::expired:
      return wanted.failure ? std::optional(Notice::failed) : std::nullopt;
    case EventKind::in_doubt:
      return wanted.failure ? std::optional(Notice::in_doubt) : std::nullopt;
    case EventKind::delivered:
      // A server with DSN sees to it itself (RFC 3461 §5.2.2).
      return wanted.success && !peer_has_dsn ? std::optional(Notice::relayed) : std::nullopt;
    default:
      return {};
  }
}

int notify_number(const std::optional<smtp::Notify>& notify) {
  if (!notify) return 0;
  int bits = (notify->success ? 1 : 0) | (notify->failure ? 2 : 0) | (notify->delay ? 4 : 0);
  return bits == 0 ? 8 : bits;
}

std::optional<smtp::Notify> parse_notify_number(int number) {
  if (number == 0) return {};
  return smtp::Notify{
      .success = (number & 1) != 0, .failure = (number & 2) != 0, .delay = (number & 4) != 0};
}

}  // namespace todoke::queue
