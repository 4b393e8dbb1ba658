#pragma once

#include "mime/header.h"
#include "mime/structure.h"
#include "queue/returns/return_parser.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A message laid out for those who decide what it is.
namespace todoke::queue {

struct Material {
  std::string_view message;  // bounded
  bool null_reverse_path = false;
  mime::Structure structure;
  std::vector<mime::HeaderField> header;  // views into `message`

  std::string subject;  // decoded
  std::string subject_lower;
  std::string from_lower;    // decoded; name and address
  std::string from_address;  // of the first sender, lower case
  // What people would read first: the first text, decoded; of HTML only its words.  Ends where the
  // returned mail begins, if that stands in the same text.
  std::string text;
  std::string text_lower;
  std::optional<ReturnedOriginal> original;

  // Unfolded; nothing when the header has no such field.
  std::optional<std::string> field(std::string_view name) const;
  // Index of the first part of that type that belongs to the message itself, not to one inside.
  int find_part(std::string_view type, std::string_view subtype) const;
  std::string part_bytes(int part) const;
  // A program of a mail server wrote it, by the name it gives itself.
  bool from_daemon() const;
};

// `message` must outlive the result.
Material lay_out(std::string_view message, std::string_view reverse_path);

ReturnedOriginal read_original(std::string_view header_block);

// Without angle brackets and white space.
std::string bare_identifier(std::string_view text);

}  // namespace todoke::queue
