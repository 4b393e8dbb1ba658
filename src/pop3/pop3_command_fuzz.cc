#include "base/ascii.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "pop3/command.h"

#include <algorithm>
#include <cstdint>

using namespace todoke;

// Names and passwords are what was sent, and a refusal is fit to be sent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto command = pop3::parse_command(input);
  if (!command) {
    const auto& text = command.error().text;
    TODOKE_ASSERT(is_ascii(text) && std::ranges::none_of(text, ascii::is_control));
    TODOKE_ASSERT(!text.empty() && text.size() < 100);
  } else if (auto* pass = std::get_if<pop3::Pass>(&*command)) {
    TODOKE_ASSERT(input.substr(5) == pass->password && !pass->password.empty());
  } else if (auto* user = std::get_if<pop3::User>(&*command)) {
    TODOKE_ASSERT(!user->name.empty() && input.contains(user->name));
  } else if (auto* retr = std::get_if<pop3::Retr>(&*command)) {
    TODOKE_ASSERT(retr->message > 0);
  }
  return 0;
}
