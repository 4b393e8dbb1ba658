#include "sink.h"

#include "load.h"

#include <arpa/inet.h>
#include <map>
#include <memory>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

struct Sink::Conversation {
  int fd;
  bool in_text = false;
  std::string input;
  std::string output;
};

Sink::Sink() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof any;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&any), size) != 0 ||
      listen(listener_, 512) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size) != 0)
    die("the sink cannot listen");
  port_ = ntohs(any.sin_port);
  stop_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { run(); });
}

Sink::~Sink() {
  std::uint64_t one = 1;
  if (write(stop_, &one, sizeof one) < 0) die("the sink cannot stop");
  thread_.join();
  close(listener_);
  close(stop_);
}

void Sink::answer(Conversation& conversation) {
  std::string_view rest = conversation.input;
  while (!rest.empty()) {
    if (conversation.in_text) {
      auto end = rest.starts_with(".\r\n") ? 0 : rest.find("\r\n.\r\n");
      if (end == rest.npos) {
        if (rest.size() > 5) rest.remove_prefix(rest.size() - 5);
        break;
      }
      rest.remove_prefix(end == 0 ? 3 : end + 5);
      conversation.in_text = false;
      ++messages_;
      conversation.output += "250 2.0.0 ok\r\n";
      continue;
    }
    auto end = rest.find("\r\n");
    if (end == rest.npos) break;
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.starts_with("EHLO")) {
      conversation.output +=
          "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n";
    } else if (line.starts_with("DATA")) {
      conversation.in_text = true;
      conversation.output += "354 go\r\n";
    } else if (line.starts_with("QUIT")) {
      conversation.output += "221 2.0.0 bye\r\n";
    } else {
      if (line.starts_with("RCPT")) ++recipients_;
      conversation.output += "250 2.0.0 ok\r\n";
    }
  }
  conversation.input.erase(0, conversation.input.size() - rest.size());
}

void Sink::run() {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  auto watch = [&](int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  };
  watch(listener_);
  watch(stop_);
  std::map<int, Conversation> conversations;
  char buffer[65536];
  for (;;) {
    epoll_event events[64];
    int count = epoll_wait(poll, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      int fd = events[i].data.fd;
      if (fd == stop_) {
        for (auto& [open, conversation] : conversations) close(open);
        close(poll);
        return;
      }
      if (fd == listener_) {
        int fresh = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fresh < 0) continue;
        int yes = 1;
        setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        ++connections_;
        conversations[fresh].fd = fresh;
        write_all(fresh, "220 sink ESMTP\r\n");
        watch(fresh);
        continue;
      }
      auto& conversation = conversations[fd];
      auto got = read(fd, buffer, sizeof buffer);
      if (got <= 0) {
        close(fd);
        conversations.erase(fd);
        continue;
      }
      conversation.input.append(buffer, static_cast<std::size_t>(got));
      answer(conversation);
      if (!conversation.output.empty()) write_all(fd, conversation.output);
      conversation.output.clear();
    }
  }
}

}  // namespace bench
