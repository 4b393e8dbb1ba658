#include "app/admin/outbound.h"

#include "base/utf8.h"
#include "directory/names.h"
#include "provider/book.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::app {

std::string_view lane_name(queue::Lane lane) {
  if (lane == queue::Lane::urgent) return "urgent";
  return lane == queue::Lane::bulk ? "bulk" : "normal";
}

std::string answer_words(const queue::Outcome& outcome) {
  std::string words;
  auto add = [&](std::string_view more, std::string_view between) {
    if (!words.empty() && !more.empty()) words += between;
    words += more;
  };
  if (outcome.code != 0) words = fmt::format("{}", outcome.code);
  if (outcome.enhanced) add(smtp::to_text(*outcome.enhanced), " ");
  bool broke = outcome.code == 0 && outcome.breakdown != smtp::Breakdown::none;
  if (broke) add(smtp::to_text(outcome.breakdown), " ");
  add(outcome.text, broke ? ": " : " ");
  return words;
}

std::string shortened(std::string text) {
  constexpr std::size_t most = 60;
  if (text.size() <= most) return text;
  return std::string(utf8_prefix(text, most)) + "…";
}

Result<std::string> provider_id(std::string_view text) {
  if (text.empty() || provider::Book::built_in().find(text) != nullptr) return std::string(text);
  return fail(Errc::not_found,
              fmt::format("there is no provider \"{}\"; todoke provider list has them all", text));
}

Task<Result<std::int64_t>> organisation_id(Installation& in, std::optional<std::string> name) {
  if (!name) co_return 0;
  auto all = co_await in.directory().organisations();
  auto found = std::ranges::find(all, *name, &directory::Organisation::name);
  if (found == all.end()) co_return fail(Errc::not_found, "there is no organisation " + *name);
  co_return found->id;
}

Task<std::map<std::int64_t, std::string>> organisation_names(Installation& in) {
  std::map<std::int64_t, std::string> names;
  auto all = co_await in.directory().organisations();
  for (const auto& one : all) names.emplace(one.id, one.name);
  co_return names;
}

json::value organisation_json(const std::map<std::int64_t, std::string>& names, std::int64_t id) {
  auto found = names.find(id);
  return found != names.end() ? json::value(found->second) : json::value(nullptr);
}

Result<std::int64_t> message_id(std::string_view text) {
  if (auto id = parse_id(text)) return *id;
  return fail(Errc::invalid,
              fmt::format("\"{}\" is no id of a message: it has 13 letters and digits, as "
                          "todoke queue list shows them",
                          text));
}

Task<Result<queue::Selection>> read_selection(Installation& in, json::object args) {
  queue::Selection selection;
  if (auto id = text_if(args, "id")) {
    CO_TRY(selection.message_id, message_id(*id));
  }
  if (auto number = number_if(args, "recipient")) {
    if (!selection.message_id)
      co_return fail(Errc::invalid, "--recipient counts within one message: give its id");
    if (*number < 1 || *number > 1'000'000)
      co_return fail(Errc::invalid, "recipients are counted from 1");
    selection.number = static_cast<int>(*number);
  }
  if (auto provider = text_if(args, "provider")) {
    CO_TRY(selection.provider, provider_id(*provider));
  }
  if (auto domain = text_if(args, "domain")) selection.domain = directory::fold_domain(*domain);
  if (auto name = text_if(args, "org")) {
    auto id = co_await organisation_id(in, std::move(name));
    if (!id) co_return std::unexpected(id.error());
    selection.organisation_id = *id;
  }
  co_return selection;
}

std::string describe(const queue::Selection& selection, const json::object& args) {
  std::string words;
  auto add = [&](std::string more) { words += (words.empty() ? "" : ", ") + more; };
  if (selection.message_id) add(id_text(*selection.message_id));
  if (selection.number) add(fmt::format("recipient {}", *selection.number));
  if (selection.provider) add("provider " + *selection.provider);
  if (selection.domain) add("domain " + *selection.domain);
  if (selection.organisation_id) add("organisation " + text(args, "org"));
  return words;
}

Task<> write_audit(Installation& in, directory::Actor by, std::int64_t organisation,
                   std::string action, std::string target, directory::Details details) {
  auto now = in.clock().now();
  directory::Effects effects;
  auto write = [&](sql::Tx& tx) {
    directory::Change change(tx, by, now, in.ids(), effects);
    change.audit(organisation, action, target, details);
  };
  co_await in.db().write(write);
}

}  // namespace todoke::app
