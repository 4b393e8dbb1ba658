#include "http/response_reader.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::http;

namespace {

// What comes of these bytes, handed over in pieces: "200 text/plain: body", or the error.
std::string read(std::string_view bytes, std::size_t piece) {
  ResponseReader reader(20);
  std::string buffered;
  while (!reader.is_done()) {
    if (bytes.empty()) return "incomplete";
    auto next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    buffered += next;
    auto taken = reader.take(buffered);
    if (!taken) return taken.error().text;
    buffered.erase(0, *taken);
  }
  auto response = reader.response();
  return std::to_string(response.status) + " " + response.content_type + ": " + response.body;
}

// The same in one piece and byte by byte.
std::string read(std::string_view bytes) {
  auto whole = read(bytes, bytes.size() + 1);
  CHECK(read(bytes, 1) == whole);
  return whole;
}

}  // namespace

TEST_CASE("http response: with a length, in chunks, and without a body") {
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello") ==
        "200 text/plain: hello");
  CHECK(read("HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n"
             "Transfer-Encoding: chunked\r\n\r\n"
             "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n") ==
        "200 text/plain; charset=utf-8: hello world");
  CHECK(read("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") == "404 : ");
  CHECK(read("HTTP/1.1 204 No Content\r\n\r\n") == "204 : ");
  CHECK(read("HTTP/1.1 301 Moved\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n") ==
        "301 : ");
}

// RFC 9110 §15.2.
TEST_CASE("http response: interim responses are passed over") {
  CHECK(read("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") == "200 : hi");
  CHECK(read("HTTP/1.1 101 Switching Protocols\r\n\r\n") == "a response 101 out of place");
  std::string many;
  for (int i = 0; i < 20; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(read(many) == "a response 100 out of place");
}

TEST_CASE("http response: what is too long") {
  const std::string too_long = "a body of more than 20 bytes";
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n") == too_long);
  CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n01234567890123456789\r\n"
             "1\r\nx\r\n") == too_long);
  auto fails = [](const std::string& bytes) { return !ResponseReader(20).take(bytes); };
  CHECK(fails("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')));
  CHECK(
      fails("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(40'000, 'x')));
}

TEST_CASE("http response: what is none, and what stops too early") {
  for (auto bytes : {"220 mx.example.jp ESMTP\r\n\r\n", "\x15\x03\x01 alert\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"})
    CHECK(read(bytes).starts_with("no HTTP: "));
  // RFC 9112 §9.8: somebody may have cut it.
  CHECK(read("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nversion: STS") ==
        "a body that only the end of the connection would end");
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell") == "incomplete");
  CHECK(read("HTTP/1.1 200 OK\r\n") == "incomplete");
}
