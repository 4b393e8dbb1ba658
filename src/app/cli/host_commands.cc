#include "app/cli/host_commands.h"

#include "app/cli/options.h"
#include "app/ownership.h"
#include "app/transfer/file_writer.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace todoke::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* system_config = "/etc/todoke/todoke.toml";

constexpr Parameter serve_parameters[] = {
    {"ready_file", Kind::path, Place::option,
     "write this file when everything listens: addresses and process id, as JSON"},
    {"accounts_file", Kind::path, Place::option,
     "a JSON list to put into the ready file as \"accounts\""}};
constexpr Parameter init_parameters[] = {
    {"host", Kind::text, Place::option, "our public name, such as mail.example.jp"},
    {"data", Kind::path, Place::option, "folder for database and messages"},
    {"user", Kind::text, Place::option, "user to become when started as root"}};
constexpr Parameter restore_parameters[] = {
    {"path", Kind::path, Place::required, "a folder that todoke backup has made"}};

constexpr Command table[] = {
    {"serve", "Run the server, until it is told to stop.",
     "SIGTERM stops it; SIGHUP reads the certificate again and opens the log file anew.\n"
     "Example:\n  todoke serve --config /etc/todoke/todoke.toml",
     serve_parameters, nullptr},
    {"init", "Make the configuration file and the data folder.",
     "Nothing that exists is overwritten.  As root it makes /etc/todoke/todoke.toml and\n"
     "/var/lib/todoke, else ./todoke.toml and ./todoke-data.\n"
     "Example:\n  todoke init --host mail.example.jp",
     init_parameters, nullptr},
    {"restore", "Put a backup into an empty data folder.",
     "The server must not run.  All checksums are compared first.\n"
     "Example:\n  todoke restore /backup/2026-11-22\n"
     "For one account: todoke restore-account",
     restore_parameters, nullptr},
    {"version", "Say which version this is.", "Example:\n  todoke version", {}, nullptr},
};

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool has_ipv6() {
  int descriptor = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor >= 0) ::close(descriptor);
  return descriptor >= 0;
}

}  // namespace

std::span<const Command> host_commands() {
  return table;
}

Result<std::string> find_config(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* named = std::getenv("TODOKE_CONFIG"); named != nullptr && *named != '\0')
    return std::string(named);
  for (const char* path : {"todoke.toml", system_config})
    if (exists(path)) return std::string(path);
  return fail(Errc::not_found,
              fmt::format("there is no configuration: neither ./todoke.toml nor {}; "
                          "`todoke init` makes one, --config names one",
                          system_config));
}

InitOptions default_init(bool root) {
  std::error_code ignored;
  auto config = parse_config("", "").value_or(Config{});
  if (root)
    return {.config = system_config, .data = "/var/lib/todoke", .host = config.host, .user = {}};
  return {.config = "todoke.toml",
          .data = (fs::current_path(ignored) / "todoke-data").string(),
          .host = config.host,
          .user = {}};
}

Result<std::string> initialise(const InitOptions& options) {
  if (exists(options.config))
    return fail(Errc::conflict, options.config + " exists; it stays as it is");
  Config config{.data = options.data,
                .host = options.host,
                .listeners = default_listeners(has_ipv6() ? "::" : "0.0.0.0"),
                .user = options.user};
  auto text = config_template(config);
  // What the server would refuse is refused here.
  TRY_OK(parse_config(text, options.config));
  std::error_code error;
  fs::create_directories(config.data, error);
  if (error)
    return fail(Errc::unavailable, fmt::format("cannot make {}: {}", config.data, error.message()));
  if (!exists(config.database_path())) {
    ::chmod(config.data.c_str(), 0700);
    TRY_OK(give_to(config.data, options.user));
  }
  auto folder = fs::path(options.config).parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  TRY(auto file, transfer::FileWriter::create(options.config));
  TRY_OK(file.write(text));
  TRY_OK(file.close(transfer::FileWriter::Sync::yes));
  ::chmod(options.config.c_str(), 0644);
  return fmt::format(
      "Made {} and {}.\n\n"
      "Next:\n"
      "  1. Look through {}, above all [tls].\n"
      "  2. todoke check\n"
      "  3. todoke serve\n"
      "  4. In another terminal:\n"
      "       todoke org add \"My organisation\"\n"
      "       todoke domain add example.jp\n"
      "       todoke account add hana@example.jp\n",
      options.config, config.data, options.config);
}

}  // namespace todoke::app
