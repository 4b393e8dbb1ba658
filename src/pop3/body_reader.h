#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "blob/store.h"
#include "store/store.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::pop3 {

// Reads the bodies of a maildrop, one at a time, in pieces: bounded memory for whatever size, and
// for small messages that the page cache holds no step off the session's thread.  Where bodies
// stand is asked for many messages at once, since clients fetch them in order.
class BodyReader {
 public:
  BodyReader(store::Store& store, store::Mailbox mailbox,
             std::shared_ptr<const store::Maildrop> drop, const Clock& clock);

  // Turns to the message at `index` of the maildrop.  not_found: it is gone for good.
  [[nodiscard]] Task<Result<>> open(std::size_t index);
  std::uint64_t size() const { return at_.size; }
  bool at_end() const { return offset_ == at_.size; }

  // The next piece of at most `most` bytes; empty only at the end.  Valid until the next call.
  // A body that was moved meanwhile is looked for again, once a piece.  Errors: corrupt, not_found.
  [[nodiscard]] Task<Result<std::string_view>> next(std::size_t most);
  // Gives back memory that a large body took.
  void rest();

 private:
  [[nodiscard]] Task<Result<>> locate();
  [[nodiscard]] Task<Result<>> read(std::size_t length);

  store::Store& store_;
  store::Mailbox mailbox_;
  std::shared_ptr<const store::Maildrop> drop_;
  const Clock& clock_;

  std::vector<blob::Location> places_;  // of the messages from places_from_ on
  std::size_t places_from_ = 0;
  Steady places_until_{};

  std::size_t index_ = 0;
  blob::Location at_;
  std::uint64_t offset_ = 0;
  std::string piece_;
};

}  // namespace todoke::pop3
