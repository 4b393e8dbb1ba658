#include "trust/host_name.h"

#include "base/ascii.h"

#include <algorithm>

namespace todoke::trust {
namespace {

bool is_label(std::string_view text) {
  auto fits = [](char c) { return ascii::is_alnum(c) || c == '-'; };
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, fits);
}

}  // namespace

bool is_host_name(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    const auto label = text.substr(0, text.find('.'));
    if (!is_label(label)) return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

}  // namespace todoke::trust
