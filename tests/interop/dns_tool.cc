// Asks the DNS through dns::UnboundResolver, for dns_test.py.
//
//   dns_tool FORWARDER ANCHORS TIMEOUT_MS MAX_OUTSTANDING STOP_MS { NAME TYPE }…
//
// ANCHORS is a file or "".  All is asked at once; a line of JSON is printed for each in the order
// given.  After STOP_MS the resolver is stopped with what is under way; 0: when all is answered.
// TYPE may also be "twice" (A, and again a moment later), "hosts", "addresses" (IPv4 and IPv6,
// loopback allowed) or "tlsa" (port 25).

#include "base/ascii.h"
#include "base/encoding.h"
#include "dns/mail_hosts.h"
#include "dns/unbound_resolver.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

using namespace todoke;

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text)
    if (c == '"' || c == '\\' || ascii::is_control(c))
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  return out + "\"";
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ",") + quoted(text);
  return "[" + out + "]";
}

std::string trouble(const Error& error) {
  constexpr const char* names[] = {"invalid",  "not_found", "conflict",    "over_limit",
                                   "too_many", "denied",    "unavailable", "corrupt"};
  return fmt::format(R"({{"error":"{}","text":{}}})", names[static_cast<int>(error.code)],
                     quoted(error.text));
}

dns::Type type_of(std::string_view name) {
  using enum dns::Type;
  for (auto type : {a, cname, ptr, mx, txt, aaaa, tlsa})
    if (name == dns::to_text(type)) return type;
  fmt::print(stderr, "no type {}\n", name);
  std::exit(2);
}

Task<std::string> ask_hosts(dns::Resolver& dns, std::string name) {
  auto found = co_await dns::find_mail_hosts(dns, name, 1);
  if (!found) co_return trouble(found.error());
  std::vector<std::string> hosts;
  for (const auto& host : found->hosts)
    hosts.push_back(fmt::format("{} {}", host.preference, host.name));
  co_return fmt::format(R"({{"hosts":{},"secure":{},"implicit":{}}})", quoted(hosts), found->secure,
                        found->implicit);
}

Task<std::string> ask_addresses(dns::Resolver& dns, std::string name) {
  auto found = co_await dns::find_addresses(dns, name, dns::Families::both, dns::Loopback::allowed);
  if (!found) co_return trouble(found.error());
  co_return fmt::format(R"({{"addresses":{},"secure":{}}})", quoted(found->addresses),
                        found->secure);
}

Task<std::string> ask_tlsa(dns::Resolver& dns, std::string name) {
  auto found = co_await dns::find_tlsa(dns, name, 25);
  if (!found) co_return trouble(found.error());
  std::vector<std::string> records;
  for (const auto& one : *found)
    records.push_back(fmt::format("{} {} {} {} at {}", one.usage, one.selector, one.matching,
                                  hex_encode(one.data), one.base));
  co_return fmt::format(R"({{"tlsa":{}}})", quoted(records));
}

Task<std::string> ask_twice(dns::Resolver& dns, std::string name) {
  auto first = co_await dns.resolve(name, dns::Type::a);
  auto second = co_await dns.resolve(name, dns::Type::a);
  co_return fmt::format(R"({{"found":[{},{}]}})", first.has_value(), second.has_value());
}

Task<std::string> ask(dns::Resolver& dns, std::string name, std::string type) {
  if (type == "twice") co_return co_await ask_twice(dns, name);
  if (type == "hosts") co_return co_await ask_hosts(dns, name);
  if (type == "addresses") co_return co_await ask_addresses(dns, name);
  if (type == "tlsa") co_return co_await ask_tlsa(dns, name);
  auto answer = co_await dns.resolve(name, type_of(type));
  if (!answer) co_return trouble(answer.error());
  constexpr const char* statuses[] = {"found", "no_data", "no_name"};
  std::vector<std::string> records;
  for (const auto& data : answer->records) records.push_back(hex_encode(data));
  co_return fmt::format(R"({{"status":"{}","secure":{},"name":{},"ttl":{},"records":{}}})",
                        statuses[static_cast<int>(answer->status)], answer->secure,
                        quoted(answer->name), answer->ttl.count(), quoted(records));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6 || argc % 2 != 0) return 2;
  dns::UnboundOptions options{.forwarder = argv[1], .trust_anchor_file = argv[2]};
  options.timeout = std::chrono::milliseconds(std::atoi(argv[3]));
  options.max_outstanding = static_cast<std::size_t>(std::atoi(argv[4]));
  const std::chrono::milliseconds stop(std::atoi(argv[5]));
  auto opened = dns::UnboundResolver::open(options);
  if (!opened) {
    fmt::print("{}\n", trouble(opened.error()));
    return 1;
  }
  auto resolver = *std::move(opened);

  boost::asio::io_context context(1);
  std::vector<std::string> answers(static_cast<std::size_t>(argc - 6) / 2);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto ended = [&answers, i](std::exception_ptr failure, std::string answer) {
      if (failure) std::rethrow_exception(failure);
      answers[i] = std::move(answer);
    };
    boost::asio::co_spawn(context, ask(*resolver, argv[6 + 2 * i], argv[7 + 2 * i]), ended);
  }
  boost::asio::steady_timer timer(context);
  if (stop.count() > 0) {
    timer.expires_after(stop);
    timer.async_wait([&](auto) { resolver->stop(); });
  }
  context.run();
  for (const auto& answer : answers) fmt::print("{}\n", answer);
}
