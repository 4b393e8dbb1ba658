#include "http/response_reader.h"

#include "base/assert.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

namespace todoke::http {
namespace {

namespace beast = boost::beast;

constexpr std::uint32_t max_header = 16 * 1024;
// What may stand before the parser goes on: a header, or the line of a chunk and its extensions.
constexpr std::size_t max_undecided = max_header + 1024;
constexpr int max_interim = 8;

}  // namespace

struct ResponseReader::Impl {
  beast::http::response_parser<beast::http::string_body> parser;
};

ResponseReader::ResponseReader(std::size_t max_body) : max_body_(max_body) {
  begin();
}

ResponseReader::~ResponseReader() = default;

void ResponseReader::begin() {
  impl_ = std::make_unique<Impl>();
  impl_->parser.header_limit(max_header);
  impl_->parser.body_limit(max_body_);
}

Result<std::size_t> ResponseReader::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (!is_done() && taken < bytes.size()) {
    auto& parser = impl_->parser;
    boost::system::error_code error;
    auto rest = bytes.substr(taken);
    taken += parser.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    if (error == beast::http::error::need_more) {
      if (bytes.size() - taken > max_undecided)
        return fail(Errc::over_limit, "a header or chunk without an end");
      return taken;
    }
    if (error == beast::http::error::body_limit)
      return fail(Errc::over_limit, fmt::format("a body of more than {} bytes", max_body_));
    if (error) return fail(Errc::invalid, "no HTTP: " + error.message());
    if (!parser.is_header_done()) continue;
    const auto status = parser.get().result_int();
    // RFC 9110 §15.2; nobody asked for 101.
    if (status / 100 == 1) {
      if (status == 101 || ++interim_ > max_interim)
        return fail(Errc::invalid, fmt::format("a response {} out of place", status));
      begin();
      continue;
    }
    if (!parser.is_done() && parser.need_eof())
      return fail(Errc::invalid, "a body that only the end of the connection would end");
  }
  return taken;
}

bool ResponseReader::is_done() const {
  return impl_->parser.is_done();
}

Response ResponseReader::response() const {
  TODOKE_ASSERT(is_done());
  const auto& message = impl_->parser.get();
  auto type = message[beast::http::field::content_type];
  return {.status = static_cast<int>(message.result_int()),
          .content_type = std::string(type.data(), type.size()),
          .body = message.body()};
}

}  // namespace todoke::http
