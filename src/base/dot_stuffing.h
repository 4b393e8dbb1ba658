#pragma once

#include <string>
#include <string_view>

namespace todoke {

// Sends a text that ends with a line holding a single dot: SMTP's DATA (RFC 5321 §4.5.2) and POP3's
// multi-line responses (RFC 1939 §3).  Give the text in any pieces, then finish once.  The
// receiving half is smtp::DataReader.
class DotStuffer {
 public:
  // What becomes of a CR or LF that is not part of a CRLF.
  enum class BareLineEnds {
    to_crlf,  // a line end like any other: what we send to a peer has CRLF only (rule R1)
    keep,  // passed on; a dot is stuffed after a CRLF only, so decoding gives the same bytes back
    keep_guarded,  // passed on; a dot is stuffed after a bare LF too, so that a reader who takes LF
                   // for a line end cannot be shown an end of text that is none
  };
  explicit DotStuffer(BareLineEnds bare) : bare_(bare) {}

  // Appends the encoding of `text` to `out`.
  void encode(std::string_view text, std::string& out);
  // Appends the line end that may be missing and the closing dot line.
  void finish(std::string& out);

 private:
  void put_line(std::string_view line, std::string& out);
  void put(std::string_view text, std::string& out);
  void put_bare(char line_end, std::string& out);
  void end_line(std::string& out);

  BareLineEnds bare_;
  bool line_start_ = true;
  bool dot_is_special_ = true;
  bool held_cr_ = false;  // a piece ended with CR: only the next byte tells what it is
};

// The whole of `text` at once, closing dot line included.
std::string dot_stuff(std::string_view text, DotStuffer::BareLineEnds bare);

}  // namespace todoke
