#include "base/ascii.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "smtp/syntax/command.h"

#include <algorithm>
#include <cstdint>

using namespace todoke;

// Nothing that a command carries into envelopes, queues and DSNs has control characters, and every
// refusal is one well-formed line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto check = [](std::string_view text) {
    TODOKE_ASSERT(is_utf8(text) && std::ranges::none_of(text, ascii::is_control));
  };
  auto command = smtp::parse_command(input);
  if (!command) {
    auto code = command.error().code;
    auto line = smtp::render(command.error());
    TODOKE_ASSERT(code >= 500 && line.ends_with("\r\n") && line.size() <= 512);
    check(std::string_view(line).substr(0, line.size() - 2));
  } else if (auto* mail = std::get_if<smtp::Mail>(&*command)) {
    check(mail->from.local);
    check(mail->from.domain);
    check(mail->envid.value_or(""));
  } else if (auto* rcpt = std::get_if<smtp::Rcpt>(&*command)) {
    check(rcpt->to.local);
    check(rcpt->to.domain);
    if (rcpt->original_recipient) check(rcpt->original_recipient->address);
  }
  return 0;
}
