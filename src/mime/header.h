#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Header blocks (RFC 5322 §2.2, RFC 6532): cutting into fields, nothing more.
namespace todoke::mime {

// What one line of a header block is.
enum class HeaderLine {
  field,         // begins a field
  continuation,  // white space at its start: belongs to the field above
  envelope,      // "From " or ">From ", which mbox files leave above the first field
  blank,         // ends the block
  other          // belongs to no header: the blank line is missing and the body has begun
};
// `line` may have its line end or not.
HeaderLine classify_header_line(std::string_view line);

// One field.  The views point into the block; offsets count from its start.
struct HeaderField {
  std::string_view name;       // as written, without white space before the colon
  std::string_view raw_value;  // behind the colon, folds included, without the last line end
  std::size_t begin = 0;       // of the name
  std::size_t end = 0;         // behind the last line end
};

// The fields of a block, at most max_header_fields, until it ends or the text does.  Lines may end
// in CRLF or LF.  The text must outlive the result.
std::vector<HeaderField> split_header(std::string_view block);

// The first field of that name, in any case; null when there is none.
const HeaderField* find_field(const std::vector<HeaderField>& fields, std::string_view name);

// The value without folds and without white space at its ends: every CR, LF and NUL is gone, so
// that it can be an IMAP string (RFC 5322 §2.2.3).
std::string unfold(std::string_view raw_value);

// The value as people read it: unfolded, encoded words decoded, UTF-8.
std::string header_text(std::string_view raw_value);

}  // namespace todoke::mime
