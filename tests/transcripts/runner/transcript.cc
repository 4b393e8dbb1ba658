#include "transcripts/runner/transcript.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"

namespace todoke::transcripts {
namespace {

constexpr std::string_view rest_of_line = "…";

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  Cursor cursor(text);
  for (cursor.skip_spaces(); !cursor.at_end(); cursor.skip_spaces())
    words.emplace_back(cursor.take_until(" "));
  return words;
}

bool is_name_byte(char c) {
  return ascii::is_alnum(c) || c == '_';
}

// One byte that stands for itself or is written with a backslash.
char take_byte(Cursor& cursor) {
  auto c = cursor.take_bytes(1)[0];
  if (c != '\\' || cursor.at_end()) return c;
  auto escaped = cursor.take_bytes(1)[0];
  switch (escaped) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case '0':
      return '\0';
    case 'x': {
      auto byte = hex_decode(cursor.take_bytes(2));
      return byte && !byte->empty() ? byte->front() : '?';
    }
    default:
      return escaped;
  }
}

std::string unescape(std::string_view text) {
  std::string out;
  for (Cursor cursor(text); !cursor.at_end();) out += take_byte(cursor);
  return out;
}

// `{base64 …}` or `{repeat N …}` at the cursor, worked out; nothing is taken if there is neither.
std::string take_formula(Cursor& cursor) {
  bool encode = cursor.take_word("{base64 ");
  if (!encode && !cursor.take_word("{repeat ")) return {};
  auto times = encode ? 1 : ascii::to_number(cursor.take_until(" ")).value_or(0);
  if (!encode) cursor.take(' ');
  auto text = unescape(cursor.take_until("}"));
  cursor.take('}');
  if (encode) return base64_encode(text);
  std::string out;
  for (; times > 0; --times) out += text;
  return out;
}

Result<Step> parse_step(std::string_view line) {
  Step step;
  Cursor cursor(line);
  if (line.size() > 2 && ascii::is_digit(line[0]) && line[1] == ':') {
    step.connection = line[0] - '0';
    cursor.take_bytes(2);
    cursor.skip_spaces();
  }
  if (cursor.take_word("given ")) {
    step.words = split_words(cursor.rest());
    return step;
  }
  if (cursor.take_word("then ")) {
    step.kind = Step::Kind::then;
    step.words = split_words(cursor.rest());
    return step;
  }
  if (cursor.rest() == "closed" || cursor.rest() == "gone") {
    step.kind = cursor.rest() == "gone" ? Step::Kind::gone : Step::Kind::closed;
    return step;
  }
  bool from_client = cursor.take_word("C:");
  if (!from_client && !cursor.take_word("S:")) return fail(Errc::invalid, "no such kind of line");
  cursor.take(' ');
  step.text = cursor.rest();
  step.kind = from_client          ? Step::Kind::send
              : step.text == "..." ? Step::Kind::expect_any
                                   : Step::Kind::expect;
  return step;
}

}  // namespace

Result<Transcript> parse_transcript(std::string name, std::string_view text) {
  Transcript transcript{.name = std::move(name), .steps = {}};
  int number = 0;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++number;
    if (line.starts_with('#') && line.contains("RFC ") && line.contains("§"))
      transcript.cites_rfc = true;
    if (line.empty() || line.starts_with('#')) continue;
    if (line == "whole") {
      transcript.whole = true;
      continue;
    }
    auto where = transcript.name + ":" + std::to_string(number) + ": ";
    if (line.starts_with('|')) {
      auto kind = transcript.steps.empty() ? Step::Kind::send : transcript.steps.back().kind;
      if (kind != Step::Kind::given && kind != Step::Kind::then)
        return fail(Errc::invalid, where + "a block without `given` or `then`");
      line.remove_prefix(line.starts_with("| ") ? 2 : 1);
      transcript.steps.back().block.push_back(kind == Step::Kind::given ? unescape(line)
                                                                        : std::string(line));
      continue;
    }
    auto step = parse_step(line);
    if (!step) return fail(Errc::invalid, where + step.error().text);
    step->line = number;
    transcript.steps.push_back(*std::move(step));
  }
  return transcript;
}

std::string to_send(std::string_view text, const Bindings& bindings) {
  bool with_end = !text.ends_with('\\') || text.ends_with("\\\\");
  if (!with_end) text.remove_suffix(1);
  std::string out;
  for (Cursor cursor(text); !cursor.at_end();) {
    if (auto made = take_formula(cursor); !made.empty()) {
      out += made;
    } else if (cursor.take('$')) {
      auto found = bindings.find(cursor.take_while(is_name_byte));
      out += found == bindings.end() ? "$?" : found->second;
    } else {
      out += take_byte(cursor);
    }
  }
  return with_end ? out + "\r\n" : out;
}

bool matches(std::string_view expected, std::string_view actual, Bindings& bindings) {
  auto bound = bindings;  // taken over only if all of the line matches
  bool open_end = expected.ends_with(rest_of_line);
  if (open_end) expected.remove_suffix(rest_of_line.size());
  Cursor want(expected), have(actual);
  while (!want.at_end()) {
    if (auto made = take_formula(want); !made.empty()) {
      if (have.take_bytes(made.size()) != made) return false;
    } else if (want.take('$')) {
      std::string name(want.take_while(is_name_byte));
      if (auto known = bound.find(name); known != bound.end()) {
        if (have.take_bytes(known->second.size()) != known->second) return false;
        continue;
      }
      auto word = have.take_while([](char c) { return !std::string_view(" ]);").contains(c); });
      if (word.empty()) return false;
      bound.emplace(std::move(name), word);
    } else if (!have.take(take_byte(want))) {
      return false;
    }
  }
  if (!open_end && !have.at_end()) return false;
  bindings = std::move(bound);
  return true;
}

}  // namespace todoke::transcripts
