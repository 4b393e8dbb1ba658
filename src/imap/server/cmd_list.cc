#include "imap/server/session.h"
#include "imap/server/special_use.h"
#include "imap/syntax/writer.h"
#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace todoke::imap {
namespace {

// A name of the hierarchy: a mailbox, or a level that only has mailboxes below it.
struct Node {
  const store::MailboxInfo* mailbox = nullptr;  // null: none of this name, or a deleted one
  bool subscribed = false;
  bool has_children = false;
  // RFC 5258 §3.5: that are not told of themselves.
  bool has_subscribed_below = false;
};
using Tree = std::map<std::string, Node, std::less<>>;

bool matches_any(std::string_view name, const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns,
                             [&](const auto& pattern) { return matches_pattern(name, pattern); });
}

Tree make_tree(const std::vector<store::MailboxInfo>& mailboxes,
               const std::vector<std::string>& patterns) {
  Tree tree;
  for (const auto& mailbox : mailboxes) {
    if (mailbox.deleted_at && !mailbox.subscribed) continue;
    auto& node = tree[mailbox.name];
    if (!mailbox.deleted_at) node.mailbox = &mailbox;
    node.subscribed = node.subscribed || mailbox.subscribed;
    bool needs_parent = mailbox.subscribed && !matches_any(mailbox.name, patterns);
    std::string_view name = mailbox.name;
    for (auto end = name.rfind('/'); end != name.npos; end = name.rfind('/')) {
      name = name.substr(0, end);
      auto& parent = tree[std::string(name)];
      parent.has_children = parent.has_children || !mailbox.deleted_at;
      parent.has_subscribed_below = parent.has_subscribed_below || needs_parent;
    }
  }
  return tree;
}

std::string attributes(const Node& node, const List& command) {
  std::string words;
  auto say = [&](std::string_view word) {
    if (word.empty()) return;
    if (!words.empty()) words += ' ';
    words += word;
  };
  if (node.mailbox == nullptr) {
    say("\\NonExistent");
    say("\\Noselect");  // for clients that know RFC 3501 only
  }
  say(node.has_children ? "\\HasChildren" : "\\HasNoChildren");
  if ((command.select_subscribed || command.return_subscribed) && node.subscribed)
    say("\\Subscribed");
  if (node.mailbox != nullptr) say(use_of(node.mailbox->role));
  return words;
}

}  // namespace

// RFC 9051 §6.3.9.
Task<Reply> Session::handle(List command) {
  // The old way to ask for the separator.
  if (!command.extended && command.patterns.size() == 1 && command.patterns[0].empty()) {
    untagged("LIST (\\Noselect) \"/\" \"\"");
    co_return ok("That is the separator");
  }
  co_await write_list(std::move(command), "LIST");
  co_return ok("That is all");
}

// RFC 3501 §6.3.9.
Task<Reply> Session::handle(Lsub command) {
  List list{.reference = std::move(command.reference),
            .patterns = {std::move(command.pattern)},
            .extended = false,
            .select_subscribed = true,
            .select_recursive_match = true};
  co_await write_list(std::move(list), "LSUB");
  co_return ok("That is all");
}

Task<> Session::write_list(List command, std::string_view response) {  // NOLINT: a literal
  auto mailboxes = co_await server_.store.mailboxes(principal_->account_id, true);
  auto reference = name_from_wire(command.reference, name_form()).value_or("");
  std::vector<std::string> patterns;
  for (const auto& pattern : command.patterns)
    patterns.push_back(reference + name_from_wire(pattern, name_form()).value_or(pattern));
  auto tree = make_tree(mailboxes, patterns);
  for (const auto& [name, node] : tree) {
    if (!matches_any(name, patterns)) continue;
    bool special = node.mailbox != nullptr && !use_of(node.mailbox->role).empty();
    bool fits = (!command.select_subscribed || node.subscribed) &&
                (!command.select_special_use || special) &&
                (command.select_subscribed || node.mailbox != nullptr || node.has_children);
    // RFC 5258 §3.5: told for what is below it.
    bool for_children = !fits && command.select_recursive_match && node.has_subscribed_below;
    if (!fits && !for_children) continue;
    auto words = attributes(node, command);
    if (response == "LSUB" && for_children) words = "\\Noselect";
    std::string line = fmt::format("{} ({}) \"/\" ", response, words);
    write_mailbox(line, name, name_form());
    bool tells_of_children = command.select_recursive_match && node.has_subscribed_below;
    if (tells_of_children && response == "LIST") line += " (CHILDINFO (\"SUBSCRIBED\"))";
    untagged(line);
    if (command.return_status != 0 && node.mailbox != nullptr) {
      auto status = co_await status_text(*node.mailbox, command.return_status);
      untagged(status);
    }
    co_await breathe();
  }
}

}  // namespace todoke::imap
