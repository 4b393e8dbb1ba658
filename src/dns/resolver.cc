#include "dns/resolver.h"

#include "base/assert.h"

namespace todoke::dns {

const char* to_text(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::cname:
      return "CNAME";
    case Type::ptr:
      return "PTR";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::tlsa:
      return "TLSA";
  }
  TODOKE_ASSERT(false);
  return "";
}

}  // namespace todoke::dns
