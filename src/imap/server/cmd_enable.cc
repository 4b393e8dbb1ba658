#include "imap/server/session.h"

namespace todoke::imap {

// RFC 5161, RFC 9051 §6.3.1, RFC 7162 §3.2.3, RFC 9755 §3.
Task<Reply> Session::handle(Enable command) {
  std::string enabled = "ENABLED";
  for (const auto& capability : command.capabilities) {
    if (capability == "IMAP4REV2") {
      rev2_ = utf8_ = true;
      enabled += " IMAP4rev2";
    } else if (capability == "UTF8=ACCEPT") {
      utf8_ = true;
      enabled += " UTF8=ACCEPT";
    } else if (capability == "CONDSTORE") {
      enable_condstore();
      enabled += " CONDSTORE";
    } else if (capability == "QRESYNC") {
      enable_condstore();
      qresync_ = true;
      enabled += " QRESYNC";
    }
  }
  untagged(enabled);
  co_return ok("Enabled what we know");
}

}  // namespace todoke::imap
