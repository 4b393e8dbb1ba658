#pragma once

#include "base/clock.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::provsim {

// What became of a message that a provider answered with 250.
enum class Fate {
  delivered,
  discarded,  // dropped without a word
  bounced,    // a notice comes later
  lost,       // taken back by the server that cut the session off later
};
std::string_view to_text(Fate fate);

// One recipient's copy, taken over by a provider.
struct Receipt {
  std::string provider;
  std::string recipient;     // as it stood in RCPT
  std::string reverse_path;  // as it stood in MAIL
  std::string message_id;    // with its brackets; empty: there was none
  Time at{};
  std::uint64_t hash = 0;  // FNV-1a of the text
  Fate fate = Fate::delivered;
};

// A notice that comes back later, ready to be sent.
struct Bounce {
  Time due{};
  std::string to;  // the reverse-path of what bounced
  std::string text;
};

// What a provider saw of its senders.
struct Tally {
  std::vector<Time> calls;       // every connection that was tried, also those that were refused
  std::vector<Time> messages;    // every MAIL
  std::vector<Time> recipients;  // every RCPT
  std::map<std::string, int> refusals;  // negative replies and breakdowns, by their first line
  int most_connections = 0;             // at once, from all peers
  int most_messages = 0;                // of one connection
  int most_recipients = 0;              // of one connection
};

// All that the simulated providers know afterwards.
struct Ledger {
  std::vector<Receipt> receipts;
  std::vector<Bounce> bounces;
  std::map<std::string, Tally> tallies;  // by provider
  // What our side did against the protocol; a test wants this to be empty.
  std::map<std::string, int> faults;

  // "recipient message-id" of whatever was taken over more than once.
  std::vector<std::string> twice() const;
  std::map<Fate, int> fates(std::string_view provider) const;
  // One JSON object a line: receipts, then bounces, tallies and faults.
  std::string to_json_lines() const;
};

}  // namespace todoke::provsim
