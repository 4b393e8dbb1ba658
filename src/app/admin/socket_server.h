#pragma once

#include "app/installation.h"
#include "base/result.h"
#include "base/task.h"
#include "net/listener.h"
#include "net/stream.h"

#include <memory>
#include <string>

// The admin socket of a running server: whoever may open it may do everything.  It lies in the data
// folder, and it and the folder are its owner's alone.  One JSON object a line:
//
//   → {"command": "org list", "args": {}, "actor": "root"}
//   ← {"progress": {"done": 3, "total": 10, "what": "messages"}}     none or several
//   ← {"result": …}  or  {"error": {"code": "not_found", "text": "…"}}
//
// Several requests may follow one another.  A caller who goes away cancels what runs for him.
namespace todoke::app {

// One connection.
[[nodiscard]] Task<> serve_admin(net::Stream& io, Installation& in);  // NOLINT: both outlive it

// Binds the socket for its owner only; the caller starts and stops it as any listener.
Result<std::unique_ptr<net::Listener>> open_admin_socket(net::Runtime& runtime, Installation& in);

}  // namespace todoke::app
