#include "app/cli/command_line.h"

#include "app/admin/arguments.h"
#include "app/admin/command.h"
#include "app/admin/socket_client.h"
#include "app/backup/installation_backup.h"
#include "app/check/finding.h"
#include "app/check/machine.h"
#include "app/cli/host_commands.h"
#include "app/cli/options.h"
#include "app/cli/render.h"
#include "app/cli/terminal.h"
#include "app/cli/values.h"
#include "app/ownership.h"
#include "app/privileges.h"
#include "app/server.h"
#include "app/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace todoke::app {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

// Who is at the keyboard, for the audit.
std::string actor_name() {
  if (const char* sudo = std::getenv("SUDO_USER"); sudo != nullptr)
    return fmt::format("{} (as root) on the command line", sudo);
  const auto* user = ::getpwuid(::geteuid());
  return fmt::format("{} on the command line",
                     user != nullptr ? user->pw_name : fmt::format("user {}", ::geteuid()));
}

int complain(const Error& error, bool as_json) {
  if (as_json) {
    json::object line;
    line["error"] = json::object{{"code", errc_name(error.code)}, {"text", error.text}};
    std::cerr << json::serialize(line) << "\n";
  } else {
    std::cerr << "todoke: " << printable(error.text) << "\n";
  }
  return exit_failed;
}

int print(const json::value& answer, bool as_json) {
  std::cout << (as_json ? json::serialize(answer) + "\n" : render(answer)) << std::flush;
  return std::cout ? 0 : exit_failed;
}

Result<Config> read_config(const Invocation& invocation) {
  TRY(auto path, find_config(invocation.config));
  return load_config(path);
}

Result<std::string> new_password() {
  TRY(auto first, ask_password("New password: "));
  TRY(auto second, ask_password("Once more: "));
  if (first != second) return fail(Errc::invalid, "the two passwords differ");
  return first;
}

// A password for another server is one that somebody has: it is not chosen here.
bool is_for_elsewhere(const Command& command) {
  return std::ranges::find(command.parameters, "login", &Parameter::name) !=
         command.parameters.end();
}

// A password that the command takes and that was not typed among its arguments.
Result<> complete_password(const Invocation& invocation, json::object& args) {
  for (const auto& parameter : invocation.command->parameters) {
    if (parameter.kind != Kind::secret || args.contains(parameter.name)) continue;
    bool elsewhere = is_for_elsewhere(*invocation.command);
    if (elsewhere && !args.contains("login")) continue;
    if (invocation.password_stdin) {
      TRY(args[parameter.name], read_password_from_stdin());
    } else if (elsewhere) {
      TRY(args[parameter.name], ask_password("Password there: "));
    } else if (!args.contains("hash")) {
      TRY(args[parameter.name], new_password());
    }
  }
  return {};
}

// Runs a command of the table: in the running server, or right here when there is none.
Result<json::value> perform(const Config& config, const std::string& name,
                            const json::object& args) {
  TerminalProgress progress;
  TRY(auto client, SocketClient::connect(config.admin_socket()));
  if (client) return client->call(name, args, actor_name(), progress);
  // What is made here must be the server's to use.
  TRY_OK(become_user(config.user, config.data));
  TRY_OK(give_up_binding());
  SystemClock clock;
  auto installation = Installation::open(config, clock);
  if (!installation && installation.error().code == Errc::conflict)
    return fail(Errc::conflict, "the server is starting or stopping; try again in a moment");
  if (!installation) return std::unexpected(installation.error());
  directory::Actor actor{.name = actor_name(), .source = "local"};
  return block_on(run_command(**installation, name, std::move(actor), args, progress));
}

bool server_runs(const Config& config) {
  auto client = SocketClient::connect(config.admin_socket());
  return client && *client != nullptr;
}

int check(const Invocation& invocation, const json::object& args) {
  std::vector<Finding> findings;
  auto config = read_config(invocation);
  if (config) {
    SystemClock clock;
    auto server = server_runs(*config) ? Server::running : Server::stopped;
    findings = check_machine(*config, server, clock.now());
    auto data = perform(*config, "check", args);
    if (!data) {
      findings.push_back({.area = "database", .what = data.error().text});
    } else if (data->is_object()) {
      auto more = findings_from_json(data->get_object()["findings"]);
      findings.insert(findings.end(), more.begin(), more.end());
    }
  } else {
    findings.push_back({.area = "configuration", .what = config.error().text});
  }
  json::object answer{{"findings", findings_json(findings)}};
  auto code = print(answer, invocation.json);
  return has_error(findings) ? exit_failed : code;
}

Result<json::value> init(const Invocation& invocation, const json::object& args) {
  auto options = default_init(::geteuid() == 0);
  if (!invocation.config.empty()) options.config = invocation.config;
  if (auto data = text_if(args, "data")) options.data = *data;
  if (auto user = text_if(args, "user")) options.user = *user;
  if (auto host = text_if(args, "host")) {
    options.host = *host;
  } else {
    TRY(options.host, ask_line("Public name of this server", options.host));
  }
  TRY(auto words, initialise(options));
  if (!invocation.json) {
    std::cout << words;
    return json::value(nullptr);
  }
  return json::object{{"config", options.config}, {"data", options.data}, {"host", options.host}};
}

Result<json::value> restore(const Invocation& invocation, const json::object& args) {
  TRY(auto config, read_config(invocation));
  if (server_runs(config)) return fail(Errc::conflict, "the server runs; stop it first");
  TerminalProgress progress;
  Result<BackupSummary> summary;
  auto path = text(args, "path");
  auto work = [&] { summary = restore_installation(config, path, progress); };
  block_on(run_long(progress, work));
  if (!summary) return std::unexpected(summary.error());
  TRY_OK(give_all_to(config.data, config.user));
  return json::object{{"data", config.data},
                      {"files", summary->files},
                      {"messages", summary->messages},
                      {"size_bytes", summary->bytes}};
}

Result<json::value> serve(const Invocation& invocation, const json::object& args) {
  TRY(auto config, read_config(invocation));
  ServeOptions options{.ready_file = text(args, "ready_file"),
                       .accounts_file = text(args, "accounts_file")};
  TRY_OK(serve(config, options));
  return json::value(nullptr);
}

Result<json::value> dispatch(const Invocation& invocation, json::object args) {
  auto name = invocation.command->name;
  if (name == "serve") return serve(invocation, args);
  if (name == "init") return init(invocation, args);
  if (name == "restore") return restore(invocation, args);
  if (name == "version") return json::object{{"version", version}, {"revision", revision}};
  TRY(auto config, read_config(invocation));
  TRY_OK(complete_password(invocation, args));
  return perform(config, std::string(name), args);
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  auto parsed = parse_command_line(argc, argv);
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.err;
  if (!parsed.invocation) return parsed.exit_code;
  const auto& invocation = *parsed.invocation;
  auto args = read_values(invocation);
  if (!args) {
    complain(args.error(), invocation.json);
    return exit_usage;
  }
  ::umask(077);  // all that we make is mail
  try {
    if (invocation.command->name == "check") return check(invocation, *args);
    auto answer = dispatch(invocation, *std::move(args));
    if (!answer) return complain(answer.error(), invocation.json);
    if (answer->is_null()) return 0;
    auto code = print(*answer, invocation.json);
    const auto* found =
        answer->is_object() ? answer->get_object().if_contains("findings") : nullptr;
    return found != nullptr && has_error(findings_from_json(*found)) ? exit_failed : code;
  } catch (const std::runtime_error& e) {
    return complain({Errc::unavailable, e.what()}, invocation.json);
  }
}

}  // namespace todoke::app
