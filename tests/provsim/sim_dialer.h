#pragma once

#include "base/clock.h"
#include "dns/fake_resolver.h"
#include "net/dialer.h"
#include "provsim/session.h"

#include <memory>
#include <string>

namespace todoke::provsim {

// Connects a client to a script's providers on the clock of a test.  Every wait, of the dialling
// and of the stream, is one sleep by that clock, so that whoever moves it sees all that goes on.
// One thread; outlives its streams, and `providers` and `clock` outlive both.
class SimDialer final : public net::Dialer {
 public:
  // Who calls when a destination does not say from where.
  static constexpr const char* usual_caller = "127.0.0.1";

  SimDialer(Providers& providers, const Clock& clock) : providers_(providers), clock_(clock) {}
  [[nodiscard]] Task<Answer> dial(net::Destination destination) override;

 private:
  Providers& providers_;
  const Clock& clock_;
};

// The MX and A records of a script.
void fill(dns::FakeResolver& resolver, const Script& script);

}  // namespace todoke::provsim
