#include "crypto/saslprep.h"

#include "base/assert.h"

#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace todoke::crypto {
namespace {

// Enough for any name or password; bounds what NFKC may expand (up to 18 times).
constexpr std::size_t max_text = 4096;

const UStringPrepProfile* rfc4013() {
  // ICU's own table, opened once, shared by all threads and never closed.
  static const UStringPrepProfile* profile = [] {
    UErrorCode status = U_ZERO_ERROR;
    auto* opened = usprep_openByType(USPREP_RFC4013_SASLPREP, &status);
    TODOKE_ASSERT(U_SUCCESS(status));
    return opened;
  }();
  return profile;
}

bool is_printable_ascii(char c) {
  return c >= ' ' && c < 127;
}

std::string to_utf8(const std::u16string& text) {
  std::string out(text.size() * 3, '\0');
  std::int32_t length = 0;
  UErrorCode status = U_ZERO_ERROR;
  u_strToUTF8(out.data(), static_cast<std::int32_t>(out.size()), &length, text.data(),
              static_cast<std::int32_t>(text.size()), &status);
  TODOKE_ASSERT(U_SUCCESS(status));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

}  // namespace

Result<std::string> saslprep(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid, "empty text");
  if (text.size() > max_text) return fail(Errc::over_limit, "text too long");
  if (std::ranges::all_of(text, is_printable_ascii)) return std::string(text);

  UErrorCode status = U_ZERO_ERROR;
  std::u16string wide(text.size(), u'\0');
  std::int32_t length = 0;
  u_strFromUTF8(wide.data(), static_cast<std::int32_t>(wide.size()), &length, text.data(),
                static_cast<std::int32_t>(text.size()), &status);
  if (U_FAILURE(status)) return fail(Errc::invalid, "not UTF-8");
  wide.resize(static_cast<std::size_t>(length));

  constexpr std::size_t largest_expansion = 18;
  std::u16string prepared(wide.size() * largest_expansion, u'\0');
  UParseError where{};
  length = usprep_prepare(rfc4013(), wide.data(), static_cast<std::int32_t>(wide.size()),
                          prepared.data(), static_cast<std::int32_t>(prepared.size()),
                          USPREP_ALLOW_UNASSIGNED, &where, &status);
  if (U_FAILURE(status)) return fail(Errc::invalid, "a character that SASLprep prohibits");
  if (length == 0) return fail(Errc::invalid, "nothing left after SASLprep");
  prepared.resize(static_cast<std::size_t>(length));
  return to_utf8(prepared);
}

}  // namespace todoke::crypto
