#pragma once

#include "provsim/ledger.h"
#include "provsim/random.h"
#include "provsim/script.h"

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::provsim {

// One provider of a script at work: what it remembers of its senders, and its chance.  No I/O; time
// is handed in.  One thread.
class Provider {
 public:
  // Hour 0 of the script is at `start`.
  Provider(const ProviderScript& script, std::uint64_t seed, Time start, Ledger& ledger);

  const ProviderScript& script() const { return script_; }
  const Phase& phase(Time now) const;
  bool offers(std::string_view extension) const;
  bool serves(std::string_view domain) const;

  // Somebody calls: what he gets instead of a greeting, if it is not `pass`.  With anything but
  // refuse and timeout there is a connection, until left().
  Act call(const std::string& peer, Time now);
  void left(const std::string& peer);

  // The rule that applies to these recipients at this stage now.
  Act decide(Stage stage, std::span<const std::string> recipients, Time now);
  microseconds latency(Stage stage, Time now);
  // Whether this is too early an attempt; remembers it.
  bool is_greylisted(const std::string& peer, const std::string& sender,
                     const std::string& recipient, Time now);
  // Takes a message over: writes its receipts and notices, and answers where the receipts begin.
  std::size_t accept(const std::string& peer, const std::string& reverse_path,
                     std::span<const std::string> recipients, std::string_view text, Time now);

  Ledger& ledger() { return ledger_; }
  Tally& tally() { return ledger_.tallies[script_.id]; }

 private:
  bool is_overloaded(const std::string& peer, const Overload& limit, Time now);

  const ProviderScript& script_;
  Random random_;
  Time start_;
  Ledger& ledger_;
  std::map<std::string, int> connections_;  // by peer
  std::map<std::string, std::deque<Time>> accepted_;
  std::map<std::string, Time> first_seen_;  // "peer sender recipient"
};

// All providers of a script, by their addresses.
class Providers {
 public:
  Providers(Script script, Time start);

  const Script& script() const { return script_; }
  Ledger& ledger() { return ledger_; }
  // Null: nobody listens there.
  Provider* at(std::string_view address);

 private:
  const Script script_;
  Ledger ledger_;
  std::vector<std::unique_ptr<Provider>> providers_;
  std::map<std::string, Provider*, std::less<>> by_address_;
};

}  // namespace todoke::provsim
