#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace todoke::smtp {

// What is wrong with a message's lines, seen while it was received.
struct LineFaults {
  bool bare_cr = false;    // a CR that no LF follows
  bool bare_lf = false;    // an LF that no CR precedes
  bool nul = false;        // neither 7bit nor 8bit data has one, RFC 2045 §2.7, RFC 2045 §2.8
  bool long_line = false;  // over 998 bytes and CRLF, RFC 5321 §4.5.3.1.6

  friend bool operator==(const LineFaults&, const LineFaults&) = default;
};

// Looks for those faults in bytes that arrive in pieces: in BDAT chunks (RFC 3030 §2) as they are,
// in DATA through DataReader.
class LineChecker {
 public:
  // Checks as many of the bytes as belong to the current line, its CRLF included, and answers how
  // many those are.
  std::size_t take_line(std::string_view bytes);
  void take_all(std::string_view bytes);
  // To be called after the last byte: a CR at the very end is bare.
  void finish();

  // After CRLF, or before the first byte.
  bool at_line_start() const { return line_length_ == 0; }
  const LineFaults& faults() const { return faults_; }

 private:
  LineFaults faults_;
  std::uint64_t line_length_ = 0;
  bool after_cr_ = false;
};

// Decodes the DATA phase (RFC 5321 §4.5.2) and POP3's multi-line responses (RFC 1939 §3) from
// whatever pieces the network gives.  Only CRLF.CRLF ends the message (rule R1): a dot line with a
// bare CR or LF at either end is text.  Bare line ends are passed on and noted, and reading goes on
// to the true end, so that the session stays in step and refuses the message with its last reply.
// The sending half is todoke::DotStuffer.
class DataReader {
 public:
  struct Piece {
    std::string_view
        text;  // bytes of the message: perhaps none; a view into the input, or a constant
    std::size_t consumed = 0;  // how much of the input was used
  };

  // Decodes the beginning of `input`.  Call again with what is left until `ended()` or nothing is
  // left; once ended, it consumes nothing, so the rest of the input is the client's next command.
  Piece next(std::string_view input);

  // Decodes as much of `input` as belongs to the message and appends it to `out`.  Answers how many
  // bytes of `input` were used: all of them unless the message ended.
  std::size_t read(std::string_view input, std::string& out);

  bool ended() const { return at_ == At::end; }
  // Bytes of message text so far; they are what SIZE limits (RFC 1870 §5).
  std::uint64_t size() const { return size_; }
  const LineFaults& faults() const { return checker_.faults(); }

 private:
  enum class At {
    text,    // in a line or at its start
    dot,     // after CRLF and a dot, which is not part of the text
    dot_cr,  // after that and a CR, which is held back
    end,     // after CRLF.CRLF
  };

  std::size_t take_text(std::string_view input);

  At at_ = At::text;
  std::uint64_t size_ = 0;
  LineChecker checker_;
};

}  // namespace todoke::smtp
