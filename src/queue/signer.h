#pragma once

#include "base/clock.h"
#include "base/worker_pool.h"
#include "trust/key_ring.h"

#include <string>

namespace todoke::queue {

// Signs what goes out: in the name of the author's domain when we have keys for it, and in that of
// the platform, to whom complaints of providers go.  Any thread.
class Signer {
 public:
  // `platform_domain` may be empty: then only authors' domains sign.
  Signer(trust::KeyRing& keys, const Clock& clock, WorkerPool& pool, std::string platform_domain)
      : keys_(keys), clock_(clock), pool_(pool), platform_domain_(std::move(platform_domain)) {}

  // Whether anybody would sign mail with this header block; for others the body need not be hashed.
  [[nodiscard]] Task<bool> signs(std::string header_block);
  // The DKIM-Signature fields to stand above the header block; empty when nobody signs.
  // `body_hash` as trust::BodyHash gives it.
  [[nodiscard]] Task<std::string> sign(std::string header_block, std::string body_hash);

 private:
  [[nodiscard]] Task<std::vector<trust::DkimIdentity>> identities(std::string header_block);

  trust::KeyRing& keys_;
  const Clock& clock_;
  WorkerPool& pool_;
  const std::string platform_domain_;
};

}  // namespace todoke::queue
