#include "pop3/session.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::pop3 {
// The message that a client means, or nothing when that is no message; then it has been told.
std::optional<std::size_t> Session::index_of(MessageNumber number) {
  auto count = transaction_->drop->entries().size();
  if (number > count) {
    error(fmt::format("There are only {} messages", count));
    return {};
  }
  if (is_deleted(number - 1)) {
    error(fmt::format("Message {} is marked as deleted", number));
    return {};
  }
  return number - 1;
}

bool Session::is_deleted(std::size_t index) const {
  return transaction_->deleted_count > 0 && transaction_->deleted[index];
}

// RFC 1939 §5.
Task<> Session::handle(Stat) {
  const auto& t = *transaction_;
  ok(fmt::format("{} {}", t.drop->entries().size() - t.deleted_count,
                 t.drop->total_size() - t.deleted_octets));
  co_return;
}

// RFC 1939 §5.
Task<> Session::handle(List command) {
  const auto& t = *transaction_;
  if (!command.message) {
    ok(fmt::format("{} messages ({} octets)", t.drop->entries().size() - t.deleted_count,
                   t.drop->total_size() - t.deleted_octets));
    co_await send_listing(Listing::sizes);
  } else if (auto index = index_of(*command.message)) {
    ok(fmt::format("{} {}", *command.message, t.drop->entries()[*index].pop3_size));
  }
}

// RFC 1939 §7.
Task<> Session::handle(Uidl command) {
  const auto& t = *transaction_;
  if (!command.message) {
    ok("Unique-ids follow");
    co_await send_listing(Listing::unique_ids);
  } else if (auto index = index_of(*command.message)) {
    ok(fmt::format("{} {}", *command.message, t.drop->entries()[*index].uidl(*t.drop)));
  }
}

Task<> Session::send_listing(Listing what) {
  const auto& t = *transaction_;
  inside_answer_ = true;
  if (t.deleted_count == 0) {
    std::string_view text = what == Listing::sizes ? t.drop->list_text() : t.drop->uidl_text();
    while (!text.empty()) {
      auto piece = text.substr(0, net::Stream::much);
      io_.write(piece);
      text.remove_prefix(piece.size());
      co_await io_.breathe(server_.limits.idle);
    }
  } else {
    const auto& entries = t.drop->entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (t.deleted[i]) continue;
      if (what == Listing::sizes)
        io_.write(fmt::format("{} {}\r\n", i + 1, entries[i].pop3_size));
      else
        io_.write(fmt::format("{} {}\r\n", i + 1, entries[i].uidl(*t.drop)));
      co_await io_.breathe(server_.limits.idle);
    }
  }
  io_.write(".\r\n");
  inside_answer_ = false;
}

}  // namespace todoke::pop3
