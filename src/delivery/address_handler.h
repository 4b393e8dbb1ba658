#pragma once

#include "smtp/syntax/path.h"
#include "sql/tx.h"

#include <functional>
#include <string>

namespace todoke::delivery {

// Takes mail for addresses of ours that are no mailbox, such as the return paths of single
// recipients.  Above or below delivery, plugged in by app/.  Any thread.
class AddressHandler {
 public:
  virtual ~AddressHandler() = default;
  // Whether mail for this address is its own.  Asked before the directory is, so it must be sure.
  virtual bool takes(const smtp::Path& to) const = 0;

  struct Arrived {
    smtp::Path to;
    smtp::Path reverse_path;
    std::string text;  // with our trace headers; the first megabyte
  };
  struct Handling {
    std::function<void(sql::Tx&)> write;  // in the accepting commit; may be run twice
    std::function<void()> committed;      // when it is durable
  };
  // What to do with a message that has arrived whole.
  virtual Handling receive(Arrived arrived) = 0;
};

}  // namespace todoke::delivery
