#include "provsim/script.h"

#include "base/ascii.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <utility>

namespace todoke::provsim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::pair<std::string_view, Stage>, 6> stages{{{"connect", Stage::connect},
                                                                    {"ehlo", Stage::ehlo},
                                                                    {"mail", Stage::mail},
                                                                    {"rcpt", Stage::rcpt},
                                                                    {"data", Stage::data},
                                                                    {"end", Stage::end_of_data}}};

constexpr std::array<std::pair<std::string_view, Act::Kind>, 9> acts{
    {{"close", Act::Kind::close},
     {"reset", Act::Kind::reset},
     {"refuse", Act::Kind::refuse},
     {"timeout", Act::Kind::timeout},
     {"silence", Act::Kind::silence},
     {"garbage", Act::Kind::garbage},
     {"endless", Act::Kind::endless},
     {"chatter", Act::Kind::chatter},
     {"pass", Act::Kind::pass}}};

constexpr std::array<std::pair<std::string_view, BounceFormat>, 4> formats{
    {{"rfc3464", BounceFormat::rfc3464},
     {"ezweb", BounceFormat::ezweb},
     {"biglobe", BounceFormat::biglobe},
     {"qmail", BounceFormat::qmail}}};

constexpr std::array<std::pair<std::string_view, Latency::Kind>, 3> spreads{
    {{"fixed", Latency::Kind::fixed},
     {"exponential", Latency::Kind::exponential},
     {"pareto", Latency::Kind::pareto}}};

constexpr std::array<std::pair<std::string_view, microseconds>, 6> units{
    {{"ms", 1ms}, {"min", 1min}, {"s", 1s}, {"h", 1h}, {"d", 24h}, {"us", 1us}}};

template <class Table>
auto look_up(const Table& table, std::string_view word)
    -> std::optional<typename Table::value_type::second_type> {
  for (const auto& [name, value] : table)
    if (name == word) return value;
  return {};
}

std::optional<microseconds> parse_time(std::string_view word) {
  auto digits = std::min(word.find_first_not_of("0123456789"), word.size());
  auto number = ascii::to_number(word.substr(0, digits));
  auto unit = look_up(units, word.substr(digits));
  if (!number || !unit || *number > 1'000'000'000) return {};
  return *unit * static_cast<std::int64_t>(*number);
}

std::optional<double> parse_chance(std::string_view word) {
  if (!word.ends_with('%')) return {};
  auto number = ascii::to_number(word.substr(0, word.size() - 1));
  if (!number || *number > 100) return {};
  return static_cast<double>(*number) / 100;
}

// The words of one line; "…" is one word.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(ascii::trim(line)) {}

  bool empty() const { return rest_.empty(); }
  std::string_view peek() const { return rest_.substr(0, rest_.find_first_of(" \t")); }
  std::string next() {
    bool is_quoted = rest_.starts_with('"');
    if (is_quoted) rest_.remove_prefix(1);
    auto end = std::min(is_quoted ? rest_.find('"') : rest_.find_first_of(" \t"), rest_.size());
    std::string word(rest_.substr(0, end));
    rest_.remove_prefix(is_quoted ? std::min(end + 1, rest_.size()) : end);
    rest_ = ascii::trim(rest_);
    return word;
  }
  bool take(std::string_view word) {
    if (peek() != word) return false;
    next();
    return true;
  }
  std::string rest() { return std::string(std::exchange(rest_, {})); }

 private:
  std::string_view rest_;
};

Result<Act> parse_act(Words& words) {
  if (auto kind = look_up(acts, words.peek())) {
    words.next();
    return Act{*kind, {}};
  }
  bool is_cut = words.take("cut");
  auto code = ascii::to_number(words.peek());
  if (!code || *code < 200 || *code > 599)
    return fail(Errc::invalid, fmt::format("nothing that can be done: {}", words.rest()));
  is_cut |= *code == 421;
  return Act{is_cut ? Act::Kind::cut : Act::Kind::reply, wire_reply(words.rest())};
}

Result<int> parse_count(Words& words) {
  auto number = ascii::to_number(words.next());
  if (!number || *number > 1'000'000) return fail(Errc::invalid, "here stands a number");
  return static_cast<int>(*number);
}

Result<microseconds> take_time(Words& words) {
  auto word = words.next();
  auto time = parse_time(word);
  if (!time) return fail(Errc::invalid, "no time: " + word);
  return *time;
}

std::string take_pattern(Words& words) {
  return words.take("to") ? words.next() : "";
}

Result<Cap> parse_cap(Words& words) {
  Cap cap;
  TRY(cap.most, parse_count(words));
  TRY(cap.act, parse_act(words));
  return cap;
}

class Reader {
 public:
  Result<> line(Words words) {
    if (words.empty() || words.peek().starts_with('#')) return {};
    if (words.take("seed")) {
      auto number = ascii::to_number(words.next());
      if (!number) return fail(Errc::invalid, "here stands a number");
      script_.seed = *number;
      return {};
    }
    if (words.take("provider")) {
      finish_provider();
      provider_.emplace();
      provider_->id = words.next();
      provider_->offers = {"PIPELINING", "SIZE 35882577", "8BITMIME", "ENHANCEDSTATUSCODES",
                           "SMTPUTF8"};
      provider_->phases.emplace_back();
      return {};
    }
    if (!provider_) return fail(Errc::invalid, "a provider comes first");
    return about_provider(words);
  }

  Script finish() {
    finish_provider();
    return std::move(script_);
  }

 private:
  Result<> about_provider(Words& words) {
    if (words.take("domains")) {
      while (!words.empty()) provider_->domains.push_back(ascii::to_lower(words.next()));
    } else if (words.take("host")) {
      Host host{.name = ascii::to_lower(words.next())};
      while (!words.empty()) host.addresses.push_back(words.next());
      provider_->hosts.push_back(std::move(host));
    } else if (words.take("offers")) {
      provider_->offers.clear();
      while (!words.empty()) provider_->offers.push_back(words.next());
    } else if (words.take("phase")) {
      TRY(auto from, take_time(words));
      if (provider_->phases.size() > 1 && from <= provider_->phases.back().from)
        return fail(Errc::invalid, "phases stand in the order of their times");
      provider_->phases.push_back({.from = from});
    } else {
      return about_phase(words, provider_->phases.back());
    }
    return {};
  }

  static Result<> about_phase(Words& words, Phase& phase) {
    auto chance = parse_chance(words.peek());
    if (chance) words.next();
    auto verb = words.next();
    if (auto stage = look_up(stages, verb)) {
      Rule rule{.stage = *stage, .chance = chance.value_or(1), .to = take_pattern(words)};
      TRY(rule.act, parse_act(words));
      phase.rules.push_back(std::move(rule));
    } else if (verb == "discard") {
      phase.discards.push_back({chance.value_or(1), take_pattern(words)});
    } else if (verb == "bounce") {
      LateBounce bounce{.chance = chance.value_or(1)};
      auto name = words.next();
      auto format = look_up(formats, name);
      if (!format) return fail(Errc::invalid, "no format of bounces: " + name);
      bounce.format = *format;
      if (!words.take("after")) return fail(Errc::invalid, "here stands: after TIME");
      TRY(bounce.after, take_time(words));
      bounce.to = take_pattern(words);
      phase.bounces.push_back(std::move(bounce));
    } else if (verb == "connections") {
      TRY(phase.connections, parse_cap(words));
    } else if (verb == "messages") {
      TRY(phase.messages, parse_cap(words));
    } else if (verb == "recipients") {
      TRY(phase.recipients, parse_cap(words));
    } else if (verb == "overload") {
      Overload overload;
      TRY(overload.most, parse_count(words));
      if (!words.take("per")) return fail(Errc::invalid, "here stands: per TIME");
      TRY(overload.within, take_time(words));
      TRY(overload.act, parse_act(words));
      phase.overload = std::move(overload);
    } else if (verb == "greylist") {
      TRY(phase.greylist, take_time(words));
    } else if (verb == "latency") {
      auto which = look_up(stages, words.next());
      auto kind = look_up(spreads, words.next());
      if (!which || !kind) return fail(Errc::invalid, "here stands: latency STAGE KIND TIME");
      TRY(auto time, take_time(words));
      phase.latency[*which] = {*kind, time};
    } else if (verb == "unsteady") {
      phase.unsteady = true;
    } else {
      return fail(Errc::invalid, "nothing that can be said: " + verb);
    }
    if (!words.empty()) return fail(Errc::invalid, "too much: " + words.rest());
    return {};
  }

  // What holds always stands behind what each phase says.
  void finish_provider() {
    if (!provider_) return;
    auto& phases = provider_->phases;
    const auto always = phases.front();
    for (std::size_t i = 1; i < phases.size(); ++i) {
      auto& phase = phases[i];
      auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
      auto fill = [](auto& to, const auto& from) {
        if (!to) to = from;
      };
      add(phase.rules, always.rules);
      add(phase.discards, always.discards);
      add(phase.bounces, always.bounces);
      fill(phase.connections, always.connections);
      fill(phase.messages, always.messages);
      fill(phase.recipients, always.recipients);
      fill(phase.overload, always.overload);
      fill(phase.greylist, always.greylist);
      phase.latency.insert(always.latency.begin(), always.latency.end());
      phase.unsteady |= always.unsteady;
    }
    if (phases.size() > 1 && phases[1].from == microseconds(0)) phases.erase(phases.begin());
    script_.providers.push_back(std::move(*provider_));
    provider_.reset();
  }

  Script script_;
  std::optional<ProviderScript> provider_;
};

}  // namespace

Result<Script> parse_script(std::string_view text) {
  Reader reader;
  int number = 0;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    ++number;
    if (auto done = reader.line(Words(text.substr(0, end))); !done)
      return fail(Errc::invalid, fmt::format("line {}: {}", number, done.error().text));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.finish();
}

Result<Script> read_script(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(Errc::not_found, "cannot read " + file);
  std::stringstream text;
  text << in.rdbuf();
  return parse_script(text.str());
}

bool fits(std::string_view pattern, std::string_view address) {
  auto star = pattern.find('*');
  if (star == pattern.npos) return ascii::equal_ignoring_case(pattern, address);
  auto before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (!ascii::starts_with_ignoring_case(address, before)) return false;
  for (auto from = before.size(); from <= address.size(); ++from)
    if (fits(after, address.substr(from))) return true;
  return false;
}

std::string wire_reply(std::string_view text) {
  auto code = text.substr(0, 3);
  text = ascii::trim(text.substr(std::min<std::size_t>(3, text.size())));
  std::string_view enhanced;
  auto word = text.substr(0, text.find(' '));
  bool looks_so =
      std::ranges::count(word, '.') == 2 && word.find_first_not_of("0123456789.") == word.npos;
  if (looks_so) {
    enhanced = word;
    text = ascii::trim(text.substr(word.size()));
  }
  std::string wire;
  for (;;) {
    auto bar = text.find(" | ");
    bool is_last = bar == text.npos;
    wire += fmt::format("{}{}{}{}{}\r\n", code, is_last ? ' ' : '-', enhanced,
                        enhanced.empty() ? "" : " ", text.substr(0, bar));
    if (is_last) return wire;
    text.remove_prefix(bar + 3);
  }
}

std::string zone_table(const Script& script) {
  std::string names;
  auto add = [&](const std::string& name, std::string_view type, const std::string& records) {
    names +=
        fmt::format("{}\"{}\":{{\"{}\":[{}]}}", names.empty() ? "" : ",\n", name, type, records);
  };
  for (const auto& provider : script.providers) {
    std::string servers;
    int preference = 0;
    for (const auto& host : provider.hosts) {
      servers +=
          fmt::format("{}\"{} {}\"", servers.empty() ? "" : ",", preference += 10, host.name);
      std::string addresses;
      for (const auto& address : host.addresses)
        addresses += fmt::format("{}\"{}\"", addresses.empty() ? "" : ",", address);
      add(host.name, "A", addresses);
    }
    for (const auto& domain : provider.domains) add(domain, "MX", servers);
  }
  return "{\"names\":{" + names + "}}\n";
}

}  // namespace todoke::provsim
