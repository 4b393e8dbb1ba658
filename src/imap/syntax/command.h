#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "imap/syntax/fetch_item.h"
#include "imap/syntax/search_key.h"
#include "imap/syntax/sequence_set.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// Syntax of IMAP commands: RFC 9051 §9, RFC 3501 §9 and the extensions named at each struct.  Pure:
// bytes in, values out, linear time, memory bounded by the length of the command and the limits
// below.  Whether a command is allowed now, the session decides.
namespace todoke::imap {

constexpr std::size_t max_search_keys = 1000;  // nodes of one SEARCH
constexpr std::size_t max_search_depth = 20;
constexpr std::size_t max_fetch_items = 200;
constexpr std::size_t max_part_depth = 50;
constexpr std::size_t max_header_fields = 200;  // named in one section
constexpr std::size_t max_flags = 100;          // named in one command
constexpr std::size_t max_list_patterns = 50;

// Mailbox names are bytes as they came: name_from_wire() makes text of them.
using WireName = std::string;
// Flags as written: "\Seen" (in the RFC's capitals, whatever the client typed) or a keyword.
// "\Recent" is an error, a flag that begins with "\" and is none of the RFC's too.
using FlagList = std::vector<std::string>;
enum class Numbers { sequence, uid };

struct Capability {};
struct Noop {};
struct Logout {};
// RFC 2971.  NIL is no pairs.  At most 30, field names of 30 and values of 1,024 octets.
struct Id {
  std::vector<std::pair<std::string, std::optional<std::string>>> parameters;
};
struct StartTls {};
struct Authenticate {
  std::string mechanism;               // upper case
  std::optional<std::string> initial;  // decoded; "=" gives an empty one.  RFC 4959
};
struct Login {
  std::string user;
  std::string password;
};
struct Unauthenticate {};  // RFC 8437
struct Enable {
  std::vector<std::string> capabilities;  // upper case
};
// RFC 7162 §3.2.5.
struct QuickResync {
  std::uint32_t uid_validity = 0;
  std::uint64_t mod_seq = 0;
  std::optional<SequenceSet> known_uids;
  // Message sequence match data: numbers and the UIDs they had.
  std::optional<std::pair<SequenceSet, SequenceSet>> known_numbers;
};
struct Select {
  WireName mailbox;
  bool examine = false;
  bool condstore = false;
  std::optional<QuickResync> qresync;
};
struct Create {
  WireName mailbox;
  std::vector<std::string> uses;  // "\Sent" …, RFC 6154 §3
};
struct Delete {
  WireName mailbox;
};
struct Rename {
  WireName from;
  WireName to;
};
struct Subscribe {
  WireName mailbox;
};
struct Unsubscribe {
  WireName mailbox;
};

// What STATUS can tell, as bits.  RFC 9051 §6.3.11, RFC 3501 §6.3.10, RFC 7162 §3.1.7, RFC 7889
// §3.2, RFC 8474 §4.3.
enum StatusItem : unsigned {
  status_messages = 1,
  status_uid_next = 2,
  status_uid_validity = 4,
  status_unseen = 8,
  status_deleted = 16,
  status_size = 32,
  status_recent = 64,
  status_highest_mod_seq = 128,
  status_mailbox_id = 256,
  status_append_limit = 512,
  status_deleted_storage = 1024,  // RFC 9208 §4.1.4
};
using StatusItems = unsigned;

// RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154.
struct List {
  std::string reference;
  std::vector<std::string> patterns;
  bool extended = false;  // has selection or return options, or patterns in parentheses
  bool select_subscribed = false;
  bool select_special_use = false;
  bool select_recursive_match = false;
  bool return_subscribed = false;
  bool return_children = false;
  bool return_special_use = false;
  StatusItems return_status = 0;
};
struct Lsub {
  std::string reference;
  std::string pattern;
};
struct Namespace {};
struct Status {
  WireName mailbox;
  StatusItems items = 0;
};
// What stands before each message of an APPEND: " (\Seen) "01-Jan-2026 00:00:00 +0900" ".
struct AppendOptions {
  FlagList flags;
  std::optional<Time> internal_date;
};
// The first line of APPEND up to its message, which is not part of the text that is parsed.  A
// literal that ends a line is the message if what stands before it parses as this; else it is an
// argument like any other, the mailbox's name.
struct Append {
  WireName mailbox;
  AppendOptions options;  // of the first message
};
struct Idle {};
struct Check {};
struct Close {};
struct Unselect {};
struct Expunge {
  std::optional<SequenceSet> uids;  // UID EXPUNGE, RFC 4315
};
// RFC 9051 §6.4.4, RFC 4731, RFC 5182.
struct Search {
  Numbers numbers = Numbers::sequence;
  bool extended = false;  // has RETURN: answered by ESEARCH
  bool min = false, max = false, all = false, count = false, save = false;
  bool unknown_charset = false;  // one that we cannot read: NO [BADCHARSET], and there is no key
  SearchKey key;                 // of kind `both`
};
struct Fetch {
  Numbers numbers = Numbers::sequence;
  SequenceSet set;
  std::vector<FetchItem> items;  // macros are written out; each kind of plain item once
  std::optional<std::uint64_t> changed_since;  // RFC 7162 §3.1.4.1
  bool vanished = false;                       // RFC 7162 §3.2.6
};
struct Store {
  Numbers numbers = Numbers::sequence;
  SequenceSet set;
  enum class Change { replace, add, remove };
  Change change = Change::replace;
  bool silent = false;
  FlagList flags;
  std::optional<std::uint64_t> unchanged_since;  // RFC 7162 §3.1.3
};
struct Copy {
  Numbers numbers = Numbers::sequence;
  SequenceSet set;
  WireName mailbox;
};
struct Move {  // RFC 6851
  Numbers numbers = Numbers::sequence;
  SequenceSet set;
  WireName mailbox;
};
struct GetQuota {  // RFC 9208
  std::string root;
};
struct GetQuotaRoot {
  WireName mailbox;
};
struct SetQuota {
  std::string root;
};

using Command =
    std::variant<Capability, Noop, Logout, Id, StartTls, Authenticate, Login, Unauthenticate,
                 Enable, Select, Create, Delete, Rename, Subscribe, Unsubscribe, List, Lsub,
                 Namespace, Status, Append, Idle, Check, Close, Unselect, Expunge, Search, Fetch,
                 Store, Copy, Move, GetQuota, GetQuotaRoot, SetQuota>;

struct TaggedCommand {
  std::string tag;
  Result<Command> command;  // the error's text is fit to stand after "tag BAD "
};

// Parses one whole command without its last CRLF, literals inside as "{5}\r\nhello",
// "{5+}\r\nhello". An error of the call itself: there is no tag that an answer could carry, "* BAD"
// it is. For APPEND the text ends before the "{n}" of the message: "a APPEND Drafts (\Seen) ".
// SEARCH strings are in the charset of the command, else in UTF-8.
Result<TaggedCommand> parse_command(std::string_view text);

// The options of the second and later messages of RFC 3502.  `text` begins behind the literal
// before and ends before "{", "~{" or "UTF8 (": begins and ends with a space.
Result<AppendOptions> parse_append_options(std::string_view text);

// The literal that a line ends with, if it does: "{12}", "{12+}" (RFC 7888), "~{12}" (RFC 3516),
// "UTF8 (~{12}" (RFC 9755).
struct LiteralHead {
  std::uint64_t size = 0;     // the largest there is for a number that is larger still
  bool synchronizing = true;  // the client waits for our "+"
  bool binary = false;        // "~": may hold NUL
  bool utf8 = false;          // "UTF8 (": a ")" follows the literal
  // Where it begins in the line: what stands before is `line.substr(0, begin)`.
  std::size_t begin = 0;
};
std::optional<LiteralHead> ending_literal(std::string_view line);

}  // namespace todoke::imap
