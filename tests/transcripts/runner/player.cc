#include "transcripts/runner/player.h"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

namespace todoke::transcripts {
namespace {

// A session on a thread of its own, so that several can take turns: it runs until it waits for
// input that the player has not given yet.
class Connection {
 public:
  Connection(Fixture& fixture, std::size_t chunk) {
    io_.chunk = chunk;
    fixture.prepare(io_);
    io_.on_wait = [this](net::MemoryStream&) { wait_for_player(); };
    io_.on_ring = [this] { wake_session(); };
    thread_ = std::thread([this, &fixture] { converse(fixture); });
    wait_for_session();
  }
  ~Connection() {
    hang_up();
    thread_.join();
  }

  void send(std::string_view bytes) {
    {
      std::lock_guard lock(mutex_);
      input_ += bytes;
      idle_ = false;
    }
    wake_.notify_all();
    wait_for_session();
  }
  void hang_up() {
    {
      std::lock_guard lock(mutex_);
      gone_ = true;
      idle_ = false;
    }
    wake_.notify_all();
    wait_for_session();
  }
  bool ended() const { return ended_; }
  const std::string& failure() const { return failure_; }
  // Lines that came and were not asked for yet.
  std::deque<std::string>& lines() {
    wait_for_session();
    return lines_;
  }

 private:
  void converse(Fixture& fixture) {
    std::string failure;
    try {
      block_on(fixture.serve(io_));
    } catch (const net::Closed&) {
      // The session's way to say that the peer is gone, or must go.
    } catch (const std::exception& broken) {
      failure = broken.what();
    }
    std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    ended_ = true;
    wake_.notify_all();
  }
  void wait_for_player() {
    std::unique_lock lock(mutex_);
    while (input_.empty() && !gone_ && !(rung_ && io_.hears_bell())) {
      idle_ = true;
      wake_.notify_all();
      wake_.wait(lock);
    }
    rung_ = false;
    io_.feed(std::exchange(input_, {}));
  }
  // Something happened that the session may want to tell.
  void wake_session() {
    std::lock_guard lock(mutex_);
    rung_ = true;
    idle_ = ended_;
    wake_.notify_all();
  }
  void wait_for_session() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return ended_ || (idle_ && input_.empty()); });
    output_ += io_.take_output();
    for (auto end = output_.find("\r\n"); end != output_.npos; end = output_.find("\r\n")) {
      lines_.push_back(output_.substr(0, end));
      output_.erase(0, end + 2);
    }
    if (ended_ && !output_.empty()) lines_.push_back(std::exchange(output_, {}) + "<no CRLF>");
  }

  net::MemoryStream io_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string input_;   // on its way to the session
  std::string output_;  // of the session, an incomplete line
  std::deque<std::string> lines_;
  bool idle_ = false;
  bool rung_ = false;
  bool gone_ = false;
  bool ended_ = false;
  std::string failure_;
};

class Player {
 public:
  Player(const Transcript& transcript, std::unique_ptr<Fixture> fixture, std::size_t chunk)
      : transcript_(transcript), fixture_(std::move(fixture)), chunk_(chunk) {}

  // The first thing that is not as written; empty if there is none.
  std::string run() {
    for (const auto& step : transcript_.steps) {
      auto trouble = take(step);
      if (!trouble.empty())
        return transcript_.name + ":" + std::to_string(step.line) + ": " + trouble +
               (chunk_ == 1 ? " (input byte by byte)" : "");
    }
    for (auto& [number, talk] : talks_) {
      auto trouble = nothing_left(talk);
      if (!trouble.empty()) return transcript_.name + ": at the end: " + trouble;
    }
    return {};
  }

 private:
  struct Talk {
    std::unique_ptr<Connection> connection;
    std::string outbox;
    bool skipping = false;  // after S: ...
  };

  std::string take(const Step& step) {
    using enum Step::Kind;
    if (step.kind == given) {
      auto made = fixture_->given(step.words, step.block);
      return made ? "" : "given: " + made.error().text;
    }
    if (step.kind == then) return look(step);
    auto& talk = talks_[step.connection];
    if (!talk.connection) talk.connection = std::make_unique<Connection>(*fixture_, chunk_);
    if (step.kind == send) {
      auto trouble = talk.outbox.empty() ? nothing_left(talk) : "";
      talk.outbox += to_send(step.text, bindings_);
      return trouble;
    }
    if (!talk.outbox.empty()) talk.connection->send(std::exchange(talk.outbox, {}));
    switch (step.kind) {
      case expect_any:
        talk.skipping = true;
        return {};
      case expect:
        return compare(talk, step.text);
      case gone:
        talk.connection->hang_up();
        return talk.connection->failure();
      default:
        if (!talk.connection->ended()) return "the server has not ended the connection";
        return nothing_left(talk);
    }
  }

  std::string look(const Step& step) {
    auto shown = fixture_->look(step.words);
    if (!shown) return "then: " + shown.error().text;
    std::size_t at = 0;
    bool skipping = false;
    for (const auto& wanted : step.block) {
      if (wanted == "...") {
        skipping = true;
        continue;
      }
      while (at < shown->size() && !matches(wanted, (*shown)[at], bindings_)) {
        if (!skipping) return "there is: " + (*shown)[at] + "\n    wanted: " + wanted;
        ++at;
      }
      if (at == shown->size()) return "there is no more; wanted: " + wanted;
      ++at;
      skipping = false;
    }
    return skipping || at == shown->size() ? "" : "there is more: " + (*shown)[at];
  }

  std::string compare(Talk& talk, std::string_view expected) {
    auto& lines = talk.connection->lines();
    for (;;) {
      if (lines.empty()) {
        auto& failure = talk.connection->failure();
        return "nothing came; wanted: " + std::string(expected) +
               (failure.empty() ? "" : "; the session failed: " + failure);
      }
      auto line = std::move(lines.front());
      lines.pop_front();
      if (matches(expected, line, bindings_)) break;
      if (!talk.skipping) return "came: " + line + "\n    wanted: " + std::string(expected);
    }
    talk.skipping = false;
    return {};
  }

  std::string nothing_left(Talk& talk) {
    auto& lines = talk.connection->lines();
    if (std::exchange(talk.skipping, false)) lines.clear();
    if (!talk.connection->failure().empty()) return talk.connection->failure();
    return lines.empty() ? "" : "came unasked: " + lines.front();
  }

  const Transcript& transcript_;
  std::unique_ptr<Fixture> fixture_;
  const std::size_t chunk_;
  Bindings bindings_;
  std::map<int, Talk> talks_;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string play_file(const std::filesystem::path& path, const MakeFixture& make) {
  auto transcript = parse_transcript(path.filename(), read_file(path));
  if (!transcript) return transcript.error().text;
  if (!transcript->cites_rfc) return transcript->name + ": no comment cites `RFC n §s`";
  return play(*transcript, make);
}

}  // namespace

std::string play(const Transcript& transcript, const MakeFixture& make) {
  for (std::size_t chunk : {4096, 1}) {
    if (chunk == 1 && transcript.whole) break;
    auto trouble = Player(transcript, make(), chunk).run();
    if (!trouble.empty()) return trouble;
  }
  return {};
}

int play_all(const std::string& folder, const MakeFixture& make) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::ranges::sort(files);
  int failed = files.empty() ? 1 : 0;
  for (const auto& path : files) {
    auto trouble = play_file(path, make);
    if (trouble.empty()) continue;
    ++failed;
    std::printf("%s\n", trouble.c_str());
  }
  std::printf("%zu transcripts, %d failed\n", files.size(), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace todoke::transcripts
