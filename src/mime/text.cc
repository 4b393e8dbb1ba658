#include "mime/text.h"

#include "base/utf8.h"

#include <algorithm>

namespace todoke::mime {
namespace {

std::string_view charset_of(const Part& part) {
  const auto* charset = part.parameters.find("charset");
  return charset == nullptr ? std::string_view() : *charset;
}

}  // namespace

PartTextDecoder::PartTextDecoder(const Part& part)
    : transfer_(transfer_encoding(part.encoding)), text_(charset_of(part)) {}

void PartTextDecoder::feed(std::string_view bytes, std::string& out) {
  constexpr std::size_t step = 65'536;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    decoded_.clear();
    transfer_.feed(bytes.substr(0, step), decoded_);
    text_.feed(decoded_, out);
  }
}

void PartTextDecoder::finish(std::string& out) {
  decoded_.clear();
  transfer_.finish(decoded_);
  text_.feed(decoded_, out);
  text_.finish(out);
}

std::string decoded_text(const Part& part, std::string_view body, std::size_t max_output) {
  constexpr std::size_t step = 65'536;
  std::string out;
  PartTextDecoder decoder(part);
  for (; !body.empty() && out.size() < max_output; body.remove_prefix(std::min(step, body.size())))
    decoder.feed(body.substr(0, step), out);
  if (body.empty()) decoder.finish(out);
  out.resize(utf8_prefix(out, max_output).size());
  return out;
}

std::string decoded_bytes(const Part& part, std::string_view body) {
  return decode_transfer(body, transfer_encoding(part.encoding));
}

}  // namespace todoke::mime
