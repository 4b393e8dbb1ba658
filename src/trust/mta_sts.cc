#include "trust/mta_sts.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "trust/host_name.h"

#include <algorithm>

namespace todoke::trust {
namespace {

constexpr std::size_t max_id = 32, max_extension_name = 32;
constexpr std::size_t max_age_digits = 10;

bool is_extension_name(std::string_view text) {
  auto fits = [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= max_extension_name && ascii::is_alnum(text[0]) &&
         std::ranges::all_of(text, fits);
}
bool is_extension_value(std::string_view text) {
  auto fits = [](char c) { return c > 32 && c < 127 && c != '=' && c != ';'; };
  return !text.empty() && std::ranges::all_of(text, fits);
}
bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= max_id && std::ranges::all_of(text, ascii::is_alnum);
}

// RFC 8461 §3.1.  Nothing: the syntax is broken or there is no id.
std::optional<std::string> parse_record(std::string_view text) {
  Cursor in(text.substr(std::string_view("v=STSv1").size()));
  std::optional<std::string> id;
  while (true) {
    in.skip_spaces();
    if (in.at_end()) return id;
    if (!in.take(';')) return {};
    in.skip_spaces();
    if (in.at_end()) return id;
    const auto name = in.take_until("= \t;");
    if (!in.take('=')) return {};
    const auto value = in.take_until(" \t;");
    if (!is_extension_name(name) || !is_extension_value(value)) return {};
    if (name != "id" || id) continue;
    if (!is_id(value)) return {};
    id = std::string(value);
  }
}

Result<MtaStsPolicy::Mode> parse_mode(std::string_view text) {
  if (text == "enforce") return MtaStsPolicy::Mode::enforce;
  if (text == "testing") return MtaStsPolicy::Mode::testing;
  if (text == "none") return MtaStsPolicy::Mode::none;
  return fail(Errc::invalid, "an unknown mode");
}

// Takes one line and answers it without its line end.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

// RFC 8461 §3.1: records of other kinds are passed over, and there must be exactly one of this.
std::optional<std::string> mta_sts_id(std::span<const std::string> txt_records) {
  const std::string* found = nullptr;
  for (const auto& record : txt_records) {
    Cursor in(record);
    if (in.take_bytes(7) != "v=STSv1") continue;
    in.skip_spaces();
    if (in.peek() != ';') continue;
    if (found != nullptr) return {};
    found = &record;
  }
  return found == nullptr ? std::nullopt : parse_record(*found);
}

Result<MtaStsPolicy> parse_mta_sts_policy(std::string_view file) {
  if (file.size() > max_mta_sts_policy) return fail(Errc::over_limit, "longer than 64 KiB");
  MtaStsPolicy policy;
  // Of a field that is given twice the first counts, except for mx.
  bool version = false, mode = false, max_age = false;
  while (!file.empty()) {
    const auto line = ascii::trim(take_line(file));
    if (line.empty()) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return fail(Errc::invalid, "a line without a colon");
    const auto name = line.substr(0, colon);
    const auto value = ascii::trim(line.substr(colon + 1));
    if (name == "version" && !version) {
      if (value != "STSv1") return fail(Errc::invalid, "not version STSv1");
      version = true;
    } else if (name == "mode" && !mode) {
      TRY(policy.mode, parse_mode(value));
      mode = true;
    } else if (name == "max_age" && !max_age) {
      const auto seconds = ascii::to_number(value);
      if (!seconds || value.size() > max_age_digits)
        return fail(Errc::invalid, "a max_age that is no number of seconds");
      policy.max_age = std::min(std::chrono::seconds(*seconds), mta_sts_max_age);
      max_age = true;
    } else if (name == "mx") {
      if (!is_host_name(value.starts_with("*.") ? value.substr(2) : value))
        return fail(Errc::invalid, "an mx that is no host name");
      policy.mx.push_back(ascii::to_lower(value));
    } else if (!is_extension_name(name)) {
      return fail(Errc::invalid, "a line that is no field");
    }
  }
  if (!version || !mode || !max_age)
    return fail(Errc::invalid, "version, mode and max_age must all be there");
  if (policy.mx.empty() && policy.mode != MtaStsPolicy::Mode::none)
    return fail(Errc::invalid, "there is no mx");
  return policy;
}

// RFC 8461 §4.1, which takes RFC 6125's rules and allows a wildcard for the left-most label alone.
bool names_mx(const MtaStsPolicy& policy, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::ranges::any_of(policy.mx, [&](std::string_view pattern) {
    if (!pattern.starts_with("*.")) return ascii::equal_ignoring_case(pattern, host);
    const auto dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           ascii::equal_ignoring_case(pattern.substr(1), host.substr(dot));
  });
}

}  // namespace todoke::trust
