#pragma once

#include "base/clock.h"
#include "blob/store.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The things of the mailbox model, as values.
namespace todoke::store {

// Message flags as bits of placement.flags.  RFC 9051 §2.3.2.
enum Flag : unsigned {
  flag_seen = 1,
  flag_answered = 2,
  flag_flagged = 4,
  flag_deleted = 8,
  flag_draft = 16,
};

// The flags as IMAP spells them, in the order in which it tells them.
inline constexpr std::array<std::pair<unsigned, std::string_view>, 5> flag_names{
    {{flag_answered, "\\Answered"},
     {flag_flagged, "\\Flagged"},
     {flag_deleted, "\\Deleted"},
     {flag_seen, "\\Seen"},
     {flag_draft, "\\Draft"}}};
// In any case; 0 for anything else.
unsigned flag_from_name(std::string_view name);

// What a mailbox is for.  RFC 6154 §2, RFC 8457 §3.
enum class Role { none, inbox, sent, drafts, trash, junk, archive };
std::string_view role_name(Role role);  // "inbox"; empty for none
Role role_from_name(std::string_view name);

// The name that a new account's mailbox of this role gets: Japanese for "ja", else English.
std::string_view default_name(Role role, std::string_view locale);

// A mailbox name in the form in which names are kept: composed (NFC).
std::string composed_name(const std::string& name);

// Every account has an INBOX, and it is mailbox 1.
constexpr std::int64_t inbox_id = 1;

// What a mailbox handle may be used for.
enum Right : unsigned { right_read = 1, right_insert = 2, right_expunge = 4, right_flags = 8 };
using Rights = unsigned;

struct MailboxInfo {
  std::int64_t id = 0;
  std::string name;  // UTF-8, "/" between levels
  Role role = Role::none;
  std::uint32_t uidvalidity = 0;
  std::uint32_t uidnext = 0;
  std::int64_t highestmodseq = 0;
  std::int64_t message_count = 0;
  std::int64_t unseen_count = 0;
  std::int64_t size_bytes = 0;
  bool subscribed = true;
  std::optional<Time> deleted_at;
  std::string keywords;  // that its messages ever had, sorted, separated by blanks
};

// A mailbox to be made.
struct NewMailbox {
  std::string name;  // UTF-8, "/" between levels, which need not exist
  Role role = Role::none;
  bool subscribed = true;
};

// What is known of a message from parsing it once, in the forms the store keeps.
struct Parsed {
  std::string envelope;    // mime::encode(Envelope)
  std::string structure;   // mime::encode(Structure)
  std::string preview;     // first words of the text, UTF-8, at most 200 characters
  bool final_crlf = true;  // as mime::Structure has it
};

// Columns that a migration or an import sets; a delivery leaves them empty.
struct Identity {
  std::optional<std::uint32_t> uid;  // must not be below the mailbox's UIDNEXT
  std::optional<std::int64_t> modseq;
  std::optional<std::string> pop3_uidl;
  std::optional<std::int64_t> pop3_seq;
  std::optional<std::int64_t> pop3_size;  // nothing: the octets that POP3 sends of it
};

// A message on its way into a mailbox.  Strings are borrowed for the call.
struct NewMessage {
  std::int64_t id = 0;  // unique in the installation, from IdGenerator
  std::int64_t blob_id = 0;
  std::int64_t size = 0;
  Time internal_date{};
  Time received_at{};
  std::string_view origin;  // "smtp", "submission", "append", "import"
  const Parsed* parsed = nullptr;
  unsigned flags = 0;
  std::string_view keywords;  // lower case, sorted, separated by spaces
  Identity identity;
};

// A message with all that makes its identity.
struct MessageImage {
  std::int64_t id = 0;
  std::uint32_t uid = 0;
  unsigned flags = 0;
  std::string keywords;
  Time internal_date{};
  std::string pop3_uidl;
  std::int64_t pop3_seq = 0;
  std::optional<std::int64_t> pop3_size;
  blob::Location body;
};

// Where a message went.
struct Placed {
  std::int64_t mailbox_id = 0;
  std::uint32_t uidvalidity = 0;
  std::uint32_t uid = 0;
  std::int64_t modseq = 0;
  std::int64_t used_bytes = 0;  // of the account, with this message
};

}  // namespace todoke::store
