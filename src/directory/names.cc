#include "directory/names.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "smtp/syntax/path.h"

#include <fmt/format.h>
#include <idn2.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <arpa/inet.h>

namespace todoke::directory {
namespace {

constexpr std::size_t max_line = 200;
constexpr std::size_t max_login = 255;
constexpr std::size_t max_folded = 1024;      // no name of ours is longer
constexpr std::size_t max_domain_name = 253;  // RFC 1035 §2.3.4, as text
constexpr std::size_t max_label = 63;
constexpr std::size_t max_address = 254;  // RFC 5321 §4.5.3.1.3, without its brackets
constexpr std::int64_t max_quota = 1ll << 50;

// Not case folding: it would make one name of two that differ in more than case (ß and ss).
std::string lower_nfc(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* nfc = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status) || text.size() > max_folded || !is_utf8(text)) return ascii::to_lower(text);
  auto lower =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
  lower.toLower(icu::Locale::getRoot());
  const auto normal = nfc->normalize(lower, status);
  if (U_FAILURE(status)) return ascii::to_lower(text);
  std::string out;
  normal.toUTF8String(out);
  return out;
}

std::string_view without_last_dot(std::string_view domain) {
  if (domain.size() > 1 && domain.ends_with('.')) domain.remove_suffix(1);
  return domain;
}

// RFC 5891 §5: U-labels become A-labels, and A-labels are checked.
Result<std::string> to_a_labels(std::string_view domain) {
  char* found = nullptr;
  const std::string input(domain);
  const int rc = idn2_to_ascii_8z(
      input.c_str(), &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
  if (rc != IDN2_OK) return fail(Errc::invalid, idn2_strerror(rc));
  std::string out = found;
  idn2_free(found);
  return ascii::to_lower(out);
}

Result<> check_label(std::string_view label, std::string_view domain) {
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::invalid, fmt::format("\"{}\" is not a domain: {}", domain, why));
  };
  if (label.empty()) return refuse("there is nothing between two dots");
  if (label.size() > max_label)
    return refuse(fmt::format("a label is longer than {} characters", max_label));
  if (label.front() == '-' || label.back() == '-')
    return refuse("a label begins or ends with a hyphen");
  for (char c : label)
    if (!ascii::is_alnum(c) && c != '-')
      return refuse("only letters, digits, hyphens and dots may stand in it");
  return {};
}

bool is_atext(char c) {
  constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~";
  return ascii::is_alnum(c) || ascii::is_8bit(c) || others.contains(c);
}

}  // namespace

std::string fold_local(std::string_view local) {
  return is_ascii(local) ? ascii::to_lower(local) : lower_nfc(local);
}

std::string fold_domain(std::string_view domain) {
  domain = without_last_dot(domain);
  if (is_ascii(domain)) return ascii::to_lower(domain);
  if (domain.size() > 4 * max_domain_name || !is_utf8(domain)) return std::string(domain);
  auto labels = to_a_labels(domain);
  return labels ? *std::move(labels) : std::string(domain);
}

std::string fold_login(std::string_view login) {
  const auto at = login.rfind('@');
  if (at == login.npos) return fold_local(login);
  return fold_local(login.substr(0, at)) + "@" + fold_domain(login.substr(at + 1));
}

std::optional<std::string_view> without_detail(std::string_view local) {
  const auto plus = local.find('+');
  if (plus == local.npos || plus == 0) return std::nullopt;
  return local.substr(0, plus);
}

std::string to_text(const AddressParts& address) {
  return address.local + "@" + address.domain;
}

Result<std::string> domain_name(std::string_view text) {
  const auto given = without_last_dot(ascii::trim(text));
  if (given.empty()) return fail(Errc::invalid, "a domain name is missing");
  if (given.size() > 4 * max_domain_name || !is_utf8(given) || given.contains('\0'))
    return fail(Errc::invalid, "the domain name is too long or not UTF-8");
  std::string name;
  if (is_ascii(given) && !ascii::to_lower(given).contains("xn--")) {
    name = ascii::to_lower(given);
  } else {
    auto labels = to_a_labels(given);
    if (!labels)
      return fail(Errc::invalid,
                  fmt::format("\"{}\" is not a domain: {}", given, labels.error().text));
    name = *std::move(labels);
  }
  if (name.size() > max_domain_name)
    return fail(Errc::invalid, fmt::format("a domain has at most {} characters, this one {}",
                                           max_domain_name, name.size()));
  for (std::size_t start = 0;;) {
    const auto dot = name.find('.', start);
    TRY_OK(check_label(std::string_view(name).substr(start, dot - start), given));
    if (dot == name.npos) {
      if (start == 0)
        return fail(Errc::invalid,
                    fmt::format("\"{}\" has no dot: a full domain is needed", given));
      if (ascii::to_number(std::string_view(name).substr(start)))
        return fail(Errc::invalid, fmt::format("\"{}\" is an IP address, not a domain", given));
      return name;
    }
    start = dot + 1;
  }
}

Result<AddressParts> mail_address(std::string_view text) {
  const auto given = ascii::trim(text);
  const auto path = smtp::parse_address(given);
  if (!path)
    return fail(path.error().code,
                fmt::format("\"{}\" is not a mail address: {}", given, path.error().text));
  for (char c : path->local)
    if (!is_atext(c) && c != '.')
      return fail(Errc::invalid, fmt::format("\"{}\": '{}' may not stand before the @", given, c));
  AddressParts out;
  out.local = fold_local(path->local);
  TRY(out.domain, domain_name(path->domain));
  if (out.local.size() > smtp::max_local_part || to_text(out).size() > max_address)
    return fail(Errc::invalid, fmt::format("\"{}\" is too long", given));
  return out;
}

Result<std::string> login_name(std::string_view text) {
  const auto given = ascii::trim(text);
  if (given.empty()) return fail(Errc::invalid, "a login name is missing");
  if (given.size() > max_login)
    return fail(Errc::invalid, fmt::format("a login name has at most {} bytes", max_login));
  if (!is_utf8(given)) return fail(Errc::invalid, "the login name is not UTF-8");
  for (char c : given)
    if (ascii::is_control(c) || c == ' ')
      return fail(Errc::invalid, "a login name holds no blanks and no control characters");
  auto folded = fold_login(given);
  if (folded.size() > max_login)
    return fail(Errc::invalid, fmt::format("a login name has at most {} bytes", max_login));
  return folded;
}

Result<std::string> listener_address(std::string_view text) {
  const std::string given(ascii::trim(text));
  if (given.empty()) return given;
  unsigned char bytes[sizeof(in6_addr)];
  char out[INET6_ADDRSTRLEN];
  for (int family : {AF_INET, AF_INET6})
    if (!given.contains('\0') && inet_pton(family, given.c_str(), bytes) == 1 &&
        inet_ntop(family, bytes, out, sizeof out) != nullptr)
      return std::string(out);
  return fail(Errc::invalid, fmt::format("\"{}\" is not an IP address", given));
}

Result<std::string> one_line(std::string_view text, std::string_view what) {
  const auto given = ascii::trim(text);
  if (given.size() > max_line)
    return fail(Errc::invalid, fmt::format("{} has more than {} bytes", what, max_line));
  if (!is_utf8(given)) return fail(Errc::invalid, fmt::format("{} is not UTF-8", what));
  for (char c : given)
    if (ascii::is_control(c))
      return fail(Errc::invalid, fmt::format("{} holds a control character", what));
  return std::string(given);
}

Result<std::string> required_line(std::string_view text, std::string_view what) {
  TRY(auto line, one_line(text, what));
  if (line.empty()) return fail(Errc::invalid, fmt::format("{} is missing", what));
  return line;
}

Result<std::string> locale_name(std::string_view text) {
  if (text == "ja" || text == "en") return std::string(text);
  return fail(Errc::invalid, "the locale is neither \"ja\" nor \"en\"");
}

Result<> check_quota(const std::optional<std::int64_t>& bytes) {
  if (bytes && (*bytes < 0 || *bytes > max_quota))
    return fail(Errc::invalid, "a quota is between 0 bytes and 1 PiB");
  return {};
}

Result<> check_services(ServiceSet services) {
  if (services == 0) return fail(Errc::invalid, "no service is named");
  if ((services & ~all_services) != 0) return fail(Errc::invalid, "there is no such service");
  return {};
}

}  // namespace todoke::directory
