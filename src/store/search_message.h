#pragma once

#include "blob/store.h"
#include "mime/structure.h"
#include "store/search_condition.h"
#include "store/search_text.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::store {

// The day of a Date field where it was written: its own zone counts.  RFC 9051 §6.4.4, SENTON.
std::optional<std::chrono::sys_days> sent_day(const std::optional<std::string>& date);

// Asks a condition of one message after the other, reading as much of each as it takes.  Holds at
// most a header and a piece of a body.  Reads from the disk: worker threads, one at a time.
class MessageSearch {
 public:
  // Both outlive this.
  MessageSearch(blob::Store& blobs, const Condition& condition);

  // `evidence` has facts with body and structure.  A body that is corrupt leaves its texts unknown.
  // Errc::unavailable: the disk does not answer.
  Result<Truth> test(Evidence evidence);

 private:
  Result<> look(Evidence& evidence);
  Result<> look_at_header(std::uint64_t length, Evidence& evidence);
  Result<> look_at_parts(const mime::Structure& structure, const Evidence& evidence);
  Result<> look_at_text(const mime::Part& part, const Evidence& evidence);
  void look_at_field(const mime::HeaderField& field);
  void feed_field(const mime::HeaderField& field, TextFinder& finder);
  // Whether the condition is decided by what was found.
  bool is_decided(const Evidence& evidence);
  // Bytes of the message, fewer at its end; valid until the next call.
  Result<std::string_view> bytes(std::uint64_t begin, std::uint64_t length);

  blob::Store& blobs_;
  const Condition& condition_;
  std::vector<std::size_t> header_slots_;  // of texts that are looked for in all fields
  std::vector<std::size_t> body_slots_;    // in the body
  TextFinder in_header_;
  TextFinder in_body_;
  bool wants_fields_ = false;

  std::vector<Truth> texts_;
  blob::Location at_;
  std::string window_;
  std::uint64_t window_begin_ = 0;
  std::uint64_t header_end_ = 0;
  std::string decoded_;
};

}  // namespace todoke::store
