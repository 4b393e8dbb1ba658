#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace todoke::imap {

// Which bytes of a message or of one of its parts.  RFC 9051 §6.4.5.1.
struct Section {
  std::vector<std::uint32_t> part;  // 1-based path; empty: the message itself
  enum class What { everything, header, header_fields, header_fields_not, text, mime };
  What what = What::everything;
  std::vector<std::string> fields;  // of header_fields: as written

  friend bool operator==(const Section&, const Section&) = default;
};

// One data item that FETCH asks for.  RFC 9051 §6.4.5, RFC 3516, RFC 7162, RFC 8474, RFC 8514,
// RFC 8970.
struct FetchItem {
  enum class Kind {
    uid,
    flags,
    internal_date,
    rfc822_size,
    envelope,
    body,  // BODY without section: the structure without extension data
    body_structure,
    mod_seq,
    save_date,
    email_id,
    thread_id,
    preview,
    section,  // BODY[…], BODY.PEEK[…], RFC822, RFC822.HEADER, RFC822.TEXT
    binary,   // BINARY[…], BINARY.PEEK[…]
    binary_size,
  };
  Kind kind = Kind::uid;
  Section section;
  struct Partial {
    std::uint64_t offset;
    std::uint64_t length;
    friend bool operator==(const Partial&, const Partial&) = default;
  };
  std::optional<Partial> partial;
  bool peek = true;   // false: fetching sets \Seen
  bool lazy = false;  // PREVIEW (LAZY)
  // How the answer names the item: "UID", "RFC822.HEADER", "BODY[HEADER.FIELDS (DATE)]<0>".
  std::string name;

  friend bool operator==(const FetchItem&, const FetchItem&) = default;
};

}  // namespace todoke::imap
