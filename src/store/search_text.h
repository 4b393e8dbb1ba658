#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Comparing text as searches do: see fold() in search.h.
namespace todoke::store {

// fold() for text that comes in pieces.  The result does not depend on how the text is cut; memory
// is bounded.
class Folder {
 public:
  // Appends to `out`.
  void feed(std::string_view utf8, std::string& out);
  // The end of the text; ready for another.
  void finish(std::string& out);

 private:
  enum class End { open, reached };
  // The rest, which must wait for what follows it.
  std::string_view take(std::string_view utf8, End end, std::string& out);
  void take_plain(std::string_view run, std::string& out);
  void take_other(std::string_view run, std::string& out);

  std::string held_;  // little: as a rule one character
  std::string scratch_;
  bool after_blank_ = false;
};

// Looks for several needles in one or several texts, each of which comes in pieces.
class TextFinder {
 public:
  // Needles are folded already, not empty, and outlive this.
  explicit TextFinder(std::vector<std::string_view> needles);

  void feed(std::string_view utf8);
  // What comes next has nothing to do with what came before.
  void end_text();
  // Begins anew with nothing found.
  void reset();

  bool found(std::size_t needle) const { return found_[needle]; }
  bool found_all() const { return missing_ == 0; }

 private:
  void look();

  std::vector<std::string_view> needles_;
  std::vector<bool> found_;
  std::size_t missing_;
  std::size_t longest_ = 0;
  Folder folder_;
  std::string folded_;  // not looked at yet, and before it the end of what was
};

}  // namespace todoke::store
