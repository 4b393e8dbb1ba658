#pragma once

#include "dns/resolver.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace todoke::dns {

struct UnboundOptions {
  // Who is asked: an IP address, "192.0.2.53" or "127.0.0.1@5353"; "system": the servers of
  // /etc/resolv.conf; empty: nobody between, we ask from the root of the DNS downwards.
  std::string forwarder;
  // Keys to begin validation with, in the form of a zone file.  Without the file nothing is
  // validated, and a warning logged; empty: the same, on purpose.
  std::string trust_anchor_file = "/usr/share/dns/root.key";
  // More of them, one DS or DNSKEY record each (RFC 4034 §5.3, §2.2).
  std::vector<std::string> trust_anchors;
  // For one query in all, with CNAMEs and the keys that validation needs.
  std::chrono::milliseconds timeout{10'000};
  // Queries at once; further ones are unavailable.
  std::size_t max_outstanding = 1000;
  // Of the cache of answers, about; half as much again goes to keys and the state of servers.
  std::size_t cache_bytes = 24 << 20;
};

// The DNS by libunbound, which validates, and remembers answers for their time to live.  One for
// the process; it runs two threads, its own and libunbound's.  A coroutine that waits for an answer
// is resumed on its own executor.  Before it is destroyed, stop() ends what is under way, and
// whoever uses it must have come to an end.
class UnboundResolver final : public Resolver {
 public:
  // Errc::invalid when an option is wrong; unavailable when libunbound cannot start.
  static Result<std::unique_ptr<UnboundResolver>> open(const UnboundOptions& options);
  ~UnboundResolver() override;

  // Queries under way end as unavailable, and so do all later ones.  The executors of those who
  // wait must still exist.  Not from two threads at once.
  void stop();

  [[nodiscard]] Task<Result<Answer>> resolve(std::string name, Type type) override;

 private:
  class Impl;
  explicit UnboundResolver(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::dns
