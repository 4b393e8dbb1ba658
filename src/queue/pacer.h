#pragma once

#include "base/clock.h"
#include "provider/book.h"

// How much one provider is given at a time: a window of connections and a token bucket, both made
// smaller by every answer that blames us or the provider, at whatever stage, and larger by what it
// accepts.  Pure: time is handed in.
//
// A refusal halves both at once, and a run of them stops sending: then one message is tried after a
// pause that doubles, up to a quarter of an hour.  What it answers decides.  So a block costs the
// provider a few hundred connections in five days, and its end is seen within a quarter of an hour.
namespace todoke::queue {

class Pacer {
 public:
  explicit Pacer(const provider::Limits& limits, Steady now);

  // How many connections may be open now; 0 while it pauses.
  int window(Steady now) const;
  // Whether one message at a time is tried, to learn whether the trouble is over.
  bool is_probing() const { return refusals_ >= run_that_stops; }
  // Takes the right to send `messages`; or says when it will be there.
  std::optional<Steady> take(int messages, Steady now);

  // From when on the next message may be sent.
  Steady opens_at(Steady now) const;

  // A message was taken over by the provider.
  void accepted(Steady now);
  // An answer that blames the provider or us, to what began at `begun`.  What began before the last
  // one was heard is its echo and counts no further.  `outright`: it refuses us altogether (class
  // blocked or auth, or no conversation at all), so that going on at half speed is of no use.
  void refused(Steady begun, Steady now, bool outright);

  // Ends a pause: one message is tried at once, and what it answers decides.
  void lift_pause() { paused_until_ = Steady::min(); }

  // For people and metrics.
  double rate() const { return rate_; }  // messages a second
  double connections() const { return window_; }
  int refusals() const { return refusals_; }
  Steady paused_until() const { return paused_until_; }

 private:
  static constexpr int run_that_stops = 3;
  void refill(Steady now);

  provider::Limits limits_;
  double window_;
  double rate_;
  double tokens_;
  Steady refilled_;
  int refusals_ = 0;  // in a row
  Steady heard_ = Steady::min();
  Steady paused_until_ = Steady::min();
};

}  // namespace todoke::queue
