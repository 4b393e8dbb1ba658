#include "base/ascii.h"
#include "base/cursor.h"
#include "mime/envelope.h"
#include "mime/limits.h"

#include <algorithm>
#include <utility>

// The stored form of an envelope, which is what IMAP sends of it: RFC 9051 §7.5.2 and §9.
namespace todoke::mime {
namespace {

bool fits_quotes(std::string_view text) {
  auto breaks = [](char c) { return ascii::is_8bit(c) || c == '\r' || c == '\n' || c == '\0'; };
  return std::ranges::none_of(text, breaks);
}

void write_string(std::string& out, std::string_view text) {
  if (fits_quotes(text)) {
    out += '"';
    for (char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
    return;
  }
  out += "{" + std::to_string(text.size()) + "}\r\n";
  auto begin = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  // No string of IMAP holds NUL.
  std::replace(out.begin() + begin, out.end(), '\0', '?');
}

void write_optional(std::string& out, const std::optional<std::string>& text) {
  if (text)
    write_string(out, *text);
  else
    out += "NIL";
}

// Empty is the same as absent.
void write_nonempty(std::string& out, std::string_view text) {
  if (text.empty())
    out += "NIL";
  else
    write_string(out, text);
}

// A group begins as an address without host, its name for the mailbox, and ends as an address of
// NIL alone.  So that a mailbox is never taken for one, what it lacks is the empty string.
void write_address(std::string& out, const Address& address) {
  switch (address.kind) {
    case Address::Kind::group_start:
      out += "(NIL NIL ";
      write_string(out, address.name);
      out += " NIL)";
      return;
    case Address::Kind::group_end:
      out += "(NIL NIL NIL NIL)";
      return;
    case Address::Kind::mailbox:
      out += '(';
      write_nonempty(out, address.name);
      out += ' ';
      write_nonempty(out, address.route);
      out += ' ';
      write_string(out, address.local);
      out += ' ';
      write_string(out, address.domain);
      out += ')';
  }
}

void write_list(std::string& out, const AddressList& list) {
  if (list.empty()) {
    out += "NIL";
    return;
  }
  out += '(';
  for (const auto& address : list) write_address(out, address);
  out += ')';
}

// Reads what is written above and nothing else; after the first bad byte everything is empty, and
// `good()` is false.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : in_(text) {}

  bool good() const { return good_; }
  bool at_end() const { return in_.at_end(); }
  void expect(char c) {
    if (!in_.take(c)) good_ = false;
  }

  std::optional<std::string> optional_text() {
    if (in_.rest().starts_with("NIL")) {
      in_.take_bytes(3);
      return {};
    }
    return in_.peek() == '{' ? literal() : quoted();
  }

  AddressList list() {
    AddressList list;
    if (in_.peek() != '(') {
      if (optional_text()) good_ = false;
      return list;
    }
    in_.take('(');
    while (good_ && in_.peek() == '(') {
      if (list.size() == max_addresses) good_ = false;
      if (good_) list.push_back(address());
    }
    if (list.empty()) good_ = false;
    expect(')');
    return list;
  }

 private:
  std::string quoted() {
    std::string text;
    expect('"');
    while (good_ && !in_.take('"')) {
      auto run = in_.take_until("\"\\");
      if (!fits_quotes(run) || in_.at_end()) good_ = false;
      text += run;
      if (in_.take('\\')) {
        char escaped = in_.peek();
        if (escaped != '"' && escaped != '\\') good_ = false;
        text += escaped;
        in_.take(escaped);
      }
    }
    return text;
  }

  std::string literal() {
    in_.take('{');
    auto digits = in_.take_while(ascii::is_digit);
    auto size = ascii::to_number(digits);
    expect('}');
    expect('\r');
    expect('\n');
    if (!size || digits.starts_with('0') || *size > in_.rest().size()) good_ = false;
    if (!good_) return {};
    std::string text(in_.take_bytes(static_cast<std::size_t>(*size)));
    if (text.contains('\0') || fits_quotes(text)) good_ = false;
    return text;
  }

  std::string nonempty() {
    auto text = optional_text();
    if (text && text->empty()) good_ = false;
    return std::move(text).value_or("");
  }

  Address address() {
    Address address;
    expect('(');
    address.name = nonempty();
    expect(' ');
    address.route = nonempty();
    expect(' ');
    auto local = optional_text();
    expect(' ');
    auto domain = optional_text();
    expect(')');
    if (!domain) {
      // A group's beginning or its end.
      if (!address.name.empty() || !address.route.empty()) good_ = false;
      address.kind = local ? Address::Kind::group_start : Address::Kind::group_end;
      address.name = std::move(local).value_or("");
      return address;
    }
    if (!local) good_ = false;
    address.local = std::move(local).value_or("");
    address.domain = *std::move(domain);
    return address;
  }

  Cursor in_;
  bool good_ = true;
};

}  // namespace

std::string encode(const Envelope& envelope) {
  std::string out = "(";
  write_optional(out, envelope.date);
  out += ' ';
  write_optional(out, envelope.subject);
  for (const auto* list : {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to,
                           &envelope.cc, &envelope.bcc}) {
    out += ' ';
    write_list(out, *list);
  }
  out += ' ';
  write_optional(out, envelope.in_reply_to);
  out += ' ';
  write_optional(out, envelope.message_id);
  out += ')';
  return out;
}

Result<Envelope> decode_envelope(std::string_view text) {
  TextReader in(text);
  Envelope envelope;
  in.expect('(');
  envelope.date = in.optional_text();
  in.expect(' ');
  envelope.subject = in.optional_text();
  for (auto* list : {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to,
                     &envelope.cc, &envelope.bcc}) {
    in.expect(' ');
    *list = in.list();
  }
  in.expect(' ');
  envelope.in_reply_to = in.optional_text();
  in.expect(' ');
  envelope.message_id = in.optional_text();
  in.expect(')');
  if (!in.good() || !in.at_end()) return fail(Errc::corrupt, "stored envelope is damaged");
  return envelope;
}

}  // namespace todoke::mime
