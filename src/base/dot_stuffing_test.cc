#include "base/dot_stuffing.h"

#include <doctest/doctest.h>

#include <vector>

using namespace todoke;

namespace {

// Every text of up to `length` of the bytes that matter.
std::vector<std::string> all_texts(std::size_t length) {
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == length) break;
    for (char c : {'.', '\r', '\n', 'a'}) texts.push_back(texts[i] + c);
  }
  return texts;
}

struct Read {
  std::string text;
  std::size_t consumed = 0;
};

// As clients read that take every LF for the end of a line.
Read read_by_lf(std::string_view wire) {
  Read read;
  while (read.consumed < wire.size()) {
    auto rest = wire.substr(read.consumed);
    auto line = rest.substr(0, rest.find('\n') + 1);
    read.consumed += line.size();
    if (line == ".\r\n" || line == ".\n") break;
    read.text += line.substr(line.starts_with('.') ? 1 : 0);
  }
  return read;
}

}  // namespace

TEST_CASE("guarded: whoever reads by LF gets the same bytes and one end, in every chunking") {
  using enum DotStuffer::BareLineEnds;
  for (const auto& text : all_texts(6)) {
    bool complete = text.empty() || text.ends_with("\r\n");
    auto whole = dot_stuff(text, keep_guarded);
    auto read = read_by_lf(whole);
    CHECK(read.consumed == whole.size());
    CHECK(read.text == (complete ? text : text + "\r\n"));
    CHECK(whole.find("\r\n.\r\n") == (text.empty() ? whole.npos : whole.size() - 5));
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      DotStuffer stuffer(keep_guarded);
      std::string wire;
      stuffer.encode(std::string_view(text).substr(0, cut), wire);
      stuffer.encode(std::string_view(text).substr(cut), wire);
      stuffer.finish(wire);
      CHECK(wire == whole);
    }
  }
  // Without the guard such a reader sees an end that is none.
  CHECK(read_by_lf(dot_stuff("a\n.\nb", keep)).text == "a\n");
}
