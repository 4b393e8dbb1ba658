#pragma once

#include "base/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace todoke::http {

struct Response {
  int status = 0;  // RFC 9110 §15
  // As it came, parameters and all; empty when there was none.
  std::string content_type;
  // Without transfer coding; in whatever content coding it came, which is none as we ask for.
  std::string body;
};

// The response to a GET, out of bytes as hostile as they come (RFC 9112).  Interim responses (1xx)
// are passed over.  One whose end only the end of the connection would tell is an error, because
// whoever cuts the connection could cut such a body (RFC 9112 §9.8).
class ResponseReader {
 public:
  // A longer body is Errc::over_limit.
  explicit ResponseReader(std::size_t max_body);
  ~ResponseReader();

  // Takes from the front of what was received, and tells how much; what is left comes again with
  // more behind it.  Errc::invalid: this is no HTTP.
  Result<std::size_t> take(std::string_view bytes);
  bool is_done() const;
  // Once it is done.
  Response response() const;

 private:
  struct Impl;
  void begin();
  std::size_t max_body_;
  int interim_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::http
