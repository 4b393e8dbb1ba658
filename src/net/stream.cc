#include "net/stream.h"

#include "base/assert.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

namespace todoke::net {

std::string Peer::network() const {
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return address;
  std::memset(v6.s6_addr + 8, 0, 8);
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, &v6, text, sizeof text);
  return std::string(text) + "/64";
}

bool Peer::is_loopback() const {
  return address.starts_with("127.") || address == "::1" || is_unix();
}

void Stream::consume(std::size_t bytes) {
  TODOKE_ASSERT(bytes <= end_ - begin_);
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

Stream::Room Stream::make_room() {
  constexpr std::size_t smallest = 4 << 10, largest = 64 << 10;
  if (begin_ > 0) {
    std::memmove(input_.get(), input_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < smallest) {
    // A buffer that came in full earns a larger one: bulk data in few reads, commands in little
    // room.
    auto wanted = std::max({smallest, std::min(largest, capacity_ * 4), end_ + smallest});
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (end_ > 0) std::memcpy(larger.get(), input_.get(), end_);
    input_ = std::move(larger);
    capacity_ = wanted;
  }
  return {input_.get() + end_, capacity_ - end_};
}

void Stream::forget_input() {
  input_.reset();
  capacity_ = begin_ = end_ = 0;
}

// Before a wait: what is written goes out, and buffers that are empty are given back, unless the
// traffic has earned them a large one: most connections wait for most of their time.
Task<> Stream::settle() {
  if (!output_.empty()) co_await send();
  if (output_.capacity() > 256) output_ = std::string();
  if (begin_ == end_ && capacity_ > 0 && capacity_ < (64 << 10)) forget_input();
}

Task<> Stream::fill() {
  co_await settle();
  co_await receive();
}

Task<bool> Stream::fill_or_bell() {
  co_await settle();
  co_return co_await receive_or_bell();
}

Task<> Stream::flush() {
  if (!output_.empty()) co_await send();
}

Task<> Stream::breathe(std::chrono::seconds time) {
  if (output_.size() < much) co_return;
  set_deadline(time);
  co_await send();
}

namespace {

// Keeps the last octets of what passes by.
void keep_end(std::string& end, std::string_view passing) {
  constexpr std::size_t kept = 64;
  end += passing.substr(passing.size() - std::min(passing.size(), kept));
  end.erase(0, end.size() - std::min(end.size(), kept));
}

}  // namespace

Task<Stream::Line> Stream::read_line(std::size_t max) {
  Line line;
  std::size_t searched = 0;
  for (;;) {
    auto seen = buffered();
    auto end = seen.find('\n', searched);
    if (end != seen.npos) {
      bool has_cr = end > 0 && seen[end - 1] == '\r';
      line.bare_lf = !has_cr;
      auto text = seen.substr(0, end - (has_cr ? 1 : 0));
      if (text.size() > max) line.over_long = true;
      if (line.over_long)
        keep_end(line.end, text);
      else
        line.text = text;
      consume(end + 1);
      co_return line;
    }
    searched = seen.size();
    if (searched > max + 1) {
      // Keep the last byte: it may be the CR of the ending.
      line.over_long = true;
      keep_end(line.end, seen.substr(0, searched - 1));
      consume(searched - 1);
      searched = 1;
    }
    co_await fill();
  }
}

}  // namespace todoke::net
