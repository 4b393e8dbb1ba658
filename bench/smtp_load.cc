// SMTP load on one thread: `--sessions` conversations at once, each waiting for every reply, as
// real senders do.  Counts a message when its final reply came; anything but 2xx ends the run.
//
//   smtp_load --port 2525 --messages 20000 --sessions 50 --size 4096 [--recipients 10] [--reuse]
//             [--users 1000] [--user 'u{n}@example.test'] [--label text]
#include "load.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using bench::die;

struct Run {
  int port;
  long messages, recipients, users;
  std::size_t size;
  bool reuse;
  std::string user;
  int poller;
  long started = 0, finished = 0;
  std::vector<double> latencies;
  std::vector<std::string> texts;  // a few messages, prepared, so that the client costs little
};

class Session {
 public:
  explicit Session(Run& run) : run_(run) { connect(); }
  ~Session() { ::close(fd_); }
  bool ended() const { return step_ == Step::ended; }

  // Reads what came and answers each complete reply.
  void readable() {
    char buffer[4096];
    auto n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("the server closed the connection");
    input_.append(buffer, static_cast<std::size_t>(n));
    std::size_t begin = 0;
    for (auto end = input_.find('\n'); end != input_.npos; end = input_.find('\n', begin)) {
      auto line = std::string_view(input_).substr(begin, end - begin);
      begin = end + 1;
      if (line.size() > 3 && line[3] != '-') reply(line);
      if (step_ == Step::ended) return;
    }
    input_.erase(0, begin);
  }

 private:
  enum class Step { greeting, hello, mail, recipient, data, message, quit, ended };

  void connect() {
    fd_ = bench::connect_loopback(run_.port);
    step_ = Step::greeting;
    input_.clear();
    epoll_event event{.events = EPOLLIN, .data = {.ptr = this}};
    epoll_ctl(run_.poller, EPOLL_CTL_ADD, fd_, &event);
  }

  void say(std::string_view text, Step next) {
    step_ = next;
    bench::write_all(fd_, text);
  }

  void next_message() {
    if (run_.started >= run_.messages) return say("QUIT\r\n", Step::quit);
    number_ = run_.started++;
    recipient_ = 0;
    begun_ = bench::now();
    say("MAIL FROM:<sender@load.test>\r\n", Step::mail);
  }

  void next_recipient() {
    auto user = (number_ * run_.recipients + recipient_++) % run_.users;
    say("RCPT TO:<" + bench::user_name(run_.user, user) + ">\r\n", Step::recipient);
  }

  void reply(std::string_view line) {
    if (line[0] != (step_ == Step::data ? '3' : '2')) die("unexpected reply: " + std::string(line));
    switch (step_) {
      case Step::greeting:
        return say("EHLO load.test\r\n", Step::hello);
      case Step::hello:
        return next_message();
      case Step::mail:
        return next_recipient();
      case Step::recipient:
        if (recipient_ < run_.recipients) return next_recipient();
        return say("DATA\r\n", Step::data);
      case Step::data:
        return say(run_.texts[static_cast<std::size_t>(number_) % run_.texts.size()],
                   Step::message);
      case Step::message:
        ++run_.finished;
        run_.latencies.push_back(bench::now() - begun_);
        if (run_.reuse) return next_message();
        return say("QUIT\r\n", Step::quit);
      case Step::quit:
        ::close(fd_);
        fd_ = -1;
        step_ = Step::ended;
        if (run_.started < run_.messages) connect();
        return;
      case Step::ended:
        return;
    }
  }

  Run& run_;
  int fd_ = -1;
  Step step_ = Step::greeting;
  std::string input_;
  long number_ = 0, recipient_ = 0;
  double begun_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  Run run{.port = static_cast<int>(options.number("port", 2525)),
          .messages = options.number("messages", 20000),
          .recipients = options.number("recipients", 1),
          .users = options.number("users", 1000),
          .size = static_cast<std::size_t>(options.number("size", 4096)),
          .reuse = options.has("reuse"),
          .user = options.text("user", "u{n}@example.test"),
          .poller = epoll_create1(EPOLL_CLOEXEC),
          .latencies = {},
          .texts = {}};
  for (long i = 0; i < 64; ++i) run.texts.push_back(bench::make_message(i, run.size) + ".\r\n");
  auto session_count = std::min(options.number("sessions", 50), run.messages);
  auto begun = bench::now();
  std::vector<std::unique_ptr<Session>> sessions;
  for (long i = 0; i < session_count; ++i) sessions.push_back(std::make_unique<Session>(run));
  while (run.finished < run.messages) {
    epoll_event events[128];
    int count = epoll_wait(run.poller, events, 128, 10'000);
    if (count == 0) die("the server is silent");
    for (int i = 0; i < count; ++i) static_cast<Session*>(events[i].data.ptr)->readable();
  }
  auto seconds = bench::now() - begun;
  std::printf(
      "{\"bench\":\"smtp\",\"label\":\"%s\",\"messages\":%ld,\"recipients\":%ld,\"size\":%zu,"
      "\"sessions\":%ld,\"reuse\":%s,\"seconds\":%.3f,\"messages_per_s\":%.0f,"
      "\"recipients_per_s\":%.0f,\"ms_p50\":%.2f,\"ms_p99\":%.2f,\"client_cpu_s\":%.2f}\n",
      options.text("label", "").c_str(), run.messages, run.recipients, run.size, session_count,
      run.reuse ? "true" : "false", seconds, static_cast<double>(run.messages) / seconds,
      static_cast<double>(run.messages * run.recipients) / seconds,
      bench::percentile(run.latencies, 0.5) * 1e3, bench::percentile(run.latencies, 0.99) * 1e3,
      bench::own_cpu());
}
