#include "net/http_guess.h"

#include <doctest/doctest.h>

using todoke::net::is_http;

TEST_CASE("RFC 9112 §3: the first lines of a web browser") {
  for (auto line : {"GET / HTTP/1.1", "POST /x HTTP/1.0", "head *", "OPTIONS * HTTP/1.1",
                    "CONNECT mail.example.test:25 HTTP/1.1", "PRI * HTTP/2.0", "Host: example.test",
                    "Content-Length: 100", "GET ", "X:"})
    CHECK_MESSAGE(is_http(line), line);
}

TEST_CASE("commands of mail protocols are none of it") {
  for (auto line : {"", ":", " ", "GET", "GETTING on", "NOOP GET / HTTP/1.1", "MAIL FROM:<a@b>",
                    "RCPT TO: <a@b>", "MAIL FROM: <a@b>", "DELE 1", "TOP 1 0", "PASS a: b",
                    "USER GET", "EHLO host:25", "EHLO POST"})
    CHECK_MESSAGE(!is_http(line), line);
}
