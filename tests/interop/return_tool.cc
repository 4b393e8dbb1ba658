#include "mime/header.h"
#include "queue/returns/return_parser.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

// Prints what we read from each returned mail: one JSON object a line, for tests in other
// languages.
//
//   return_tool FILE…       the envelope sender is taken from the Return-Path field

using namespace todoke;

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 32)
      out += fmt::format("\\u{:04x}", c);
    else
      out += c;
  }
  return out + '"';
}

std::string reverse_path_of(const std::string& message) {
  auto header = mime::split_header(message);
  const auto* field = mime::find_field(header, "Return-Path");
  auto path = field == nullptr ? std::string() : mime::unfold(field->raw_value);
  std::erase_if(path, [](char c) { return c == '<' || c == '>'; });
  return path;
}

std::string as_json(const queue::ReturnedRecipient& r) {
  return fmt::format(
      R"({{"address": {}, "original_address": {}, "action": {}, "status": {}, "code": {}, )"
      R"("stage": {}, "remote_mta": {}, "diagnostic": {}}})",
      quoted(r.address), quoted(r.original_address), quoted(r.action),
      quoted(r.status ? smtp::to_text(*r.status) : ""), r.smtp_code.value_or(0),
      quoted(r.stage ? smtp::to_text(*r.stage) : ""), quoted(r.remote_mta), quoted(r.diagnostic));
}

std::string as_json(std::string_view name, const queue::Return& result) {
  std::string recipients;
  for (const auto& recipient : result.recipients)
    recipients += (recipients.empty() ? "" : ", ") + as_json(recipient);
  return fmt::format(
      R"({{"file": {}, "kind": {}, "format": {}, "message_id": {}, "envelope_id": {}, )"
      R"("reverse_path": {}, "filtered": {}, "feedback": {}, "recipients": [{}]}})",
      quoted(name), quoted(queue::to_text(result.kind)), quoted(result.format),
      quoted(result.original_message_id), quoted(result.original_envelope_id),
      quoted(result.original_reverse_path), result.filtered_hint, quoted(result.feedback_type),
      recipients);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    std::string message(std::istreambuf_iterator<char>(file), {});
    if (!file) {
      fmt::print(stderr, "{}: cannot be read\n", argv[i]);
      return 1;
    }
    auto result = queue::parse_return(message, reverse_path_of(message));
    fmt::print("{}\n", as_json(argv[i], result));
  }
  return 0;
}
