#pragma once

#include "dns/mail_hosts.h"
#include "provider/book.h"
#include "queue/backlog.h"
#include "queue/hold.h"
#include "queue/pacer.h"
#include "smtp/client/client.h"
#include "trust/mta_sts.h"

#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

// Who is served next: lines of waiting recipients, grouped by the servers that take their mail, and
// these by the provider that paces them.  No I/O and no suspension: time is handed in, and the
// queue asks what to do.  One thread.
namespace todoke::queue {

// A wait that doubles with every failure.
class Pause {
 public:
  // As Pacer::refused(): echoes of what was known at `begun` do not count.
  void failed(Steady begun, Steady now);
  void succeeded() { *this = {}; }
  Steady until() const { return until_; }
  int failures() const { return failures_; }

 private:
  int failures_ = 0;
  Steady heard_ = Steady::min();
  Steady until_ = Steady::min();
};

// Where mail for a domain goes, as it was looked up.
struct Route {
  std::string domain;                // whose mail servers these are; empty for a smarthost
  std::vector<dns::MailHost> hosts;  // in the order to try
  bool is_secure = false;            // DNSSEC vouches for them
  std::uint16_t port = 25;
  smtp::TlsPolicy::Need tls = smtp::TlsPolicy::Need::opportunistic;  // at least
  std::optional<smtp::Login> login;                                  // at a smarthost
  // What the domain says of its servers' TLS (RFC 8461); null: nothing.  A snapshot.
  std::shared_ptr<const trust::MtaStsPolicy> sts;
  const provider::Provider* provider = nullptr;
  // There is no server and never will be one, and why: whoever waits has failed.
  std::string dead_end;
};

// What one provider is given: a known one as a whole, others by their servers.
struct Target {
  Target(std::string name, const provider::Provider* whose, Pacer pace)
      : key(std::move(name)), provider(whose), pacer(pace) {}
  std::string key;
  const provider::Provider* provider;
  Pacer pacer;
  int connections = 0;
  std::size_t sites = 0;
  // Who waits at another of its sites for one of these connections to end.
  enum class Crowd { none, others, urgent };
  Crowd crowd = Crowd::none;
  std::map<std::int64_t, Pause> organisations;  // whose mail alone is refused
};

// The same servers for all its domains, and the same demands on who they are: what one connection
// can carry.
struct Site {
  std::string key;
  Route route;
  Target* target = nullptr;
  Turn turn;  // the lines that are due
  int connections = 0;
  int starting = 0;              // of them: have not taken their first recipients yet
  int loading = 0;               // lines that are being read
  std::size_t destinations = 0;  // that are routed here
  Pause pause;                   // while its servers cannot be reached
  std::vector<Alarm*> idlers;    // connections that wait for work
};

// "smarthost:17"; no domain looks so.
std::string smarthost_name(std::int64_t organisation_id);
std::optional<std::int64_t> parse_smarthost_name(std::string_view name);

class Dispatcher {
 public:
  explicit Dispatcher(const Clock& clock) : clock_(clock) {}

  // Organisations whose mail goes through a server of its own choice; 0: everybody else's too.
  // Their routes are asked for under smarthost_name().
  void set_smarthosts(std::set<std::int64_t> organisations);

  // Somebody waits in this line, from `due` on.
  void waits(const LineKey& key, Time due);
  // Somebody wants it tried now: no pause that we made for ourselves stands in the way of one
  // message.
  void lift_pauses(const LineKey& key);
  void set_holds(Holds holds);
  const Holds& holds() const { return holds_; }

  // Brings the lines that are due to their sites.
  void tick();
  // A destination whose servers must be looked up, a domain or a smarthost_name(); once each until
  // set_route() or no_route() is told.
  std::optional<std::string> next_to_resolve();
  void set_route(const std::string& destination, Route route, std::chrono::seconds valid);
  // It cannot be looked up now: its lines wait, longer each time.
  void no_route(const std::string& destination, std::string why);

  // A site that may have one more connection now; counts it.  The next one only after this one has
  // taken what it could and told started(): so one mail does not open as many as there may be.
  Site* next_site();
  void started(Site& site) { --site.starting; }
  void connection_ended(Site& site);
  // The line whose turn it is at a site and that may be served now.
  Line* next_line(Site& site);
  // The line has nobody due any more; `due` is when the next one is.
  void rests(Line& line, std::optional<Time> due);

  // The recipient is neither loaded nor in flight any more.
  void put_back(Line& line, RecipientId id);

  // How it went.  `begun` is when that attempt began.
  void accepted(Site& site, std::int64_t organisation_id);
  void refused(Target& target, Steady begun, bool outright);
  void organisation_refused(Target& target, std::int64_t organisation_id, Steady begun);
  void unreachable(Site& site, Steady begun);

  // Wakes connections that wait for work, to look at what changed: of one site, of all.
  void ring(Site& site);
  void ring_all();

  // Somebody could be sent right now.
  bool has_work() const;

  // When tick() has something to do next.
  Steady next_event() const;

  // What is known of where a line goes; for explanations.
  struct View {
    const provider::Provider* provider = nullptr;  // null: not looked up
    const Site* site = nullptr;
    std::string trouble;  // with DNS
    Steady not_before{};  // because of it
  };
  View view(const LineKey& line) const;

  std::size_t lines() const { return lines_; }
  std::size_t loaded() const;  // recipients in memory

 private:
  // A domain or a smarthost.
  struct Destination {
    std::string name;
    std::map<LineKey, Line> lines;
    Site* site = nullptr;
    Steady valid_until = Steady::min();
    bool is_resolving = false;
    std::string trouble;  // with DNS
    Pause pause;
  };
  Line& line(const LineKey& key);
  void schedule(Line& line, Steady when);
  void unschedule(Line& line);
  // Where a line that is due belongs: held, with its site, or waiting for a route.
  void place(Line& line);
  void leave_site(Destination& destination);
  std::string name_of(const LineKey& key) const;
  Destination& destination_of(const Line& line) { return *destinations_.at(line.destination); }
  Site& site_of(const std::string& destination, Route route);
  void tell_crowd(Site& waiting);
  // From when on a connection to the site makes sense.
  static Steady opens_at(const Site& site, Steady now);
  void forget(Line& line);
  Steady steady(Time time) const;

  const Clock& clock_;
  Holds holds_;
  std::set<std::int64_t> smarthosts_;
  std::unordered_map<std::string, std::unique_ptr<Destination>> destinations_;
  std::map<std::string, std::unique_ptr<Target>> targets_;  // by provider or site
  std::map<std::string, std::unique_ptr<Site>> sites_;
  std::set<std::pair<Steady, Line*>> timers_;
  std::set<Line*> held_;
  std::list<std::string> to_resolve_;
  std::set<Site*> ready_;  // with a line in its turn
  std::size_t lines_ = 0;
};

}  // namespace todoke::queue
