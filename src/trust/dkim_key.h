#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "crypto/signing_key.h"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// When a domain's DKIM keys sign and what DNS must say of them, without any database.
//
//   created_at       active_from        retired_at          + dkim_record_kept
//       │   waiting       │     active      │      retired        │   gone
//       └──── the DNS record must be there ─┴─────────────────────┘
namespace todoke::trust {

// The public side of a key.
struct DkimKey {
  std::string domain;  // A-labels, lower case
  std::string selector;
  crypto::KeyAlgorithm algorithm = crypto::KeyAlgorithm::rsa;
  std::string public_key;  // crypto::SigningKey::public_key
  Time created_at;
  Time active_from;
  std::optional<Time> retired_at;
  friend bool operator==(const DkimKey&, const DkimKey&) = default;
};

enum class DkimKeyState {
  waiting,  // its record is being published
  active,   // it signs, if no newer one of its algorithm does
  retired,  // it signs no more; mail that it signed may be on its way
  gone,     // its record may be taken out of DNS
};

// How long a record is needed after the last signature: the longest that mail stays in queues, and
// then some.
constexpr auto dkim_record_kept = std::chrono::days(7);
// How long after its making a new key begins to sign, unless somebody says otherwise: for the
// record to be entered, and for "there is none" to leave the caches.
constexpr auto dkim_publishing_time = std::chrono::days(2);

DkimKeyState state_of(const DkimKey& key, Time now);

// The keys that sign at that time, one for each algorithm, RSA first.  Borrowed from `keys`.
std::vector<const DkimKey*> signing_keys(std::span<const DkimKey> keys, Time now);

// What is to be written down together.
struct DkimRotation {
  std::vector<DkimKey> fresh;         // one for each algorithm, as yet without public_key
  std::vector<std::string> retiring;  // selectors of the keys that end when these begin
};

// The first keys of a domain; `keys` are all that it ever had.  Errc::conflict: it has some
// already.
Result<DkimRotation> plan_first_keys(std::string_view domain, std::span<const DkimKey> keys,
                                     Time now, std::chrono::microseconds publishing_time);

// New keys after those that sign now.  Errc::not_found: none does; Errc::conflict: others wait
// already.
Result<DkimRotation> plan_rotation(std::string_view domain, std::span<const DkimKey> keys, Time now,
                                   std::chrono::microseconds publishing_time);

struct DkimRecord {
  std::string name;   // without a dot at the end
  std::string value;  // of the TXT record, as one text
  friend bool operator==(const DkimRecord&, const DkimRecord&) = default;
};

// RFC 6376 §3.6.1, RFC 8463 §4.
DkimRecord dkim_record(const DkimKey& key);

// The records that must be in DNS now.
std::vector<DkimRecord> dkim_records(std::span<const DkimKey> keys, Time now);

// A line of a zone file (RFC 1035 §5.1), the value cut into strings of at most 255 bytes.
std::string zone_line(const DkimRecord& record);

}  // namespace todoke::trust
