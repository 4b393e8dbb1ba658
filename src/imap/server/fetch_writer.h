#pragma once

#include "imap/syntax/fetch_item.h"
#include "mime/structure.h"
#include "store/mailbox.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// The parts of a FETCH answer that follow from a message's facts alone.  Pure.
namespace todoke::imap {

// Facts that an item needs.
store::FactSet facts_for(const FetchItem& item);

// "BODY" or "BODYSTRUCTURE" with the extension data.  RFC 9051 §7.5.2.
enum class Extensions { no, yes };
void write_body_structure(std::string& out, const mime::Structure& structure, Extensions with);

// Octets of a message, [begin, end).
struct OctetRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
};
// Where a section stands; nothing: the message has no such part.  For header_fields and
// header_fields_not the header that they are chosen from.  `size` is the whole message's.
std::optional<OctetRange> find_section(const mime::Structure& structure, const Section& section,
                                       std::uint64_t size);
// The body part that a section means; -1 for the message itself; nothing: no such part.
std::optional<int> find_part(const mime::Structure& structure,
                             const std::vector<std::uint32_t>& path);

// The header fields that a section names, or does not name, with the blank line.  RFC 9051
// §6.4.5.1.
std::string select_fields(std::string_view header, const Section& section);

}  // namespace todoke::imap
