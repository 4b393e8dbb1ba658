#include "base/assert.h"
#include "dns/name.h"
#include "dns/records.h"

#include <cstdint>

using namespace todoke;

// What was read is written and read again as the same, and no text has a byte that could harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (auto mx = dns::parse_mx(input)) TODOKE_ASSERT(dns::parse_mx(*dns::mx_data(*mx)) == *mx);
  if (auto text = dns::parse_txt(input))
    TODOKE_ASSERT(dns::parse_txt(dns::txt_data(*text)) == *text);
  if (auto tlsa = dns::parse_tlsa(input)) TODOKE_ASSERT(dns::tlsa_data(*tlsa) == input);
  if (auto address = dns::parse_address(input))
    TODOKE_ASSERT(dns::address_data(*address) == input && dns::reverse_name(*address));
  for (const auto& name :
       {dns::parse_name(input), dns::normal_name(input), dns::domain_to_ask(input)}) {
    if (!name) continue;
    TODOKE_ASSERT(dns::normal_name(*name) == *name);
    for (char c : *name) TODOKE_ASSERT(c > ' ' && c <= '~');
    TODOKE_ASSERT(dns::parse_name(*dns::name_data(*name)) == *name);
  }
  return 0;
}
