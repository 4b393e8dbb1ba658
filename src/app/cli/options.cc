#include "app/cli/options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <sstream>

namespace todoke::app {
namespace {

std::string option_name(std::string_view name) {
  std::string text("--");
  text += name;
  std::ranges::replace(text, '_', '-');
  return text;
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), {}};
}

std::string_view value_name(Kind kind) {
  switch (kind) {
    case Kind::number:
      return "NUMBER";
    case Kind::size:
      return "SIZE";
    case Kind::limit:
      return "NUMBER";
    case Kind::path:
      return "PATH";
    case Kind::yes_no:
      return "yes|no";
    default:
      return "TEXT";
  }
}

// One command in the parser, and where what was typed for it goes.
struct Bound {
  const Command* command;
  CLI::App* app;
  std::deque<std::pair<const Parameter*, std::string>> values;
  std::map<const Parameter*, CLI::Option*> options;
};

class Parser {
 public:
  Parser() : app_("Todoke: mail that arrives.", "todoke") {
    app_.require_subcommand(1);
    app_.footer("Each command explains itself: todoke account add --help");
    for (const auto& command : host_commands()) add(command);
    for (const auto* command : commands()) add(*command);
  }

  Parsed parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      std::ostringstream out, err;
      int code = app_.exit(e, out, err);
      return {.exit_code = code == 0 ? 0 : 2, .out = out.str(), .err = err.str()};
    }
    for (const auto& bound : bound_)
      if (bound.app->parsed()) return {.invocation = invocation(bound)};
    return {.exit_code = 2, .err = app_.help()};
  }

 private:
  Invocation invocation(const Bound& bound) {
    Invocation made{.command = bound.command,
                    .config = config_,
                    .json = json_,
                    .password_stdin = password_stdin_};
    for (const auto& [parameter, text] : bound.values)
      if (bound.options.at(parameter)->count() > 0) made.given.emplace_back(parameter, text);
    return made;
  }

  // "account add" stands below "account", which is made when it is first met.
  CLI::App* place(std::string_view name, const std::string& summary) {
    auto space = name.find(' ');
    if (space == name.npos) return app_.add_subcommand(std::string(name), summary);
    auto group = std::string(name.substr(0, space));
    auto& parent = groups_[group];
    if (parent == nullptr) {
      parent = app_.add_subcommand(group, group_summary(group));
      parent->require_subcommand(1);
    }
    return parent->add_subcommand(std::string(name.substr(space + 1)), summary);
  }

  static std::string group_summary(std::string_view group) {
    if (group == "org") return "Organisations: whoever owns domains and accounts.";
    if (group == "domain") return "Domains that we take mail for.";
    if (group == "account") return "Accounts: add, list, show, change, suspend, delete, restore.";
    if (group == "address") return "Further addresses of accounts.";
    if (group == "login") return "Further names to sign in with.";
    if (group == "password") return "Passwords of accounts, programs and devices.";
    if (group == "mailbox") return "Mailboxes: list, restore, verify, import, export.";
    if (group == "smarthost") return "Another server that takes our mail for others.";
    if (group == "dkim") return "Keys that sign what we send, and their DNS records.";
    if (group == "provider") return "What we know of those who receive our mail.";
    return "Mail on its way to other servers.";
  }

  void add(const Command& command) {
    auto& bound = bound_.emplace_back();
    bound.command = &command;
    bound.app = place(command.name, std::string(command.summary));
    bound.app->footer(std::string(command.details));
    for (const auto& parameter : command.parameters) add(bound, parameter);
    bound.app->add_flag("--json", json_, "answer in JSON, for programs");
    bound.app->add_option("-c,--config", config_, "the configuration file")->type_name("PATH");
  }

  void add(Bound& bound, const Parameter& parameter) {
    auto& text = bound.values.emplace_back(&parameter, "").second;
    const std::string help(parameter.help);
    auto*& option = bound.options[&parameter];
    if (parameter.kind == Kind::flag) {
      option = bound.app->add_flag(option_name(parameter.name), help);
      return;
    }
    auto name = parameter.place == Place::option ? option_name(parameter.name)
                                                 : std::string(parameter.name);
    option = bound.app->add_option(name, text, help);
    option->type_name(std::string(value_name(parameter.kind)));
    if (parameter.place == Place::required) option->required();
    if (!parameter.choices.empty()) option->check(CLI::IsMember(words_of(parameter.choices)));
    if (parameter.kind == Kind::yes_no)
      option->check(CLI::IsMember(std::vector<std::string>{"yes", "no"}));
    if (parameter.kind == Kind::secret)
      bound.app->add_flag("--password-stdin", password_stdin_,
                          "read the password from standard input");
  }

  CLI::App app_;
  std::map<std::string, CLI::App*> groups_;
  std::deque<Bound> bound_;
  std::string config_;
  bool json_ = false;
  bool password_stdin_ = false;
};

}  // namespace

Parsed parse_command_line(int argc, const char* const* argv) {
  return Parser().parse(argc, argv);
}

}  // namespace todoke::app
