// provider: what we know of those who receive mail, and what their replies mean.
#include "app/admin/outbound.h"
#include "app/admin/rooms.h"
#include "directory/names.h"
#include "provider/book.h"
#include "provider/classify.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

using directory::Actor;
using provider::Book;
using provider::Provider;
using Answer = Task<Result<json::value>>;

json::array texts(const auto& all) {
  json::array found;
  for (const auto& one : all) found.emplace_back(one);
  return found;
}

json::value limit_json(int limit) {
  return limit > 0 ? json::value(limit) : json::value(nullptr);
}

Answer list(Installation&, Actor, json::object, Progress&) {
  json::array found;
  for (const auto& one : Book::built_in().all())
    found.push_back(json::object{{"id", one.id},
                                 {"name", one.name_en},
                                 {"name_ja", one.name_ja},
                                 {"connections", one.limits.connections},
                                 {"messages_per_second", one.limits.messages_per_second},
                                 {"rules", one.rules.size()},
                                 {"verified_on", one.verified_on}});
  co_return found;
}

Answer show(Installation&, Actor, json::object args, Progress&) {
  CO_TRY(auto id, provider_id(text(args, "id")));
  const auto& book = Book::built_in();
  const auto* found = book.find(id);
  if (found == nullptr) co_return fail(Errc::not_found, "a provider's id must not be empty");
  const auto& limits = found->limits;
  json::array rules;
  for (auto list : {std::span<const provider::Rule>(found->rules), book.rules_for(*found)[1]})
    for (const auto& rule : list)
      rules.push_back(json::object{{"rule", rule.id},
                                   {"class", provider::to_text(rule.reply_class)},
                                   {"example", rule.fixtures.front().source}});
  json::object shown{{"id", found->id},
                     {"name", found->name_en},
                     {"name_ja", found->name_ja},
                     {"mx", texts(found->mx_suffixes)},
                     {"domains", texts(found->domains)}};
  shown["connections"] = limits.connections;
  shown["messages_per_connection"] = limits.messages_per_connection;
  shown["recipients_per_transaction"] = limits.recipients_per_transaction;
  shown["recipients_per_connection"] = limit_json(limits.recipients_per_connection);
  shown["messages_per_second"] = limits.messages_per_second;
  shown["max_message_bytes"] =
      limits.max_size > 0 ? json::value(limits.max_size) : json::value(nullptr);
  shown["quirks"] = texts(provider::quirk_names(found->quirks));
  shown["guide"] = found->guide.en;
  shown["guide_ja"] = found->guide.ja;
  shown["guide_url"] = found->guide.url;
  shown["verified_on"] = found->verified_on;
  shown["sources"] = texts(found->sources);
  shown["unverified"] = texts(found->unverified);
  shown["edition"] = fmt::format("{} of {}", book.version(), book.date());
  shown["rules"] = std::move(rules);
  co_return shown;
}

bool is_generic(const Provider& provider) {
  return provider.id.starts_with("generic");
}

Answer of(Installation& in, Actor, json::object args, Progress&) {
  auto given = text(args, "domain");
  auto domain = directory::fold_domain(std::string_view(given).substr(given.rfind('@') + 1));
  struct Known {
    std::string provider;
    Time at;
  };
  std::optional<Known> known;
  auto query = [&](sql::Tx& tx) {
    auto take = [&](const sql::Row& row) {
      known = Known{row.get<std::string>(0), row.get<Time>(1)};
    };
    tx.each("select provider, resolved_at from queue_domain where domain = $1", take, domain);
  };
  co_await in.db().read(query);
  const auto& by_name = Book::built_in().by_domain(domain);
  json::object shown{{"domain", domain}};
  if (known) {
    shown["provider"] = known->provider;
    shown["looked_up_at"] = time_json(known->at);
    shown["source"] = "its MX records, as last looked up";
  } else if (!is_generic(by_name)) {
    shown["provider"] = by_name.id;
    shown["looked_up_at"] = nullptr;
    shown["source"] = "its name; its MX records decide when mail is sent there";
  } else {
    shown["provider"] = nullptr;
    shown["looked_up_at"] = nullptr;
    shown["source"] = "not known: no mail went there yet; its MX records decide when it does";
  }
  co_return shown;
}

// ---- provider classify

std::string_view party_words(provider::Party party) {
  switch (party) {
    case provider::Party::nobody:
      return "nobody";
    case provider::Party::administrator:
      return "the group's administrator: another address";
    case provider::Party::member:
      return "the recipient: settings of the phone or mailbox";
    case provider::Party::author:
      return "the author: the message itself";
    case provider::Party::operators:
      return "the operators: DNS, keys, talks with the provider";
    case provider::Party::system:
      return "nobody: the queue waits and slows down";
  }
  std::unreachable();
}

Answer classify(Installation&, Actor, json::object args, Progress&) {
  auto stage = text_if(args, "stage").value_or("end");
  auto reply = text(args, "reply");
  auto source = fmt::format("{}{} {}", flag(args, "again") ? "again " : "", stage, reply);
  auto parsed = provider::Fixture::parse(source);
  if (!parsed)
    co_return fail(Errc::invalid,
                   fmt::format("\"{}\" is no reply: write \"550 5.1.1 User unknown\", or what "
                               "happened: refused reset timeout closed unreachable tls garbage dns",
                               reply));
  CO_TRY(auto id, provider_id(text_if(args, "provider").value_or("generic")));
  const auto& book = Book::built_in();
  const auto* whose = book.find(id);
  if (whose == nullptr) co_return fail(Errc::not_found, "a provider's id must not be empty");
  auto verdict = provider::classify(book, *whose, parsed->response());
  const auto& facts = provider::facts_of(verdict.reply_class);
  co_return json::object{
      {"class", provider::to_text(verdict.reply_class)},
      {"rule", verdict.rule},
      {"is_permanent", verdict.permanent},
      {"is_tried_again", provider::is_retried(verdict.reply_class, verdict.permanent)},
      {"who_acts", party_words(facts.who_acts)},
      {"slows_down_the_provider", facts.blames_provider},
      {"weight_against_address", facts.strike},
      {"blames", provider::to_text(verdict.named)},
      {"reach", provider::to_text(verdict.scope)}};
}

constexpr Parameter show_parameters[] = {
    {"id", Kind::text, Place::required, "its id in provider list"}};
constexpr Parameter of_parameters[] = {
    {"domain", Kind::text, Place::required, "a domain, or an address there"}};
constexpr Parameter classify_parameters[] = {
    {"reply", Kind::text, Place::required, "the reply with its code, or reset, timeout, closed …"},
    {"provider", Kind::text, Place::option, "who said so (generic)"},
    {"stage", Kind::text, Place::option, "at what it was said (end: after the message)",
     "dns connect ehlo starttls auth mail rcpt data end"},
    {"again", Kind::flag, Place::option, "at a later attempt, not the first"}};

constexpr Command table[] = {
    {"provider list",
     "List the providers whose servers we know, with what they bear of one sender.",
     "Example:\n  todoke provider list",
     {},
     list},
    {"provider show", "Show all that we know of a provider: limits, habits, rules for its replies.",
     "Example:\n  todoke provider show docomo", show_parameters, show},
    {"provider of", "Say whose servers take the mail of a domain.",
     "Asks nobody: it tells what was learned when mail was sent there, or what the name says.\n"
     "Example:\n  todoke provider of example.co.jp",
     of_parameters, of},
    {"provider classify", "Say what a reply of another server means to us, and by which rule.",
     "Examples:\n  todoke provider classify --provider docomo --stage rcpt \"550 5.1.1 Unknown "
     "user\"\n  todoke provider classify --provider au --stage rcpt reset",
     classify_parameters, classify},
};

}  // namespace

std::span<const Command> provider_commands() {
  return table;
}

}  // namespace todoke::app
