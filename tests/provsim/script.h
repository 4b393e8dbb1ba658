#pragma once

#include "base/result.h"
#include "smtp/syntax/stage.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a set of receiving mail providers does to those who send to it, written down beforehand, for
// tests of outbound mail.  A script is lines of words; # begins a comment, indentation is free:
//
//   seed 2017                      of all chance; 1 unless told
//   provider gmail                 everything up to the next one is about this one
//     domains gmail.com
//     host alt1.gmail-smtp-in.l.google.com 127.0.10.1     in order of preference; addresses follow
//     offers PIPELINING "SIZE 35882577"                   instead of what a usual server offers
//     latency end exponential 80ms
//     rcpt to gone-* 550 5.1.1 The email account does not exist
//     phase 62h                    from then on, until the next phase
//     95% mail 550 5.7.1 Your network is blocked
//
// What stands before a provider's first phase holds in all of them, behind what the phase says.
//
// Rules: [N%] STAGE [to PATTERN] ACT.  Stages: connect ehlo mail rcpt data end (after the final
// dot).  They are tried in order, each with its own chance; the first that applies decides.  `to`
// has * for any text; after RCPT it applies if any recipient of the message fits, in any case.
// Acts:
//   421 4.7.28 Words | more words    a reply, of several lines; 421 closes the connection as well
//   cut 554 Words                    this reply, and the connection is closed
//   close   reset                    closed, or reset, without a word
//   refuse  timeout                  connect only: the port is closed; nobody answers
//   silence                          never answers again
//   garbage  endless  chatter        no SMTP; a line without end; a reply without end
//   pass                             as if no rule were there
// Limits, in each phase or for all:
//   connections N ACT                at once from one peer: what the next one gets
//   messages N ACT                   of one connection: what the next MAIL gets
//   recipients N ACT                 of one connection: what the next RCPT gets, and the messages
//                                    taken before on this connection are lost
//   overload N per TIME ACT          more messages than this from one peer: what its calls get
//   greylist TIME                    a new (peer, sender, recipient) gets 451 for so long
//   [N%] discard [to PATTERN]        a 250 that means nothing
//   [N%] bounce FORMAT after TIME [to PATTERN]     a 250, and a notice later (see bounce.h)
//   latency STAGE fixed|exponential|pareto TIME
//                                    before each reply; connect: of TCP, and of the greeting.  TIME
//                                    is the mean, for pareto the least; 10 min at most if by chance
//   unsteady                         forgets what was sent together with a command ahead of its
//                                    reply, though it offers PIPELINING
// Times: 200ms 5s 10min 62h 3d.
namespace todoke::provsim {

using smtp::Stage;
using std::chrono::microseconds;

struct Act {
  enum class Kind {
    pass,
    reply,
    cut,
    close,
    reset,
    refuse,
    timeout,
    silence,
    garbage,
    endless,
    chatter,
  };
  Kind kind = Kind::pass;
  std::string reply;  // as it goes over the wire
};

struct Rule {
  Stage stage = Stage::connect;
  double chance = 1;
  std::string to;  // empty: whoever
  Act act;
};

struct Cap {
  int most = 0;
  Act act;
};

struct Overload {
  int most = 0;
  microseconds within{0};
  Act act;
};

struct Discard {
  double chance = 1;
  std::string to;
};

enum class BounceFormat { rfc3464, ezweb, biglobe, qmail };

struct LateBounce {
  double chance = 1;
  std::string to;
  BounceFormat format = BounceFormat::rfc3464;
  microseconds after{0};
};

struct Latency {
  enum class Kind { fixed, exponential, pareto };
  Kind kind = Kind::fixed;
  microseconds time{0};
};

struct Phase {
  microseconds from{0};
  std::vector<Rule> rules;
  std::optional<Cap> connections, messages, recipients;
  std::optional<Overload> overload;
  std::optional<microseconds> greylist;
  std::vector<Discard> discards;
  std::vector<LateBounce> bounces;
  std::map<Stage, Latency> latency;
  bool unsteady = false;
};

struct Host {
  std::string name;
  std::vector<std::string> addresses;
};

struct ProviderScript {
  std::string id;
  std::vector<std::string> domains;
  std::vector<Host> hosts;
  std::vector<std::string> offers;
  std::vector<Phase> phases;  // by `from`; the first is from 0
};

struct Script {
  std::uint64_t seed = 1;
  std::vector<ProviderScript> providers;
};

// Errc::invalid, with the number of the line.
Result<Script> parse_script(std::string_view text);
// The same from a file; Errc::not_found.
Result<Script> read_script(const std::string& file);

// Whether the pattern, in which * is any text, covers the address; case does not matter.
bool fits(std::string_view pattern, std::string_view address);

// "421 4.7.28 a | b" as it goes over the wire: two lines, both with the codes.
std::string wire_reply(std::string_view text);

// The names of a script as the table that tests/support/dns_server.py serves.
std::string zone_table(const Script& script);

}  // namespace todoke::provsim
