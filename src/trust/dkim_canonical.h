#pragma once

#include "base/function_ref.h"
#include "crypto/digest_stream.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The canonical forms of RFC 6376 §3.4: what of a message a DKIM signature covers.  Linear, in
// bounded memory.
//
// A CR or LF that is not part of a CRLF counts as a line end, because that is what DotStuffer makes
// of it on the wire; a message that came from another server has none.
namespace todoke::trust {

enum class Canonicalization { simple, relaxed };

// One header field, CRLF at its end included.  `raw_value` is what stands behind the colon, with
// its folds, with or without the last line end.  `name` is as written, without the white space that
// old messages have before the colon; with simple the field must therefore have none there.
void append_canonical_field(std::string& out, Canonicalization canonicalization,
                            std::string_view name, std::string_view raw_value);

// The body, given in pieces of any size, then finished once.
class BodyCanonicalizer {
 public:
  using Out = FunctionRef<void(std::string_view)>;

  explicit BodyCanonicalizer(Canonicalization canonicalization)
      : canonicalization_(canonicalization) {}

  void update(std::string_view piece, Out out);
  void finish(Out out);

 private:
  void put_text(std::string_view text, Out out);
  void put_line_end();
  void put(std::string_view bytes, Out out);
  void flush(Out out);

  Canonicalization canonicalization_;
  // Empty lines count only when a line with text follows, and blanks only when text follows.
  std::uint64_t held_line_ends_ = 0;
  bool held_blank_ = false;
  bool after_cr_ = false;
  bool has_text_ = false;
  // Words are gathered, as their receiver may take long over each call.
  std::array<char, 4096> gathered_;
  std::size_t gathered_size_ = 0;
};

// SHA-256 of a canonical body: what bh= holds.  It is the same for every recipient of a message, so
// it is computed once, and kept beside the message.
class BodyHash {
 public:
  explicit BodyHash(Canonicalization canonicalization = Canonicalization::relaxed)
      : canonical_(canonicalization) {}

  void update(std::string_view piece);
  // The 32 bytes; the object is used up.
  std::string finish();

 private:
  BodyCanonicalizer canonical_;
  crypto::Sha256 sha256_;
};

// Of a body at once.
std::string body_hash(std::string_view body,
                      Canonicalization canonicalization = Canonicalization::relaxed);

}  // namespace todoke::trust
