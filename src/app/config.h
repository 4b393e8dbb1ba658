#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::app {

// One listening socket.
struct ListenerConfig {
  std::string
      protocol;  // "smtp", "submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps"
  std::string address;  // "127.0.0.1", "::", or "/path" of a Unix socket
  std::uint16_t port = 0;
  bool plain_text_login = false;     // passwords without TLS, for trusted networks only
  std::vector<std::string> proxies;  // load balancers that send PROXY v2
};

// The configuration file: how this machine runs Todoke.  Everything about mail itself (domains,
// accounts, limits of organisations) is in the database.  TOML, all keys with defaults.
struct Config {
  std::string data;  // folder of database, bodies and certificates; absolute after load_config
  std::string host;  // our public name: banners, Received fields, Message-IDs
  std::vector<ListenerConfig> listeners;
  std::string tls_certificate;  // PEM; empty: a self-signed one in the data folder
  std::string tls_key;
  std::string metrics;   // "127.0.0.1:9100"; empty: none
  std::string log_file;  // empty: standard error
  std::string log_format = "text";
  std::string log_level = "info";
  std::string user;  // to become after binding, when started as root
  std::uint64_t max_message_size = 50ull << 20;
  int io_threads = 0;  // 0: one per core
  std::string dns;  // who is asked: "192.0.2.53", "system"; empty: nobody between us and the root
  std::string dns_trust_anchor = "/usr/share/dns/root.key";  // empty: nothing is validated
  bool outgoing = true;                                      // whether mail for others is sent
  std::uint16_t outgoing_port = 25;
  std::string outgoing_address;  // of ours, to call from; empty: as the system likes

  std::string database_path() const { return data + "/todoke.db"; }
  std::string blob_folder() const { return data + "/blobs"; }
  std::string admin_socket() const { return data + "/admin.socket"; }
};

std::uint16_t default_port(std::string_view protocol);
// What a configuration without listeners gets: everything but LMTP, on the usual ports.
std::vector<ListenerConfig> default_listeners(const std::string& address);

// Reads the file; errors name the line and say what is allowed there.
Result<Config> load_config(const std::string& path);
Result<Config> parse_config(std::string_view text, const std::string& name);
// What `todoke init` writes: every key, with a comment that explains it.
std::string config_template(const Config& config);

}  // namespace todoke::app
