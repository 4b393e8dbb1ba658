#include "provsim/ledger.h"

#include "base/ascii.h"

#include <fmt/format.h>

#include <set>

namespace todoke::provsim {
namespace {

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      json += fmt::format("\\{}", c);
    else if (ascii::is_control(c) || ascii::is_8bit(c))
      json += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      json += c;
  }
  return json + '"';
}

std::string counts(const std::map<std::string, int>& of) {
  std::string json;
  for (const auto& [name, count] : of)
    json += fmt::format("{}{}:{}", json.empty() ? "" : ",", quoted(name), count);
  return "{" + json + "}";
}

}  // namespace

std::string_view to_text(Fate fate) {
  switch (fate) {
    case Fate::delivered:
      return "delivered";
    case Fate::discarded:
      return "discarded";
    case Fate::bounced:
      return "bounced";
    case Fate::lost:
      return "lost";
  }
  return "";
}

std::vector<std::string> Ledger::twice() const {
  std::set<std::string> seen;
  std::vector<std::string> repeated;
  for (const auto& one : receipts) {
    auto key = one.recipient + " " + one.message_id;
    if (one.fate != Fate::lost && !seen.insert(key).second) repeated.push_back(key);
  }
  return repeated;
}

std::map<Fate, int> Ledger::fates(std::string_view provider) const {
  std::map<Fate, int> count;
  for (const auto& one : receipts)
    if (one.provider == provider) ++count[one.fate];
  return count;
}

std::string Ledger::to_json_lines() const {
  std::string out;
  for (const auto& one : receipts)
    out += fmt::format(
        "{{\"receipt\":{},\"provider\":{},\"reverse_path\":{},\"message_id\":{},\"at\":\"{}\","
        "\"hash\":\"{:016x}\",\"fate\":\"{}\"}}\n",
        quoted(one.recipient), quoted(one.provider), quoted(one.reverse_path),
        quoted(one.message_id), to_rfc3339(one.at), one.hash, to_text(one.fate));
  for (const auto& one : bounces)
    out += fmt::format("{{\"bounce\":{},\"due\":\"{}\",\"text\":{}}}\n", quoted(one.to),
                       to_rfc3339(one.due), quoted(one.text));
  for (const auto& [provider, tally] : tallies)
    out += fmt::format(
        "{{\"tally\":{},\"calls\":{},\"messages\":{},\"recipients\":{},\"most_connections\":{},"
        "\"most_messages\":{},\"most_recipients\":{},\"refusals\":{}}}\n",
        quoted(provider), tally.calls.size(), tally.messages.size(), tally.recipients.size(),
        tally.most_connections, tally.most_messages, tally.most_recipients, counts(tally.refusals));
  return out + fmt::format("{{\"faults\":{}}}\n", counts(faults));
}

}  // namespace todoke::provsim
