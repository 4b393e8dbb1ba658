#include "app/config.h"

#include "base/ascii.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#define TOML_EXCEPTIONS 0
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <toml++/toml.h>
#include <unistd.h>

namespace todoke::app {
namespace {

constexpr std::array protocols = {"smtp", "submission", "submissions", "lmtp",
                                  "pop3", "pop3s",      "imap",        "imaps"};

// Reads one table: each key once, by name and type, then complains of what nobody asked for.
// The first error is kept and makes everything after it idle.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string place, const std::string& file)
      : table_(table), place_(std::move(place)), file_(file) {}

  void text(std::string_view key, std::string& out) {
    const auto* node = find(key);
    if (node == nullptr) return;
    if (auto value = node->value_exact<std::string>())
      out = *value;
    else
      wrong(*node, key, "a text in quotation marks");
  }
  void choice(std::string_view key, std::string& out, std::span<const char* const> allowed) {
    const auto* node = find(key);
    if (node == nullptr) return;
    auto value = node->value_exact<std::string>();
    if (value && std::ranges::find(allowed, *value) != allowed.end())
      out = *value;
    else
      wrong(*node, key, fmt::format("one of \"{}\"", fmt::join(allowed, "\", \"")));
  }
  template <class T>
  void number(std::string_view key, T& out, std::int64_t low, std::int64_t high) {
    const auto* node = find(key);
    if (node == nullptr) return;
    auto value = node->value_exact<std::int64_t>();
    if (value && *value >= low && *value <= high)
      out = static_cast<T>(*value);
    else
      wrong(*node, key, fmt::format("a whole number from {} to {}", low, high));
  }
  void flag(std::string_view key, bool& out) {
    const auto* node = find(key);
    if (node == nullptr) return;
    if (auto value = node->value_exact<bool>())
      out = *value;
    else
      wrong(*node, key, "true or false");
  }
  void texts(std::string_view key, std::vector<std::string>& out) {
    const auto* node = find(key);
    if (node == nullptr) return;
    const auto* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous<std::string>()) {
      if (array == nullptr || !array->empty())
        wrong(*node, key, "a list of texts such as [\"192.0.2.1\"]");
      return;
    }
    out.clear();
    for (const auto& one : *array) out.push_back(*one.value_exact<std::string>());
  }
  // The table named `key`; an error unless it is one.
  const toml::table* table(std::string_view key) {
    const auto* node = find(key);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) wrong(*node, key, fmt::format("a section [{}]", key));
    return node->as_table();
  }
  const toml::array* tables(std::string_view key) {
    const auto* node = find(key);
    if (node == nullptr) return nullptr;
    const auto* array = node->as_array();
    if (array == nullptr || (!array->empty() && !array->is_homogeneous<toml::table>())) {
      wrong(*node, key, fmt::format("sections, each headed [[{}]]", key));
      return nullptr;
    }
    return array;
  }

  void wrong(const toml::node& node, std::string_view key, std::string_view wanted) {
    complain(node, fmt::format("{}{} must be {}", place_, key, wanted));
  }
  void complain(const toml::node& node, std::string text) {
    if (!error_)
      error_ = Error{Errc::invalid,
                     fmt::format("{}:{}: {}", file_, node.source().begin.line, std::move(text))};
  }
  Result<> finish() {
    for (const auto& [key, node] : table_)
      if (std::ranges::find(known_, key.str()) == known_.end())
        complain(node, fmt::format("there is no key {}{}; allowed here: {}", place_, key.str(),
                                   fmt::join(known_, ", ")));
    if (error_) return std::unexpected(*error_);
    return {};
  }

 private:
  const toml::node* find(std::string_view key) {
    known_.push_back(key);
    return table_.get(key);
  }
  const toml::table& table_;
  std::string place_;
  const std::string& file_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return ascii::to_lower(name);
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && !name.starts_with('.') && !name.ends_with('.') &&
         name.find("..") == name.npos && std::ranges::all_of(name, [](char c) {
           return ascii::is_alnum(c) || c == '-' || c == '.';
         });
}

Result<ListenerConfig> read_listener(const toml::table& table, const std::string& file) {
  ListenerConfig listener;
  TableReader reader(table, "listener.", file);
  reader.choice("protocol", listener.protocol, protocols);
  reader.text("address", listener.address);
  reader.number("port", listener.port, 0, 65535);
  reader.flag("plain_text_login", listener.plain_text_login);
  reader.texts("proxies", listener.proxies);
  if (listener.protocol.empty())
    reader.complain(table, fmt::format("a [[listener]] needs a protocol: one of \"{}\"",
                                       fmt::join(protocols, "\", \"")));
  if (listener.address.empty()) listener.address = "::";
  TRY_OK(reader.finish());
  if (!listener.address.starts_with('/') && table.get("port") == nullptr)
    listener.port = default_port(listener.protocol);
  return listener;
}

// A basic string of TOML.
std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (ascii::is_control(c)) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::uint16_t default_port(std::string_view protocol) {
  if (protocol == "smtp") return 25;
  if (protocol == "submission") return 587;
  if (protocol == "submissions") return 465;
  if (protocol == "lmtp") return 24;
  if (protocol == "pop3") return 110;
  if (protocol == "pop3s") return 995;
  return protocol == "imap" ? 143 : 993;
}

std::vector<ListenerConfig> default_listeners(const std::string& address) {
  std::vector<ListenerConfig> all;
  for (const char* protocol :
       {"smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps"})
    all.push_back({.protocol = protocol, .address = address, .port = default_port(protocol)});
  return all;
}

Result<Config> parse_config(std::string_view text, const std::string& name) {
  auto parsed = toml::parse(text, name);
  if (!parsed)
    return fail(Errc::invalid, fmt::format("{}:{}: {}", name, parsed.error().source().begin.line,
                                           parsed.error().description()));
  const toml::table& root = parsed.table();
  Config config{.data = "/var/lib/todoke", .host = host_name()};
  TableReader top(root, "", name);
  top.text("data", config.data);
  top.text("host", config.host);
  top.text("user", config.user);
  top.text("metrics", config.metrics);
  top.number("max_message_size", config.max_message_size, 64 << 10, std::int64_t{1} << 30);
  top.number("io_threads", config.io_threads, 0, 256);
  const auto* dns = top.table("dns");
  const auto* outgoing = top.table("outgoing");
  const auto* tls = top.table("tls");
  const auto* log = top.table("log");
  const auto* listeners = top.tables("listener");
  if (const auto* node = root.get("host"); node != nullptr && !is_host_name(config.host))
    top.wrong(*node, "host", "a host name such as \"mail.example.jp\"");
  if (const auto* node = root.get("data"); node != nullptr && config.data.empty())
    top.wrong(*node, "data", "the path of a folder");
  TRY_OK(top.finish());
  while (config.data.size() > 1 && config.data.ends_with('/')) config.data.pop_back();
  if (tls != nullptr) {
    TableReader reader(*tls, "tls.", name);
    reader.text("certificate", config.tls_certificate);
    reader.text("key", config.tls_key);
    if (config.tls_certificate.empty() != config.tls_key.empty())
      reader.complain(*tls, "[tls] needs both certificate and key, or neither");
    TRY_OK(reader.finish());
  }
  if (dns != nullptr) {
    TableReader reader(*dns, "dns.", name);
    reader.text("server", config.dns);
    reader.text("trust_anchor", config.dns_trust_anchor);
    TRY_OK(reader.finish());
  }
  if (outgoing != nullptr) {
    TableReader reader(*outgoing, "outgoing.", name);
    reader.flag("send", config.outgoing);
    reader.number("port", config.outgoing_port, 1, 65535);
    reader.text("address", config.outgoing_address);
    TRY_OK(reader.finish());
  }
  if (log != nullptr) {
    constexpr std::array formats = {"text", "json"};
    constexpr std::array levels = {"debug", "info", "warn", "error"};
    TableReader reader(*log, "log.", name);
    reader.text("file", config.log_file);
    reader.choice("format", config.log_format, formats);
    reader.choice("level", config.log_level, levels);
    TRY_OK(reader.finish());
  }
  if (listeners == nullptr) {
    config.listeners = default_listeners("::");
  } else {
    for (const auto& node : *listeners) {
      TRY(auto listener, read_listener(*node.as_table(), name));
      config.listeners.push_back(std::move(listener));
    }
  }
  return config;
}

Result<Config> load_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) return fail(Errc::not_found, fmt::format("cannot read the configuration {}", path));
  TRY(auto config, parse_config(text.view(), path));
  // Whoever calls stands anywhere; the file stays where it is.
  auto folder = std::filesystem::absolute(path).parent_path();
  config.data = (folder / config.data).lexically_normal().string();
  return config;
}

std::string config_template(const Config& config) {
  auto out = fmt::format(
      "# How this machine runs Todoke.  Domains, accounts and all else about mail is in the\n"
      "# database: see `todoke --help`.  After a change: `todoke check`, then restart the server.\n"
      "\n"
      "# Folder of database, messages and certificates; a relative path starts at this file.\n"
      "data = {}\n\n"
      "# Our public name, as others find it in the DNS.\n"
      "host = {}\n\n"
      "# User to become once the ports are bound, when started as root; \"\": stay who we are.\n"
      "user = {}\n\n"
      "# Address of the Prometheus page, such as \"127.0.0.1:9100\"; \"\": none.\n"
      "metrics = {}\n\n"
      "# Largest message taken, in bytes.\n"
      "max_message_size = {}\n\n"
      "# Threads that serve connections; 0: one for each processor.\n"
      "io_threads = {}\n\n"
      "# PEM files; \"\": a self-signed certificate is made, which mail programs warn about.\n"
      "[tls]\n"
      "certificate = {}\n"
      "key = {}\n\n"
      "# server: who is asked, such as \"192.0.2.53\" or \"system\"; \"\": we ask from the root of "
      "the\n"
      "# DNS downwards, which is best.  trust_anchor: keys of the root; \"\": nothing is "
      "validated.\n"
      "[dns]\n"
      "server = {}\n"
      "trust_anchor = {}\n\n"
      "# Mail for other servers.  send = false keeps it in the queue.  address: ours, to call "
      "from.\n"
      "[outgoing]\n"
      "send = {}\n"
      "port = {}\n"
      "address = {}\n\n"
      "# file \"\": standard error.  format: text, json.  level: debug, info, warn, error.\n"
      "[log]\n"
      "file = {}\n"
      "format = {}\n"
      "level = {}\n\n"
      "# One section for each port.  protocol: smtp (mail from other servers), submission and\n"
      "# submissions (from mail programs, with STARTTLS or with TLS from the start), lmtp, pop3,\n"
      "# pop3s, imap, imaps.  address: \"::\" is every address, \"127.0.0.1\" this machine only, "
      "\"/path\" a "
      "Unix\n"
      "# socket.  plain_text_login allows passwords without TLS: for trusted networks only.\n"
      "# proxies: addresses of load balancers that send PROXY v2.\n",
      toml_text(config.data), toml_text(config.host), toml_text(config.user),
      toml_text(config.metrics), config.max_message_size, config.io_threads,
      toml_text(config.tls_certificate), toml_text(config.tls_key), toml_text(config.dns),
      toml_text(config.dns_trust_anchor), config.outgoing, config.outgoing_port,
      toml_text(config.outgoing_address), toml_text(config.log_file), toml_text(config.log_format),
      toml_text(config.log_level));
  for (const auto& listener : config.listeners) {
    out += fmt::format("[[listener]]\nprotocol = {}\naddress = {}\nport = {}\n",
                       toml_text(listener.protocol), toml_text(listener.address), listener.port);
    out += fmt::format("plain_text_login = {}\nproxies = [", listener.plain_text_login);
    for (std::size_t i = 0; i < listener.proxies.size(); ++i)
      out += (i > 0 ? ", " : "") + toml_text(listener.proxies[i]);
    out += "]\n\n";
  }
  return out;
}

}  // namespace todoke::app
