#include "mime/header_writer.h"

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "mime/encoded_word.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::mime {
namespace {

constexpr std::size_t wanted_line = 78;  // RFC 5322 §2.1.1
constexpr std::size_t longest_line = 998;

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, ascii::is_control);
}
bool has_8bit(std::string_view text) {
  return std::ranges::any_of(text, ascii::is_8bit);
}

bool is_token(std::string_view text) {
  auto in_token = [](char c) {
    return c > 32 && c < 127 && !std::string_view("()<>@,;:\\\"/[]?=").contains(c);
  };
  return !text.empty() && std::ranges::all_of(text, in_token);
}

Result<> check_name(std::string_view name) {
  auto in_name = [](char c) { return c > 32 && c < 127 && c != ':'; };
  if (name.empty() || name.size() > 76 || !std::ranges::all_of(name, in_name))
    return fail(Errc::invalid, "not a header field name");
  return {};
}

// Builds one field out of pieces that must not be cut, with one space or a fold between them.
class FieldBuilder {
 public:
  explicit FieldBuilder(std::string_view name) : text_(name) {
    text_ += ':';
    column_ = text_.size();
  }
  void put(std::string_view piece, std::string_view space = " ") {
    // One column is left for the comma or semicolon that may follow.
    bool fits = column_ + space.size() + piece.size() < wanted_line;
    if (!fits && has_piece_) {
      text_ += "\r\n";
      column_ = 0;
    }
    text_ += space;
    text_ += piece;
    column_ += space.size() + piece.size();
    longest_ = std::max(longest_, column_);
    has_piece_ = true;
  }
  // Behind the last piece, without space.
  void put_tight(std::string_view piece) {
    text_ += piece;
    column_ += piece.size();
    longest_ = std::max(longest_, column_);
  }
  std::size_t column() const { return column_; }

  Result<> write_to(std::string& block) && {
    if (longest_ > longest_line)
      return fail(Errc::invalid, "header line longer than 998 characters");
    block += text_;
    block += "\r\n";
    return {};
  }

 private:
  std::string text_;
  std::size_t column_ = 0;
  std::size_t longest_ = 0;
  bool has_piece_ = false;
};

void put_words(FieldBuilder& field, std::string_view utf8) {
  constexpr std::size_t longest_with_word = 76;  // RFC 2047 §2
  auto left = longest_with_word - std::min(longest_with_word, field.column() + 1);
  // Too little room for a word: the first one goes to a line of its own.
  for (const auto& word : encode_words(utf8, left < 32 ? 75 : left)) field.put(word);
}

// The pieces between runs of spaces; each run stays in front of its piece.
void put_spaced(FieldBuilder& field, std::string_view text) {
  std::string_view space = " ";
  while (!text.empty()) {
    auto end = std::min(text.find(' '), text.size());
    auto next = std::min(text.find_first_not_of(' ', end), text.size());
    field.put(text.substr(0, end), space);
    space = text.substr(end, next - end);
    text.remove_prefix(next);
  }
}

bool has_long_word(std::string_view text) {
  constexpr std::size_t long_word = 900;
  std::size_t length = 0;
  for (char c : text) {
    length = c == ' ' ? 0 : length + 1;
    if (length > long_word) return true;
  }
  return false;
}

// RFC 5322 §3.2.5 phrase.
void put_phrase(FieldBuilder& field, std::string_view name) {
  auto is_plain = [](char c) {
    return ascii::is_alnum(c) || std::string_view(" !#$%&'*+-/=?^_`{|}~").contains(c);
  };
  constexpr std::size_t longest_quoted = 200;
  if (!is_plain_header_text(name) || name.size() > longest_quoted) return put_words(field, name);
  bool atoms = std::ranges::all_of(name, is_plain) && ascii::trim(name) == name &&
               name.find("  ") == std::string_view::npos;
  if (atoms) return put_spaced(field, name);
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  field.put(quoted + '"');
}

// RFC 5322 §3.4.1: a domain has no white space, no comment and nothing that ends an address.
Result<> check_address(const Address& address, HeaderWriter::AddressCharset charset) {
  if (has_control(address.name) || has_control(address.local) || has_control(address.domain))
    return fail(Errc::invalid, "control character in an address");
  if (address.kind != Address::Kind::mailbox) return {};
  if (address.local.empty() || address.domain.empty())
    return fail(Errc::invalid, "address without local part or domain");
  std::string_view domain = address.domain;
  bool literal = domain.size() > 2 && domain.starts_with('[') && domain.ends_with(']');
  if (literal) domain = domain.substr(1, domain.size() - 2);
  auto bad = [&](char c) {
    return std::string_view(" ()<>\\\",;@[]").contains(c) || (c == ':' && !literal);
  };
  if (std::ranges::any_of(domain, bad))
    return fail(Errc::invalid, "domain with a character that no domain has");
  bool international = has_8bit(address.local) || has_8bit(address.domain);
  bool allowed = charset == HeaderWriter::AddressCharset::utf8 && is_utf8(address.local) &&
                 is_utf8(address.domain);
  if (international && !allowed) return fail(Errc::invalid, "address is not ASCII");
  return {};
}

// RFC 2231 §3, §4: `name*=UTF-8''…`, continued when it does not fit on a line.
void put_extended(FieldBuilder& field, std::string_view name, std::string_view utf8) {
  std::string encoded;
  std::vector<std::string> sections;
  auto valid = valid_utf8(utf8);
  std::size_t room = wanted_line - 20 - std::min<std::size_t>(name.size(), 40);
  auto plain = [](char c) { return ascii::is_alnum(c) || std::string_view("-._~").contains(c); };
  for (std::string_view rest = valid; !rest.empty();) {
    // Whole characters only: readers convert section by section.
    std::size_t size = 1;
    while (size < rest.size() && (static_cast<unsigned char>(rest[size]) & 0xC0) == 0x80) ++size;
    std::string piece;
    for (char c : rest.substr(0, size))
      piece += plain(c) ? std::string(1, c) : "%" + ascii::to_upper(hex_encode({&c, 1}));
    if (encoded.size() + piece.size() > room) sections.push_back(std::exchange(encoded, {}));
    encoded += piece;
    rest.remove_prefix(size);
  }
  sections.push_back(std::move(encoded));
  if (sections.size() == 1) return field.put(fmt::format("{}*=UTF-8''{}", name, sections[0]));
  for (std::size_t i = 0; i < sections.size(); ++i) {
    auto end = i + 1 < sections.size() ? ";" : "";
    field.put(fmt::format("{}*{}*={}{}{}", name, i, i == 0 ? "UTF-8''" : "", sections[i], end));
  }
}

Result<> put_parameter(FieldBuilder& field, const Parameter& parameter) {
  if (!is_token(parameter.name) || parameter.name.size() > 40 ||
      parameter.name.find_first_of("*'%") != std::string::npos)
    return fail(Errc::invalid, "not a parameter name");
  if (has_control(parameter.value)) return fail(Errc::invalid, "control character in a parameter");
  bool fits = parameter.name.size() + parameter.value.size() + 5 < wanted_line;
  bool plain = is_plain_header_text(parameter.value) && fits &&
               parameter.value.find_first_of("\"\\") == std::string::npos;
  if (!plain) {
    put_extended(field, parameter.name, parameter.value);
  } else if (is_token(parameter.value)) {
    field.put(fmt::format("{}={}", parameter.name, parameter.value));
  } else {
    field.put(fmt::format("{}=\"{}\"", parameter.name, parameter.value));
  }
  return {};
}

}  // namespace

Result<> HeaderWriter::text(std::string_view name, std::string_view utf8) {
  TRY_OK(check_name(name));
  std::string line(utf8);
  std::ranges::replace(line, '\t', ' ');
  if (has_control(line)) return fail(Errc::invalid, "control character in a header value");
  auto trimmed = ascii::trim(line);
  FieldBuilder field(name);
  if (is_plain_header_text(trimmed) && !has_long_word(trimmed) &&
      trimmed.find(std::string(wanted_line, ' ')) == std::string_view::npos) {
    put_spaced(field, trimmed);
  } else {
    put_words(field, trimmed);
  }
  return std::move(field).write_to(block_);
}

Result<> HeaderWriter::structured(std::string_view name, std::string_view ascii_text) {
  TRY_OK(check_name(name));
  if (has_control(ascii_text) || has_8bit(ascii_text))
    return fail(Errc::invalid, "structured header value is not printable ASCII");
  FieldBuilder field(name);
  put_spaced(field, ascii::trim(ascii_text));
  return std::move(field).write_to(block_);
}

Result<> HeaderWriter::addresses(std::string_view name, const AddressList& addresses) {
  TRY_OK(check_name(name));
  FieldBuilder field(name);
  bool in_group = false, need_comma = false;
  for (const auto& address : addresses) {
    TRY_OK(check_address(address, charset_));
    bool starts = address.kind == Address::Kind::group_start;
    bool ends = address.kind == Address::Kind::group_end;
    if ((starts && in_group) || (ends && !in_group) || (starts && address.name.empty()))
      return fail(Errc::invalid, "address group is not well-formed");
    if (ends) {
      field.put_tight(";");
      in_group = false;
      need_comma = true;
      continue;
    }
    if (need_comma) field.put_tight(",");
    if (!address.name.empty()) put_phrase(field, address.name);
    need_comma = !starts;
    if (starts) {
      // RFC 2047 §5: an encoded word in a phrase stands apart from what follows.
      field.put_tight(is_plain_header_text(address.name) ? ":" : " :");
      in_group = true;
    } else {
      auto spec = addr_spec(address);
      field.put(address.name.empty() ? spec : "<" + spec + ">");
    }
  }
  if (in_group) return fail(Errc::invalid, "address group is not well-formed");
  return std::move(field).write_to(block_);
}

Result<> HeaderWriter::date(std::string_view name, const Date& date) {
  return structured(name, format_date(date));
}

Result<> HeaderWriter::identifiers(std::string_view name, const std::vector<std::string>& ids) {
  TRY_OK(check_name(name));
  FieldBuilder field(name);
  for (const auto& id : ids) {
    auto bad = [](char c) { return c <= 32 || c >= 127 || c == '<' || c == '>'; };
    if (id.empty() || std::ranges::any_of(id, bad))
      return fail(Errc::invalid, "not a message identifier");
    field.put("<" + id + ">");
  }
  return std::move(field).write_to(block_);
}

Result<> HeaderWriter::parameters(std::string_view name, std::string_view value,
                                  const std::vector<Parameter>& parameters) {
  TRY_OK(check_name(name));
  auto slash = value.find('/');
  bool good = is_token(value.substr(0, slash)) &&
              (slash == std::string_view::npos || is_token(value.substr(slash + 1)));
  if (!good) return fail(Errc::invalid, "not a media type or disposition");
  FieldBuilder field(name);
  field.put(value);
  for (const auto& parameter : parameters) {
    field.put_tight(";");
    TRY_OK(put_parameter(field, parameter));
  }
  return std::move(field).write_to(block_);
}

}  // namespace todoke::mime
