// POP3 load.  `download`: each client logs in as its own user and RETRieves everything, one command
// at a time.  `list`: times login + STAT + LIST + UIDL of one large mailbox, each time anew.
//
//   pop3_load --mode download --port 2110 --clients 10 --user 'u{n}' --password pass
//   pop3_load --mode list --port 2110 --user big --password pass --repeat 5
#include "load.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

using bench::die;

class Client {
 public:
  explicit Client(int port) : fd_(bench::connect_loopback(port)), buffer_(256 << 10) { line(); }
  ~Client() { ::close(fd_); }

  std::string command(const std::string& text) {
    bench::write_all(fd_, text + "\r\n");
    return line();
  }
  // Passes over a multi-line answer and says how many bytes it had.
  std::size_t skip_lines() {
    std::size_t bytes = 0;
    if (peek(3) == ".\r\n") {
      begin_ += 3;
      return 0;
    }
    for (;;) {
      auto seen = std::string_view(buffer_.data() + begin_, end_ - begin_);
      auto end = seen.find("\r\n.\r\n");
      if (end != seen.npos) {
        begin_ += end + 5;
        return bytes + end + 2;
      }
      auto done = seen.size() > 4 ? seen.size() - 4 : 0;
      bytes += done;
      begin_ += done;
      fill();
    }
  }

 private:
  std::string_view peek(std::size_t count) {
    while (end_ - begin_ < count) fill();
    return {buffer_.data() + begin_, count};
  }
  std::string line() {
    for (;;) {
      auto seen = std::string_view(buffer_.data() + begin_, end_ - begin_);
      if (auto end = seen.find('\n'); end != seen.npos) {
        std::string text(seen.substr(0, end));
        begin_ += end + 1;
        if (!text.starts_with("+OK")) die("the server said: " + text);
        return text;
      }
      fill();
    }
  }
  void fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    auto n = ::recv(fd_, buffer_.data() + end_, buffer_.size() - end_, 0);
    if (n <= 0) die("the server closed the connection");
    end_ += static_cast<std::size_t>(n);
  }

  int fd_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

long log_in(Client& client, const std::string& user, const std::string& password) {
  client.command("USER " + user);
  client.command("PASS " + password);
  return std::strtol(client.command("STAT").c_str() + 4, nullptr, 10);
}

void download(const bench::Options& options) {
  auto clients = options.number("clients", 1);
  auto port = static_cast<int>(options.number("port", 2110));
  auto password = options.text("password", "pass");
  std::atomic<long> messages = 0;
  std::atomic<std::uint64_t> bytes = 0;
  auto begun = bench::now();
  std::vector<std::thread> threads;
  for (long i = 0; i < clients; ++i)
    threads.emplace_back([&, i] {
      Client client(port);
      auto count = log_in(client, bench::user_name(options.text("user", "u{n}"), i), password);
      std::uint64_t sum = 0;
      for (long n = 1; n <= count; ++n) {
        client.command("RETR " + std::to_string(n));
        sum += client.skip_lines();
      }
      client.command("QUIT");
      messages += count;
      bytes += sum;
    });
  for (auto& thread : threads) thread.join();
  auto seconds = bench::now() - begun;
  std::printf(
      "{\"bench\":\"pop3_download\",\"label\":\"%s\",\"clients\":%ld,\"messages\":%ld,"
      "\"seconds\":%.3f,\"messages_per_s\":%.0f,\"mb_per_s\":%.1f,\"client_cpu_s\":%.2f}\n",
      options.text("label", "").c_str(), clients, messages.load(), seconds,
      static_cast<double>(messages) / seconds, static_cast<double>(bytes) / seconds / 1e6,
      bench::own_cpu());
}

void list(const bench::Options& options) {
  for (long i = 0; i < options.number("repeat", 3); ++i) {
    auto begun = bench::now();
    Client client(static_cast<int>(options.number("port", 2110)));
    auto count = log_in(client, options.text("user", "big"), options.text("password", "pass"));
    auto logged_in = bench::now();
    client.command("LIST");
    client.skip_lines();
    client.command("UIDL");
    client.skip_lines();
    auto ended = bench::now();
    client.command("QUIT");
    std::printf(
        "{\"bench\":\"pop3_list\",\"label\":\"%s\",\"run\":%ld,\"messages\":%ld,"
        "\"login_stat_ms\":%.2f,\"list_uidl_ms\":%.2f,\"total_ms\":%.2f}\n",
        options.text("label", "").c_str(), i, count, (logged_in - begun) * 1e3,
        (ended - logged_in) * 1e3, (ended - begun) * 1e3);
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  if (options.text("mode", "download") == "list")
    list(options);
  else
    download(options);
}
