#include "dns/name.h"

#include "base/ascii.h"

#include <fmt/format.h>
#include <idn2.h>

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace todoke::dns {

namespace {

bool is_plain(char c) {
  return ascii::is_alnum(c) || c == '-' || c == '_' || c == '*' || c == '/';
}

// Adds a byte of a label to the text of its name.
void append_byte(std::string& text, char c) {
  c = ascii::lower(c);
  if (is_plain(c))
    text += c;
  else
    text += fmt::format("\\{:03}", static_cast<unsigned char>(c));
}

// Takes one byte of a label out of `text`, which is not empty; -1 for a broken escape.
int take_byte(std::string_view& text) {
  auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first != '\\') return first;
  if (text.empty()) return -1;
  if (!ascii::is_digit(text.front())) {
    auto escaped = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    return escaped;
  }
  auto value = text.size() < 3 ? std::nullopt : ascii::to_number(text.substr(0, 3));
  if (!value || *value > 255) return -1;
  text.remove_prefix(3);
  return static_cast<int>(*value);
}

}  // namespace

Result<std::string> wire_name(std::string_view text) {
  // Each byte takes four bytes of text at most: what is longer need not be read.
  if (text.size() > 4 * max_wire_name) return fail(Errc::invalid, "a domain name is too long");
  std::string wire, label;
  if (text == ".") text = {};
  while (!text.empty()) {
    if (text.front() == '.') return fail(Errc::invalid, "a domain name has an empty label");
    label.clear();
    while (!text.empty() && text.front() != '.') {
      auto byte = take_byte(text);
      if (byte < 0) return fail(Errc::invalid, "a domain name has a broken escape");
      label += ascii::lower(static_cast<char>(byte));
    }
    if (!text.empty()) text.remove_prefix(1);
    if (label.size() > max_label) return fail(Errc::invalid, "a label is longer than 63 bytes");
    wire += static_cast<char>(label.size());
    wire += label;
  }
  wire += '\0';
  if (wire.size() > max_wire_name) return fail(Errc::invalid, "a domain name is too long");
  return wire;
}

Result<WireName> parse_wire_name(std::string_view wire) {
  WireName name;
  for (;;) {
    if (name.size == wire.size()) return fail(Errc::invalid, "a domain name is cut off");
    auto length = static_cast<unsigned char>(wire[name.size++]);
    if (length == 0) break;
    if (length > max_label) return fail(Errc::invalid, "a domain name is compressed");
    if (wire.size() - name.size < length) return fail(Errc::invalid, "a label is cut off");
    if (name.size + length >= max_wire_name)
      return fail(Errc::invalid, "a domain name is too long");
    if (!name.text.empty()) name.text += '.';
    for (char c : wire.substr(name.size, length)) append_byte(name.text, c);
    name.size += length;
  }
  return name;
}

Result<std::string> normal_name(std::string_view text) {
  TRY(auto wire, wire_name(text));
  TRY(auto name, parse_wire_name(wire));
  return std::move(name.text);
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > max_name) return false;
  bool only_digits = true;
  char before = '.';
  for (char c : name) {
    if (c == '.') {
      if (before == '.' || before == '-') return false;
      only_digits = true;
    } else if (ascii::is_alnum(c) || c == '_' || (c == '-' && before != '.')) {
      only_digits &= ascii::is_digit(c);
    } else {
      return false;
    }
    before = c;
  }
  return before != '.' && before != '-' && !only_digits;
}

Result<std::string> domain_to_ask(std::string_view domain) {
  if (domain.size() > 4 * max_name) return fail(Errc::invalid, "a domain name is too long");
  if (domain.find('\0') != domain.npos) return fail(Errc::invalid, "a domain name has a NUL");
  std::string text(domain);
  if (std::ranges::any_of(domain, ascii::is_8bit)) {
    char* labels = nullptr;
    auto status = idn2_to_ascii_8z(text.c_str(), &labels, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    std::unique_ptr<char, decltype(&std::free)> owned(labels, std::free);
    if (status != IDN2_OK)
      return fail(Errc::invalid,
                  fmt::format("\"{}\" is no domain: {}", text, idn2_strerror(status)));
    text = labels;
  }
  TRY(auto name, normal_name(text));
  if (!is_host_name(name)) return fail(Errc::invalid, fmt::format("\"{}\" is no domain", name));
  return name;
}

Result<std::string> reverse_name(std::string_view address) {
  std::array<unsigned char, 16> bytes{};
  const std::string text(address);
  std::string name;
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    for (std::size_t i = 4; i-- > 0;) name += fmt::format("{}.", bytes[i]);
    return name + "in-addr.arpa";
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1)
    return fail(Errc::invalid, "no IP address");
  for (std::size_t i = 16; i-- > 0;)
    name += fmt::format("{:x}.{:x}.", bytes[i] & 15, bytes[i] >> 4);
  return name + "ip6.arpa";
}

}  // namespace todoke::dns
