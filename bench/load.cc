#include "load.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

Options::Options(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (!name.starts_with("--")) die("not an option: " + name);
    bool has_value = i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--");
    values_[name.substr(2)] = has_value ? argv[++i] : "";
  }
}

long Options::number(const std::string& name, long otherwise) const {
  auto found = values_.find(name);
  return found == values_.end() ? otherwise : std::strtol(found->second.c_str(), nullptr, 10);
}

std::string Options::text(const std::string& name, const std::string& otherwise) const {
  auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double own_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void die(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

int connect_loopback(int port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    die(std::string("cannot connect: ") + std::strerror(errno));
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) die(std::string("cannot send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string user_name(const std::string& pattern, long number) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%04ld", number);
  auto name = pattern;
  if (auto at = name.find("{n}"); at != name.npos) name.replace(at, 3, digits);
  return name;
}

std::string make_message(long number, std::size_t size) {
  static const char* words[] = {"order", "school", "notice", "tomorrow", "please", "confirm",
                                "shop",  "parcel", "arrive", "morning",  "thanks", "family"};
  auto id = std::to_string(number);
  std::string text =
      "Received: from relay.load.test (relay.load.test [127.0.0.1])\r\n\tby mx.load.test"
      " with ESMTP id " +
      id +
      "; Sat, 21 Nov 2026 10:00:00 +0900\r\n"
      "From: Sender <sender@load.test>\r\nTo: Recipient <list@example.test>\r\n"
      "Subject: Notice number " +
      id +
      "\r\nDate: Sat, 21 Nov 2026 10:00:00 +0900\r\n"
      "Message-ID: <" +
      id +
      "@load.test>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n\r\n";
  auto random = static_cast<std::uint64_t>(number) * 6364136223846793005u + 1442695040888963407u;
  std::size_t line = 0;
  while (text.size() + 2 < size) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    std::string_view word = words[random % std::size(words)];
    text += word;
    text += static_cast<char>('a' + random % 26);
    line += word.size() + 2;
    text += line > 70 ? "\r\n" : " ";
    if (line > 70) line = 0;
  }
  return text + "\r\n";
}

double percentile(std::vector<double>& samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  auto at = static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1));
  return samples[at];
}

}  // namespace bench
