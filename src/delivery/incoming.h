#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "blob/store.h"
#include "mime/structure.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace todoke::delivery {

// A message while it arrives: its bytes go to the blob store and through the MIME parser as they
// come, in bounded memory.  Destroyed without Delivery::accept(), it leaves nothing behind.
class Incoming {
 public:
  explicit Incoming(std::unique_ptr<blob::Writer> writer);
  Incoming(Incoming&&) noexcept;
  Incoming& operator=(Incoming&&) noexcept;
  ~Incoming();

  // Trace headers, to stand in front of everything.  Once, before the first append().  A message
  // that begins with a blank would continue them: an empty line is put between.
  void set_trace(std::string headers) { trace_ = std::move(headers); }
  // For submissions: the Date and Message-ID to add when the message has none (RFC 6409 §8).
  void complete_with(std::string date, std::string message_id);

  // For what is put into a known mailbox: no number of Received fields makes a loop.
  void cannot_loop() { may_loop_ = false; }

  // The next bytes, with CRLF line ends.  Errc::unavailable: the disk is full; denied: a loop, the
  // message came to us with more than 50 Received fields (RFC 5321 §6.3).  finish() may say both,
  // too.
  Result<> append(std::string_view bytes);
  // Bytes of the message so far, trace headers not counted.
  std::uint64_t size() const { return size_; }

  // For Delivery: ends the message.
  struct Finished {
    blob::Location location;
    std::string envelope;
    std::string structure;
    std::string preview;
    bool final_crlf = true;
  };
  Result<Finished> finish();

 private:
  Result<> pass_header();
  Result<> pass(std::string_view bytes);

  std::unique_ptr<blob::Writer> writer_;
  mime::StructureParser parser_;
  std::string trace_;
  std::string date_;
  std::string message_id_;
  std::string held_;  // the header, until it is complete
  bool header_passed_ = false;
  bool may_loop_ = true;
  std::uint64_t size_ = 0;
  std::string beginning_;  // of the message, for the preview
};

}  // namespace todoke::delivery
