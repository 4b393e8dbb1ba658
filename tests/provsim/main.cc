// provsim: a script's providers on real sockets, for tests that start the real mail server.
//
//   provsim SCRIPT [--port 2525] [--speed 1] [--hour 0] [--ledger FILE] [--zone FILE]
//
// Listens on all addresses of the script (127.x.y.z) and says "ready" when it does.  --speed lets
// the script's time pass faster than the clock, --hour begins later in it.  The ledger is written
// as JSON lines at SIGUSR1 and at the end (SIGTERM, SIGINT), whole or not at all; --zone writes the
// table of names for tests/support/dns_server.py.  A closed port cannot be had while we listen: to
// `refuse` a call is to reset it, and `timeout` is a connection on which nothing is said.

#include "base/ascii.h"
#include "provsim/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <list>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace todoke;
using namespace todoke::provsim;
using namespace std::chrono_literals;

namespace {

struct Options {
  std::string script, ledger, zone;
  std::uint16_t port = 2525;
  double speed = 1;
  double hour = 0;
};

[[noreturn]] void die(const std::string& why) {
  fmt::print(stderr, "provsim: {}\n", why);
  std::exit(1);
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    std::string word = words[i];
    if (!word.starts_with("--")) {
      options.script = word;
      continue;
    }
    if (++i == count) die(word + " needs a value");
    std::string value = words[i];
    if (word == "--port")
      options.port = static_cast<std::uint16_t>(ascii::to_number(value).value_or(0));
    else if (word == "--speed")
      options.speed = std::strtod(value.c_str(), nullptr);
    else if (word == "--hour")
      options.hour = std::strtod(value.c_str(), nullptr);
    else if (word == "--ledger")
      options.ledger = value;
    else if (word == "--zone")
      options.zone = value;
    else
      die("no option " + word);
  }
  if (options.script.empty() || options.port == 0 || options.speed <= 0)
    die("usage: provsim SCRIPT [--port N] [--speed X] [--hour X] [--ledger FILE] [--zone FILE]");
  return options;
}

// Whoever reads it finds the old one or the new one.
void write_file(const std::string& file, const std::string& text) {
  auto fresh = file + ".new";
  std::ofstream(fresh) << text;
  if (std::rename(fresh.c_str(), file.c_str()) != 0) die("cannot write " + file);
}

// A socket that is closed once.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }
  void reset() const {
    linger how{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &how, sizeof how);
  }

 private:
  int fd_;
};

struct Connection {
  Socket socket;
  std::unique_ptr<SessionMachine> machine;  // null: nothing is ever said
  struct Planned {
    Time due;
    Action action;
  };
  std::deque<Planned> planned;
  Time free_at{};
  std::string output;
  bool is_over = false;
};

class Front {
 public:
  Front(Script script, const Options& options)
      : options_(options),
        real_start_(std::chrono::steady_clock::now()),
        start_(std::chrono::floor<microseconds>(std::chrono::system_clock::now())),
        providers_(std::move(script), start_) {
    for (const auto& provider : providers_.script().providers)
      for (const auto& host : provider.hosts)
        for (const auto& address : host.addresses) listen_on(host.name, address);
  }

  void run(int signals) {
    for (;;) {
      auto polled = wait(signals);
      if (polled.front().revents != 0 && !take_signal(signals)) return;
      auto now = this->now();
      auto poll_of = polled.begin() + 1;
      // Before the new ones come: those have no place in `polled` yet.
      std::vector<Listener*> called;
      for (auto& listener : listeners_)
        if ((poll_of++)->revents != 0) called.push_back(&listener);
      for (auto& connection : connections_) serve(connection, (poll_of++)->revents, now);
      std::erase_if(connections_, [](const auto& one) { return one.is_over; });
      for (auto* listener : called) accept_at(*listener, now);
    }
  }

  void write_ledger() {
    if (!options_.ledger.empty()) write_file(options_.ledger, providers_.ledger().to_json_lines());
  }

 private:
  struct Listener {
    Socket socket;
    std::string host;
    Provider* provider;
  };

  Time now() const {
    std::chrono::duration<double> passed = std::chrono::steady_clock::now() - real_start_;
    auto seconds = passed.count() * options_.speed + options_.hour * 3600;
    return start_ + microseconds(static_cast<std::int64_t>(seconds * 1e6));
  }

  void listen_on(const std::string& host, const std::string& address) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    int yes = 1;
    setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(options_.port);
    if (inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1) die("no address: " + address);
    if (bind(socket.fd(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
        listen(socket.fd(), 128) != 0)
      die(fmt::format("{}:{}: {}", address, options_.port, std::strerror(errno)));
    listeners_.push_back({std::move(socket), host, providers_.at(address)});
  }

  // Until something happens or is due.
  std::vector<pollfd> wait(int signals) {
    std::vector<pollfd> polled{{signals, POLLIN, 0}};
    for (auto& listener : listeners_) polled.push_back({listener.socket.fd(), POLLIN, 0});
    auto next = Time::max();
    for (auto& connection : connections_) {
      short events = POLLIN;
      if (!connection.output.empty()) events |= POLLOUT;
      polled.push_back({connection.socket.fd(), events, 0});
      if (!connection.planned.empty()) next = std::min(next, connection.planned.front().due);
    }
    int timeout = -1;
    if (next != Time::max()) {
      auto left = std::chrono::duration<double, std::milli>(next - now()).count() / options_.speed;
      timeout = static_cast<int>(std::clamp(left + 1, 0.0, 60'000.0));
    }
    while (poll(polled.data(), polled.size(), timeout) < 0)
      if (errno != EINTR) die(std::strerror(errno));
    return polled;
  }

  // False: the end.
  bool take_signal(int signals) {
    signalfd_siginfo info{};
    if (read(signals, &info, sizeof info) != sizeof info) return true;
    if (info.ssi_signo != SIGUSR1) return false;
    write_ledger();
    return true;
  }

  void accept_at(Listener& listener, Time now) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    Socket socket(accept4(listener.socket.fd(), reinterpret_cast<sockaddr*>(&from), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.fd() < 0) return;
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
    auto act = listener.provider->call(text, now);
    if (act.kind == Act::Kind::refuse) return socket.reset();
    auto& connection = connections_.emplace_back(Connection{.socket = std::move(socket)});
    if (act.kind == Act::Kind::timeout) return;
    connection.machine =
        std::make_unique<SessionMachine>(*listener.provider, listener.host, text, act);
    plan(connection, connection.machine->open(now), now);
  }

  static void plan(Connection& connection, std::vector<Action> actions, Time now) {
    connection.free_at = std::max(connection.free_at, now);
    for (auto& action : actions) {
      connection.free_at += action.after;
      connection.planned.push_back({connection.free_at, std::move(action)});
    }
  }

  static void serve(Connection& connection, short happened, Time now) {
    auto fd = connection.socket.fd();
    if ((happened & (POLLIN | POLLHUP | POLLERR)) != 0) {
      char bytes[16384];
      auto size = recv(fd, bytes, sizeof bytes, 0);
      if (size == 0 || (size < 0 && errno != EAGAIN)) {
        connection.is_over = true;
        return;
      }
      if (size > 0 && connection.machine) {
        std::string_view text(bytes, static_cast<std::size_t>(size));
        plan(connection, connection.machine->receive(text, now), now);
      }
    }
    auto& planned = connection.planned;
    while (!planned.empty() && planned.front().due <= now) {
      auto& action = planned.front().action;
      if (action.kind == Action::Kind::reset) {
        connection.socket.reset();
        connection.is_over = true;
        return;
      }
      // What was said before goes out first.
      if (action.kind == Action::Kind::close && !connection.output.empty()) break;
      if (action.kind == Action::Kind::close) {
        connection.is_over = true;
        return;
      }
      connection.output += action.bytes;
      planned.pop_front();
      send_some(connection);
    }
    send_some(connection);
  }

  static void send_some(Connection& connection) {
    auto& output = connection.output;
    if (output.empty()) return;
    auto sent = send(connection.socket.fd(), output.data(), output.size(), MSG_NOSIGNAL);
    if (sent > 0) output.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN) connection.is_over = true;
  }

  const Options options_;
  const std::chrono::steady_clock::time_point real_start_;
  const Time start_;
  Providers providers_;
  std::vector<Listener> listeners_;
  std::list<Connection> connections_;
};

}  // namespace

int main(int count, char** words) {
  auto options = read_options(count, words);
  auto script = read_script(options.script);
  if (!script) die(script.error().text);
  if (!options.zone.empty()) write_file(options.zone, zone_table(*script));
  sigset_t wanted;
  sigemptyset(&wanted);
  for (int signal : {SIGUSR1, SIGTERM, SIGINT}) sigaddset(&wanted, signal);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  Front front(*std::move(script), options);
  fmt::print("ready\n");
  std::fflush(stdout);
  front.run(signalfd(-1, &wanted, SFD_CLOEXEC));
  front.write_ledger();
}
