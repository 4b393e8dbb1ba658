#pragma once

#include "base/result.h"
#include "blob/store.h"
#include "mime/structure.h"
#include "store/model.h"

#include <memory>
#include <string>
#include <string_view>

namespace todoke::transfer {

// A message on its way from a file into a mailbox: its bytes go to the blob store and through the
// parser as they come.  Unlike delivery::Incoming it refuses nothing, for this mail has arrived
// long ago.  Destroyed without finish(), it leaves nothing behind.
class Receiver {
 public:
  explicit Receiver(blob::Store& blobs) : writer_(blobs.create()) {}

  Result<> append(std::string_view bytes);
  std::uint64_t size() const { return writer_->size(); }

  struct Received {
    blob::Location body;
    store::Parsed parsed;
  };
  Result<Received> finish();

 private:
  std::unique_ptr<blob::Writer> writer_;
  mime::StructureParser parser_;
  std::string beginning_;
};

}  // namespace todoke::transfer
