#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The mbox file, RFC 4155 with the quoting of mboxrd: each message stands below a line "From …",
// ends with an empty line, and of its own lines those of the form ">*From " have one more ">".
// Flags stand in the header fields Status and X-Status, keywords in X-Keywords.
namespace todoke::transfer {

// What stands beside the bytes of a message in files of other programs.
struct Marks {
  unsigned flags = 0;    // store::Flag bits
  std::string keywords;  // lower case, sorted, separated by spaces
  std::optional<Time> internal_date;
  bool operator==(const Marks&) const = default;
};

// Lower case, sorted, each once; what could not be an IMAP keyword is left out.
std::string tidy_keywords(std::string_view text);

// Cuts a file of any size, given in pieces, into messages.  Memory is bounded; time is linear.
// A "From " line counts only at the start or below an empty line, and if it holds a date: so
// messages of careless writers stay whole.
class MboxReader {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    // `offset` of the From line in the file.
    virtual void begin(std::uint64_t offset, std::optional<Time> date) = 0;
    // Bytes of the message, quoting undone, line ends as they are.
    virtual void body(std::string_view bytes) = 0;
    virtual void end() = 0;
  };
  explicit MboxReader(Sink& sink) : sink_(sink) {}

  // Errc::invalid: the file does not begin like an mbox.
  Result<> feed(std::string_view bytes);
  Result<> finish();

 private:
  Result<> take_line_start(bool whole);
  void pass(std::string_view bytes);
  void begin_message(std::string_view line);

  Sink& sink_;
  std::string line_;     // the beginning of a line, until it is known what it is
  bool inside_ = false;  // the rest of the current line just passes through
  bool open_ = false;    // a message has begun
  bool after_blank_ = true;
  std::string blank_;  // an empty line that may belong to the message or to the file
  std::uint64_t offset_ = 0;
  std::uint64_t line_offset_ = 0;
};

// Takes the header fields Status, X-Status, X-Keywords, and those of UIDs, out of a message in
// pieces, and reads marks from them: the first of each name only, since a second one came with the
// message.
class StatusFilter {
 public:
  // What is passed on is appended to `out`.
  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);
  const Marks& marks() const { return marks_; }

 private:
  bool take(std::string_view line);
  std::string line_;
  bool in_header_ = true;
  unsigned seen_ = 0;  // bits of the names met
  std::size_t header_bytes_ = 0;
  Marks marks_;
};

// Writes one message, given with CRLF in pieces; line ends become LF.
class MboxWriter {
 public:
  // Begins a message: From line and status fields, appended to `out`.
  void begin(const Marks& marks, std::string& out);
  void body(std::string_view bytes, std::string& out);
  void end(std::string& out);

 private:
  std::string line_start_;  // bytes of a line's beginning that may need a ">"
  bool at_start_ = true;
  bool cr_ = false;
  char last_ = '\n';
  void put(char c, std::string& out);
};

}  // namespace todoke::transfer
