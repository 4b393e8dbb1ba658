#pragma once

#include "base/task.h"
#include "imap/syntax/command.h"
#include "net/stream.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace todoke::imap {

// Puts together commands from lines and literals.  RFC 9051 §2.2.1, §4.3, RFC 7888.
class CommandReader {
 public:
  explicit CommandReader(net::Stream& io) : io_(io) {}

  struct Received {
    enum class Kind {
      command,    // `text` is whole
      message,    // an APPEND up to its message, whose literal is `literal`; not asked for yet
      too_large,  // `text` begins it; the rest was not taken.  The client may go on.
      hopeless,   // as well, but what follows cannot be told apart from commands: close
    };
    Kind kind = Kind::command;
    std::string text;
    LiteralHead literal{};
  };
  // The next command.  `budget` bounds it; once its name is known, that of its rule if that is
  // less or, with `logged_in`, whatever it is.
  [[nodiscard]] Task<Received> next(bool logged_in);

  // Skips a literal that nobody wants, and the rest of its command with all literals that follow
  // unasked; one that the client would wait for it does not send.  False: this is too much.
  [[nodiscard]] Task<bool> skip_rest(LiteralHead literal);

 private:
  [[nodiscard]] Task<> skip(std::uint64_t octets);
  [[nodiscard]] Task<std::string> look_ahead();

  net::Stream& io_;
};

}  // namespace todoke::imap
