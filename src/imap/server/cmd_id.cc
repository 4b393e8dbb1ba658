#include "base/log.h"
#include "imap/server/session.h"

namespace todoke::imap {

// RFC 2971 §3.1.  What a client says of itself helps to find out who misbehaves.
Task<Reply> Session::handle(Id command) {
  std::string client;
  for (const auto& [name, value] : command.parameters)
    if (value && (name == "name" || name == "version"))
      client += (client.empty() ? "" : " ") + *value;
  if (!client.empty()) log::info("imap.client", {{"session", id_}, {"client", client}});
  untagged("ID (\"name\" \"Todoke\")");
  co_return ok("Pleased to meet you");
}

}  // namespace todoke::imap
