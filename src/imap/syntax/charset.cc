#include "imap/syntax/charset.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace todoke::imap {
namespace {

// A name that ICU has in its table of aliases, so that it never looks for a file of that name.
bool is_known(const std::string& name) {
  constexpr std::size_t longest = 40;  // as in the registry of names
  auto allowed = [](char c) {
    return ascii::is_alnum(c) || std::string_view("-_.:()+").contains(c);
  };
  if (name.empty() || name.size() > longest || !std::ranges::all_of(name, allowed)) return false;
  UErrorCode error = U_ZERO_ERROR;
  return ucnv_countAliases(name.c_str(), &error) > 0 && U_SUCCESS(error);
}

}  // namespace

SearchCharset::SearchCharset() = default;
SearchCharset::SearchCharset(SearchCharset&&) noexcept = default;
SearchCharset& SearchCharset::operator=(SearchCharset&&) noexcept = default;
SearchCharset::~SearchCharset() = default;

void SearchCharset::Close::operator()(UConverter* converter) const {
  ucnv_close(converter);
}

Result<SearchCharset> SearchCharset::open(const std::string& name) {
  SearchCharset charset;
  for (std::string_view utf8 : {"UTF-8", "US-ASCII", "ASCII", "UTF8"})
    if (ascii::equal_ignoring_case(name, utf8)) return charset;
  UErrorCode error = U_ZERO_ERROR;
  if (is_known(name)) charset.converter_.reset(ucnv_open(name.c_str(), &error));
  if (charset.converter_ == nullptr || U_FAILURE(error))
    return fail(Errc::unavailable, "unknown charset");
  ucnv_setToUCallBack(charset.converter_.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr,
                      &error);
  return charset;
}

Result<std::string> SearchCharset::to_utf8(std::string text) const {
  auto wrong = [] { return fail(Errc::invalid, "a text is not in the charset of the search"); };
  if (converter_ == nullptr) {
    if (!is_utf8(text)) return wrong();
    return text;
  }
  // No charset has more than a few characters in one byte.
  constexpr std::size_t growth = 8;
  if (text.size() > std::numeric_limits<std::int32_t>::max() / growth) return wrong();
  auto size = static_cast<std::int32_t>(text.size());
  UErrorCode error = U_ZERO_ERROR;
  auto needed =
      ucnv_toAlgorithmic(UCNV_UTF8, converter_.get(), nullptr, 0, text.data(), size, &error);
  if (U_FAILURE(error) && error != U_BUFFER_OVERFLOW_ERROR) return wrong();
  std::string utf8(static_cast<std::size_t>(needed), '\0');
  error = U_ZERO_ERROR;
  ucnv_toAlgorithmic(UCNV_UTF8, converter_.get(), utf8.data(), needed, text.data(), size, &error);
  if (U_FAILURE(error) || !is_utf8(utf8)) return wrong();
  return utf8;
}

}  // namespace todoke::imap
