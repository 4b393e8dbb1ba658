#pragma once

#include "base/clock.h"
#include "base/lru_map.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace todoke::directory {

// Slows down those who guess passwords, and nobody else.  Wrong passwords take tokens from buckets
// that fill again with time:
//
//   of the account and network together   10, one more every 30 s   for every attempt
//   of the account                        30, one more every 60 s   for networks that are not good
//   of the network                        30, one more every 20 s   for networks that are not good
//
// A network is good for an account when somebody signed in there from it in the last 30 days.
// Attempts from it neither look at the lower two buckets nor take from them.  So a crowd that
// guesses from everywhere meets the second bucket and stays below 1,500 guesses a day, while the
// owner signs in from where he always does; and a network full of strangers meets the third without
// shutting out its old users.
//
// The same wrong password again is no new guess: an old telephone that asks every minute with last
// year's password takes one token, once.  It gets its answer from here, without a hash.
//
// Memory is bounded; when it is short, what was not seen for longest is forgotten.  Logins that are
// nobody's have their own share, so that inventing names does not wash out what is known of
// accounts.  Everything is forgotten at a restart.  Loopback networks are treated like all others.
// Any thread.
class Throttle {
 public:
  struct Attempt {
    enum class Who { account, nobody };
    Who kind = Who::nobody;
    std::string who;      // the account's id, or something that stands for an unknown login
    std::string network;  // net::Peer::network()
  };

  explicit Throttle(const Clock& clock) : clock_(clock) {}

  // How long to wait before such an attempt may be checked; zero: not at all.  Takes nothing: asked
  // again directly before each check, on the few threads that check, it lets at most one guess too
  // many through per thread; and attempts with the right password never wait for each other.
  std::chrono::seconds wait(const Attempt& attempt);

  // Tells of a wrong password.  `guess` is its keyed digest, together with all that it was compared
  // to; empty when the password itself was not seen (SCRAM).
  void failed(const Attempt& attempt, std::string_view guess);
  // Whether this very guess was wrong already, lately.
  bool failed_before(const Attempt& attempt, std::string_view guess);

  // Tells of a right password: makes the network good.
  void succeeded(const Attempt& attempt);

 private:
  struct Rate {
    double capacity;
    std::chrono::seconds per_token;
  };
  static constexpr Rate pair_rate{10, std::chrono::seconds(30)};
  static constexpr Rate account_rate{30, std::chrono::seconds(60)};
  static constexpr Rate network_rate{30, std::chrono::seconds(20)};

  struct Bucket {
    double used = 0;
    Steady at{};
    void drain(const Rate& rate, Steady now);
    std::chrono::seconds wait(const Rate& rate, Steady now);
    void take(const Rate& rate, Steady now);
  };
  struct Guess {
    std::string digest;
    Steady at{};
  };
  struct Pair {
    Bucket bucket;
    std::array<Guess, 4> wrong;
    std::size_t next = 0;
  };
  struct Memory {
    explicit Memory(std::size_t max) : pairs(max), subjects(max) {}
    LruMap<Pair> pairs;
    LruMap<Bucket> subjects;
  };

  Memory& memory(const Attempt& attempt);
  bool is_good(const Attempt& attempt, Steady now);

  const Clock& clock_;
  std::mutex mutex_;
  Memory accounts_{100'000};
  Memory nobodies_{20'000};
  LruMap<Bucket> networks_{100'000};
  LruMap<Steady> good_{200'000};
};

}  // namespace todoke::directory
