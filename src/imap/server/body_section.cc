#include "base/ascii.h"
#include "imap/server/fetch_writer.h"
#include "mime/header.h"

#include <algorithm>

namespace todoke::imap {

store::FactSet facts_for(const FetchItem& item) {
  using Kind = FetchItem::Kind;
  switch (item.kind) {
    case Kind::uid:
    case Kind::flags:
    case Kind::rfc822_size:
    case Kind::mod_seq:
      return 0;
    case Kind::internal_date:
      return store::fact_date;
    case Kind::envelope:
      return store::fact_envelope;
    case Kind::body:
    case Kind::body_structure:
      return store::fact_structure;
    case Kind::save_date:
      return store::fact_saved;
    case Kind::email_id:
    case Kind::thread_id:
      return store::fact_thread;
    case Kind::preview:
      return store::fact_preview;
    case Kind::section: {
      bool whole = item.section.part.empty() && item.section.what == Section::What::everything;
      return whole ? store::fact_body : store::fact_body | store::fact_structure;
    }
    case Kind::binary:
    case Kind::binary_size:
      return store::fact_body | store::fact_structure;
  }
  return 0;
}

// RFC 9051 §6.4.5.1: parts of a multipart count from 1; what is no multipart has itself as part 1;
// the parts of a message within a message are those of its body.
std::optional<int> find_part(const mime::Structure& structure,
                             const std::vector<std::uint32_t>& path) {
  int current = 0;
  bool is_message = true;  // its body may be asked for as its part 1
  for (auto number : path) {
    const auto* part = &structure.parts[static_cast<std::size_t>(current)];
    if (part->is_message() && !is_message) {
      current = structure.children(current).front();
      part = &structure.parts[static_cast<std::size_t>(current)];
      is_message = true;
    }
    if (part->is_multipart()) {
      auto children = structure.children(current);
      if (number == 0 || number > children.size()) return {};
      current = children[number - 1];
      is_message = false;
    } else {
      if (number != 1 || !is_message) return {};
      is_message = false;
    }
  }
  return current;
}

std::optional<OctetRange> find_section(const mime::Structure& structure, const Section& section,
                                       std::uint64_t size) {
  using What = Section::What;
  auto found = find_part(structure, section.part);
  if (!found) return {};
  auto at = [&](int index) -> const mime::Part& {
    return structure.parts[static_cast<std::size_t>(index)];
  };
  const auto* part = &at(*found);
  if (section.part.empty()) {
    if (section.what == What::everything) return OctetRange{0, size};
    if (section.what == What::text) return OctetRange{part->body_begin, size};
    return OctetRange{0, part->body_begin};
  }
  if (section.what == What::everything) return OctetRange{part->body_begin, part->body_end};
  if (section.what == What::mime) return OctetRange{part->header_begin, part->body_begin};
  if (!part->is_message()) return {};
  const auto& inner = at(structure.children(*found).front());
  if (section.what == What::text) return OctetRange{inner.body_begin, inner.body_end};
  return OctetRange{inner.header_begin, inner.body_begin};
}

std::string select_fields(std::string_view header, const Section& section) {
  bool wanted = section.what == Section::What::header_fields;
  std::string chosen;
  for (const auto& field : mime::split_header(header)) {
    bool named = std::ranges::any_of(section.fields, [&](const auto& name) {
      return ascii::equal_ignoring_case(name, field.name);
    });
    if (named == wanted) chosen += header.substr(field.begin, field.end - field.begin);
  }
  return chosen + "\r\n";
}

}  // namespace todoke::imap
