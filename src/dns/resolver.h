#pragma once

#include "base/result.h"
#include "base/task.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace todoke::dns {

// The types of records that mail asks for (RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 6698 §7.1).
enum class Type : std::uint16_t {
  a = 1,
  cname = 5,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  tlsa = 52
};

// "MX"
const char* to_text(Type type);

// What the DNS says about a name and a type.
struct Answer {
  enum class Status {
    found,    // there are records
    no_data,  // the name exists, without records of this type
    no_name,  // the name does not exist (NXDOMAIN)
  };
  Status status = Status::no_name;
  // Validated by DNSSEC, with every CNAME on the way; also said of no_data and no_name.
  bool secure = false;
  // What the records stand under, or do not, after CNAMEs: in the form of normal_name().
  std::string name;
  // RDATA in wire form, names uncompressed; dns/records.h reads it.  Not empty when found.
  std::vector<std::string> records;
  // How long this may be remembered.
  std::chrono::seconds ttl{0};
};

// Asks the DNS.  One for the whole process; it remembers answers, so ask again rather than keep
// them.  Any thread.
class Resolver {
 public:
  virtual ~Resolver() = default;

  // Follows CNAMEs.  `name` may have capitals and a final dot.
  // Errors: invalid: no name could look so.  unavailable: no answer, SERVFAIL, or an answer that
  // fails DNSSEC; the text says which.  Trouble is never told as "no such name".
  [[nodiscard]] virtual Task<Result<Answer>> resolve(std::string name, Type type) = 0;
};

}  // namespace todoke::dns
