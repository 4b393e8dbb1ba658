#pragma once

#include "blob/store.h"

namespace todoke::store {

// A body that no row refers to yet: released, unless it was kept.
class LooseBody {
 public:
  LooseBody(blob::Store& blobs, const blob::Location& at) : blobs_(blobs), at_(at) {}
  ~LooseBody() {
    if (!kept_) blobs_.release(at_);
  }
  LooseBody(const LooseBody&) = delete;
  LooseBody& operator=(const LooseBody&) = delete;
  void keep() { kept_ = true; }

 private:
  blob::Store& blobs_;
  const blob::Location at_;
  bool kept_ = false;
};

}  // namespace todoke::store
