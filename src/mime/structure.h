#pragma once

#include "base/result.h"
#include "mime/envelope.h"
#include "mime/limits.h"
#include "mime/parameter.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::mime {

// One body part, or the message itself.  Offsets count bytes from the start of the message; the
// body of a part within a multipart does not include the line end that belongs to the boundary
// behind it (RFC 2046 §5.1.1).
struct Part {
  int parent = -1;  // index of the part that holds this one; always smaller than its own

  std::string type = "text";      // lower case
  std::string subtype = "plain";  // lower case
  Parameters parameters;
  std::optional<std::string> content_id;  // these are unfolded and not decoded
  std::optional<std::string> description;
  std::string encoding = "7bit";  // Content-Transfer-Encoding, lower case
  std::string disposition;        // lower case; empty: none
  Parameters disposition_parameters;
  std::vector<std::string> languages;
  std::optional<std::string> location;
  std::optional<std::string> md5;

  std::uint64_t header_begin = 0;
  std::uint64_t body_begin = 0;
  std::uint64_t body_end = 0;
  // Lines of the body; the last counts even if it has no line end.
  std::uint64_t lines = 0;

  // Of the message inside, when this part is one and was looked into.
  std::optional<Envelope> envelope;

  // The body was not looked into although the type says that it has parts: no boundary was given or
  // found, it is encoded, or a limit was reached.  Show and send it as application/octet-stream.
  bool opaque = false;

  std::uint64_t size() const { return body_end - body_begin; }
  // Has children: at least one.
  bool is_multipart() const { return type == "multipart" && !opaque; }
  // Has exactly one child, the message inside, whose header begins where this body begins.
  bool is_message() const { return envelope.has_value(); }
  // The disposition's file name or else the type's, UTF-8; empty if there is none.
  std::string file_name() const;

  friend bool operator==(const Part&, const Part&) = default;
};

// What a message consists of.
struct Structure {
  // The message itself is part 0; children stand behind their parents, in the order of the message.
  std::vector<Part> parts;
  // A limit of limits.h was exceeded, and the rest is opaque.
  bool truncated = false;

  // Three things that the parser has at hand and that the stored form leaves out: the header block
  // of the message itself, without the blank line behind it, the envelope made from it, and whether
  // the message ends with CRLF or is empty.
  std::string header;
  Envelope envelope;
  bool final_crlf = true;

  std::vector<int> children(int part) const;
};

// Reads a message of any size in chunks of any size; the result does not depend on the chunks.
// Bodies flow through: memory holds the current header block and the parts so far, all limited by
// limits.h. Time is linear.  Everything is a message: an empty one, one without a blank line, one
// whose last boundary is missing.
class StructureParser {
 public:
  StructureParser();

  void feed(std::string_view chunk);
  // The end of the message.  The parser is used up.
  Structure finish();

 private:
  struct OpenMultipart {
    int part;
    std::string boundary;
  };
  // What the lines at hand belong to.
  enum class State {
    header,
    body,   // or a multipart's preamble or epilogue: boundaries count
    opaque  // boundaries do not count any more
  };
  struct Line {
    std::string_view raw;   // with its end; only the beginning of a line that is too long to matter
    std::string_view text;  // without its end
    std::uint64_t length;   // of the whole line, end included
    int end;                // bytes of the line end: 2, 1, or 0 at the end of the message
  };
  struct Boundary {
    std::size_t level;  // in open_
    bool closes;
  };

  void note_end(std::string_view chunk);
  void take_piece(std::string_view piece, bool whole);
  void take_line(const Line& line);
  std::optional<Boundary> find_boundary(const Line& line) const;
  void take_boundary(Boundary boundary);
  bool take_header_line(const Line& line);
  void end_header(std::uint64_t body_begin, std::uint64_t lines_before);
  void read_header();
  void enter_body();
  void begin_part(int parent, std::uint64_t offset);
  void close_parts(int until, std::uint64_t end, std::uint64_t lines_before);
  Part& current() { return result_.parts[static_cast<std::size_t>(current_)]; }

  Structure result_;
  State state_ = State::header;
  int current_ = 0;  // the part whose header or body we are in; -1 when all are closed
  std::vector<std::size_t> depths_;  // by part
  std::vector<bool> has_children_;   // by part
  std::vector<OpenMultipart> open_;  // innermost last
  std::string block_;                // header lines of `current_`
  bool block_has_field_ = false;
  std::size_t header_left_ = max_header_bytes;
  std::size_t addresses_left_ = max_nested_addresses;

  std::string line_;              // the beginning of an unfinished line, as far as it matters
  char last_byte_ = '\0';         // of that line
  std::array<char, 2> end_{};     // the last two bytes so far
  std::uint64_t line_begin_ = 0;  // offset
  std::uint64_t offset_ = 0;
  std::uint64_t line_feeds_ = 0;    // before the current line
  std::uint64_t previous_end_ = 0;  // bytes of the line end before the current line
  bool previous_is_empty_ = true;   // that line had nothing else
};

// A whole message at once.
Structure parse_structure(std::string_view message);

// The stored form, with a version in front; `header` and `envelope` are not in it.  decode answers
// `corrupt` for anything that encode cannot have written.
std::string encode(const Structure& structure);
Result<Structure> decode_structure(std::string_view bytes);

}  // namespace todoke::mime
