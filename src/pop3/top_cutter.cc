#include "pop3/top_cutter.h"

namespace todoke::pop3 {

std::string_view TopCutter::take(std::string_view piece) {
  std::size_t at = 0;
  while (!done_ && at < piece.size()) {
    auto end = piece.find('\n', at);
    bool complete = end != piece.npos;
    auto text = piece.substr(at, (complete ? end : piece.size()) - at);
    at += text.size() + (complete ? 1 : 0);
    line_length_ += text.size();
    if (!text.empty()) last_ = text.back();
    if (!complete) break;
    bool empty = line_length_ == 0 || (line_length_ == 1 && last_ == '\r');
    line_length_ = 0;
    if (!in_header_) {
      --lines_left_;
    } else if (empty) {
      in_header_ = false;
    }
    done_ = !in_header_ && lines_left_ == 0;
  }
  return piece.substr(0, at);
}

}  // namespace todoke::pop3
