#include "app/config.h"

#include <doctest/doctest.h>

using namespace todoke;
using app::parse_config;

namespace {

std::string error_of(std::string_view text) {
  auto config = parse_config(text, "t.toml");
  REQUIRE(!config.has_value());
  CHECK(config.error().code == Errc::invalid);
  return config.error().text;
}

}  // namespace

TEST_CASE("an empty configuration is all defaults") {
  auto config = parse_config("", "t.toml");
  REQUIRE(config.has_value());
  CHECK(config->data == "/var/lib/todoke");
  CHECK(config->database_path() == "/var/lib/todoke/todoke.db");
  CHECK(!config->host.empty());
  CHECK(config->listeners.size() == 7);
  CHECK(config->max_message_size == 50u << 20);
}

TEST_CASE("every key is read") {
  auto config = parse_config(
      "data = '/srv/mail/'\nhost = 'mail.example.jp'\nuser = 'todoke'\nmetrics = '127.0.0.1:9'\n"
      "max_message_size = 1000000\nio_threads = 3\n"
      "[tls]\ncertificate = 'a.pem'\nkey = 'b.pem'\n"
      "[log]\nfile = '/l'\nformat = 'json'\nlevel = 'debug'\n"
      "[[listener]]\nprotocol = 'pop3'\naddress = '127.0.0.1'\nplain_text_login = true\n"
      "proxies = ['192.0.2.1', '192.0.2.2']\n"
      "[[listener]]\nprotocol = 'lmtp'\naddress = '/run/lmtp'\n",
      "t.toml");
  REQUIRE_MESSAGE(config.has_value(), config.error().text);
  CHECK(config->data == "/srv/mail");
  CHECK(config->host == "mail.example.jp");
  CHECK(config->user == "todoke");
  CHECK(config->metrics == "127.0.0.1:9");
  CHECK(config->max_message_size == 1000000);
  CHECK(config->io_threads == 3);
  CHECK(config->tls_certificate == "a.pem");
  CHECK(config->tls_key == "b.pem");
  CHECK(config->log_file == "/l");
  CHECK(config->log_format == "json");
  CHECK(config->log_level == "debug");
  REQUIRE(config->listeners.size() == 2);
  CHECK(config->listeners[0].port == 110);
  CHECK(config->listeners[0].plain_text_login);
  CHECK(config->listeners[0].proxies == std::vector<std::string>{"192.0.2.1", "192.0.2.2"});
  CHECK(config->listeners[1].address == "/run/lmtp");
  CHECK(config->listeners[1].port == 0);
}

TEST_CASE("errors name the line and what is allowed") {
  CHECK(error_of("\n\nhots = 'x'") ==
        "t.toml:3: there is no key hots; allowed here: data, host, user, metrics, "
        "max_message_size, io_threads, dns, outgoing, tls, log, listener");
  CHECK(error_of("data = 5") == "t.toml:1: data must be a text in quotation marks");
  CHECK(error_of("host = 'no spaces'") ==
        "t.toml:1: host must be a host name such as \"mail.example.jp\"");
  CHECK(error_of("[log]\nlevel = 'loud'") ==
        "t.toml:2: log.level must be one of \"debug\", \"info\", \"warn\", \"error\"");
  CHECK(error_of("io_threads = -1") == "t.toml:1: io_threads must be a whole number from 0 to 256");
  CHECK(error_of("io_threads = '1'") ==
        "t.toml:1: io_threads must be a whole number from 0 to 256");
  CHECK(error_of("[tls]\nkey = 'k'") ==
        "t.toml:1: [tls] needs both certificate and key, or neither");
  CHECK(
      error_of("[[listener]]\nport = 25").starts_with("t.toml:1: a [[listener]] needs a protocol"));
  CHECK(error_of("[[listener]]\nprotocol = 'http'") ==
        "t.toml:2: listener.protocol must be one of \"smtp\", \"submission\", \"submissions\", "
        "\"lmtp\", \"pop3\", \"pop3s\", \"imap\", \"imaps\"");
  CHECK(error_of("[[listener]]\nprotocol = 'smtp'\nprot = 1")
            .starts_with("t.toml:3: there is no key "));
  CHECK(error_of("listener = 3") ==
        "t.toml:1: listener must be sections, each headed [[listener]]");
  CHECK(error_of("[log]\nfile = [1]").starts_with("t.toml:2:"));
  CHECK(error_of("a = ").starts_with("t.toml:1:"));
}

TEST_CASE("the template reads back as the configuration it was made from") {
  auto config = parse_config("", "t.toml");
  REQUIRE(config.has_value());
  config->data = "/with \"quotes\" and \\";
  config->host = "mail.example.jp";
  config->user = "u";
  config->listeners[0].proxies = {"192.0.2.1", "::1"};
  config->listeners[1].plain_text_login = true;
  auto text = app::config_template(*config);
  auto again = parse_config(text, "t.toml");
  REQUIRE_MESSAGE(again.has_value(), again.error().text);
  CHECK(app::config_template(*again) == text);
  CHECK(again->data == config->data);
  CHECK(again->listeners[0].proxies == config->listeners[0].proxies);
  CHECK(again->listeners[1].plain_text_login);
}
