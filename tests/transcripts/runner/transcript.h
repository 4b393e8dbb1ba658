#pragma once

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

// Golden transcripts: conversations written down, which a server must hold word for word.
//
//   # RFC 1939 §5 — STAT counts what is not marked as deleted.
//   given account ann@example.test secret
//   given message ann@example.test
//   | Subject: one
//   |
//   | Hello
//   C: STAT
//   S: +OK 1 $size
//
// `given` lines make the world; lines beginning with `|` belong to the one above them.  `C:` is
// what the client sends and `S:` what it must get, both without CRLF.  Lines sent in a row go out
// together, as pipelining clients send them.  After the last S: line before the next C: line,
// nothing more may have come.  `1:` and `2:` in front name one of several connections; a connection
// begins where it is first mentioned.
//
//   S: +OK …          matches any rest of the line
//   S: ...            any number of lines
//   $name             binds a word without blanks, brackets or semicolons, which must be the same
//   from then on;
//                     in C: lines it stands for that word
//   {base64 a\0b}     the base64 form of the text
//   {repeat 3 ab}     ababab
//   \n \r \0 \\ \$ \xff   bytes; a lone \ at the end of a C: line: send it without CRLF
//   closed            the server has ended the connection
//   gone              the client breaks the connection off
//   then WORDS        what the fixture shows of the world is as the block below says, in the
//                     language of S: lines; a block line `...` stands for any number of lines
//   whole             this transcript is not played byte by byte: what arrives together matters
namespace todoke::transcripts {

struct Step {
  enum class Kind { given, then, send, expect, expect_any, closed, gone };
  Kind kind = Kind::given;
  int connection = 0;
  int line = 0;                    // in the file
  std::string text;                // of send and expect, as written
  std::vector<std::string> words;  // of given and then
  std::vector<std::string> block;  // of given, unescaped; of then, as written
};

struct Transcript {
  std::string name;
  bool cites_rfc = false;  // its comment says which section it shows
  bool whole = false;
  std::vector<Step> steps;
};

// Errc::invalid names the line.
Result<Transcript> parse_transcript(std::string name, std::string_view text);

using Bindings = std::map<std::string, std::string, std::less<>>;

// The bytes that a C: line stands for, CRLF included.
std::string to_send(std::string_view text, const Bindings& bindings);
// Whether an S: line describes `actual`; binds what it names for the first time.
bool matches(std::string_view expected, std::string_view actual, Bindings& bindings);

}  // namespace todoke::transcripts
