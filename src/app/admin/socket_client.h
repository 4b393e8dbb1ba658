#pragma once

#include "app/admin/progress.h"
#include "base/result.h"

#include <memory>
#include <optional>
#include <string>

namespace boost::json {
class value;
class object;
}  // namespace boost::json

namespace todoke::app {

// The other end of the admin socket, for the command line.  Blocks.
class SocketClient {
 public:
  // Null: no server listens there.  Errc::denied: it is somebody else's.
  static Result<std::unique_ptr<SocketClient>> connect(const std::string& path);
  ~SocketClient();
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;

  Result<boost::json::value> call(const std::string& command, const boost::json::object& args,
                                  const std::string& actor, Progress& progress);

 private:
  explicit SocketClient(int descriptor) : descriptor_(descriptor) {}
  Result<std::string> read_line();
  int descriptor_;
  std::string input_;
};

}  // namespace todoke::app
