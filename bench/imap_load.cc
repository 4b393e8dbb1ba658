// IMAP load, one kind of work at a time; prints one JSON line.
//
//   imap_load --mode select   --port P --user big            SELECT, each time on a new connection
//   imap_load --mode fetch    … --items '(UID FLAGS ENVELOPE)'  FETCH 1:* of one mailbox
//   imap_load --mode search   … --key 'BODY nowhere'
//   imap_load --mode store    …                               STORE 1:* +FLAGS.SILENT
//   imap_load --mode append   --clients 10 --messages 10000 --size 4096 [--batch 50]
//   imap_load --mode flag     --clients 10 --messages 10000   STORE of one flag of one message
//   imap_load --mode body     --clients 10 --messages 10000   FETCH BODY[] of one message
//   imap_load --mode idle     --clients 1000 --pid N  memory per connection that is logged in
//
// With several clients each is a user of its own, --user 'u{n}'.
#include "load.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace {

using bench::die;

class Client {
 public:
  Client(int port, const std::string& user, const std::string& password)
      : fd_(bench::connect_loopback(port)), buffer_(16 << 10) {
    line();
    command("LOGIN " + user + " " + password);
  }
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

  // Sends a command and reads to its end; answers the bytes received.  Literals are not told apart
  // from lines: no tag of ours stands in a made-up message.
  std::size_t command(const std::string& text) {
    bench::write_all(fd_, "t " + text + "\r\n");
    return finish();
  }
  std::size_t finish() {
    std::size_t bytes = 0;
    for (;;) {
      auto text = line();
      bytes += text.size();
      if (text.starts_with("t OK")) return bytes;
      if (text.starts_with("t ") || text.starts_with("* BYE"))
        die("the server said: " + std::string(text));
      if (auto at = text.find(" EXISTS"); at != text.npos && text.starts_with("* "))
        exists_ = std::strtol(text.data() + 2, nullptr, 10);
    }
  }
  void send(std::string_view bytes) { bench::write_all(fd_, bytes); }
  long exists() const { return exists_; }

 private:
  std::string_view line() {
    for (;;) {
      auto seen = std::string_view(buffer_.data() + begin_, end_ - begin_);
      if (auto end = seen.find('\n'); end != seen.npos) {
        begin_ += end + 1;
        return seen.substr(0, end + 1);
      }
      fill();
    }
  }
  void fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    auto n = ::recv(fd_, buffer_.data() + end_, buffer_.size() - end_, 0);
    if (n <= 0) die("the server closed the connection");
    end_ += static_cast<std::size_t>(n);
  }

  int fd_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  long exists_ = 0;
};

struct Setting {
  explicit Setting(const bench::Options& given)
      : options(given),
        port(static_cast<int>(given.number("port", 2143))),
        clients(given.number("clients", 1)),
        messages(given.number("messages", 10'000)),
        user(given.text("user", clients > 1 ? "u{n}" : "big")),
        password(given.text("password", "pass")) {}
  const bench::Options& options;
  int port;
  long clients;
  long messages;
  std::string user;
  std::string password;

  Client connect(long number = 0) const { return {port, bench::user_name(user, number), password}; }
};

void say(const Setting& setting, const std::string& mode, double seconds, long operations) {
  std::printf(
      "{\"bench\":\"imap_%s\",\"label\":\"%s\",\"clients\":%ld,\"operations\":%ld,"
      "\"seconds\":%.4f,\"ms\":%.2f,\"per_s\":%.0f,\"client_cpu_s\":%.2f}\n",
      mode.c_str(), setting.options.text("label", "").c_str(), setting.clients, operations, seconds,
      seconds * 1e3, static_cast<double>(operations) / seconds, bench::own_cpu());
}

// One command on a selected mailbox, timed alone.
void one_command(const Setting& setting, const std::string& mode, const std::string& text) {
  auto client = setting.connect();
  client.command("SELECT INBOX");
  auto begun = bench::now();
  client.command(text);
  say(setting, mode, bench::now() - begun, client.exists());
}

void select(const Setting& setting) {
  auto client = setting.connect();
  auto begun = bench::now();
  client.command("SELECT INBOX");
  say(setting, "select", bench::now() - begun, client.exists());
}

// Each client does its share of `messages` operations.
void shared_work(const Setting& setting, const std::string& mode,
                 const std::function<void(Client&, long client, long count)>& work) {
  std::vector<std::thread> threads;
  std::atomic<long> ready = 0;
  std::atomic<bool> go = false;
  auto share = setting.messages / setting.clients;
  for (long i = 0; i < setting.clients; ++i)
    threads.emplace_back([&, i] {
      auto client = setting.connect(i);
      client.command("SELECT INBOX");
      ++ready;
      while (!go) std::this_thread::yield();
      work(client, i, share);
    });
  while (ready < setting.clients) std::this_thread::yield();
  auto begun = bench::now();
  go = true;
  for (auto& thread : threads) thread.join();
  say(setting, mode, bench::now() - begun, share * setting.clients);
}

void append(const Setting& setting) {
  auto size = static_cast<std::size_t>(setting.options.number("size", 4096));
  auto batch = setting.options.number("batch", 1);
  shared_work(setting, "append", [&](Client& client, long number, long count) {
    for (long done = 0; done < count; done += batch) {
      std::string text = "t APPEND INBOX";
      for (long i = 0; i < batch; ++i) {
        auto message = bench::make_message(number * 1'000'000 + done + i, size);
        text += " {" + std::to_string(message.size()) + "+}\r\n" + message;
      }
      client.send(text + "\r\n");
      client.finish();
    }
  });
}

void flag(const Setting& setting) {
  shared_work(setting, "flag", [&](Client& client, long, long count) {
    for (long i = 0; i < count; ++i)
      client.command("STORE " + std::to_string(1 + i % client.exists()) + " " +
                     (i / client.exists() % 2 == 0 ? "+" : "-") + "FLAGS.SILENT (\\Flagged)");
  });
}

void body(const Setting& setting) {
  shared_work(setting, "body", [&](Client& client, long, long count) {
    for (long i = 0; i < count; ++i)
      client.command("FETCH " + std::to_string(1 + i % client.exists()) + " BODY.PEEK[]");
  });
}

long resident_kib(long pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string word; file >> word;)
    if (word == "Pss:") {
      long kib = 0;
      file >> kib;
      return kib;
    }
  die("no such process");
}

// The first half fills the server's caches, the second tells what a connection costs.
void idle(const Setting& setting) {
  auto pid = setting.options.number("pid", 0);
  std::vector<Client> clients;
  clients.reserve(static_cast<std::size_t>(2 * setting.clients));
  auto open_all = [&] {
    for (long i = 0; i < setting.clients; ++i) {
      clients.push_back(setting.connect(i % 1000));
      clients.back().command("SELECT INBOX");
      clients.back().send("t IDLE\r\n");
    }
    ::sleep(2);
    return resident_kib(pid);
  };
  auto before = open_all();
  auto after = open_all();
  std::printf("{\"bench\":\"imap_idle\",\"connections\":%ld,\"kib_each\":%.1f}\n", setting.clients,
              static_cast<double>(after - before) / static_cast<double>(setting.clients));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const Setting setting(options);
  auto mode = options.text("mode", "select");
  if (mode == "select")
    select(setting);
  else if (mode == "fetch")
    one_command(setting, mode, "FETCH 1:* " + options.text("items", "(UID FLAGS ENVELOPE)"));
  else if (mode == "search")
    one_command(setting, mode, "SEARCH " + options.text("key", "BODY nowhere-to-be-found"));
  else if (mode == "store")
    one_command(setting, mode, "STORE 1:* " + options.text("change", "+FLAGS.SILENT (\\Flagged)"));
  else if (mode == "append")
    append(setting);
  else if (mode == "flag")
    flag(setting);
  else if (mode == "body")
    body(setting);
  else if (mode == "idle")
    idle(setting);
  else
    die("no such mode: " + mode);
}
