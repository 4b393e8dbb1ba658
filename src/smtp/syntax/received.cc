#include "smtp/syntax/received.h"

#include "base/ascii.h"

#include <utility>

namespace todoke::smtp {
namespace {

constexpr std::size_t max_text = 255;  // as long as the longest domain
constexpr std::size_t fold_at = 78;    // RFC 5322 §2.1.1

// Letters, digits and what host names, addresses, ids and cipher suites need: nothing that could
// end a comment, a clause or a line.
std::string token(std::string_view text) {
  if (text.empty()) return "unknown";
  std::string out(text.substr(0, max_text));
  for (char& c : out)
    if (!ascii::is_alnum(c) && !std::string_view("-._:[]@+=/").contains(c)) c = '?';
  return out;
}

// A date or the words about TLS: blanks and commas too.
std::string phrase(std::string_view text) {
  std::string out(text.substr(0, max_text));
  for (char& c : out)
    if (c != ' ' && c != ',') c = token({&c, 1})[0];
  return out;
}

// An address literal as it stands in the from clause (RFC 5321 §4.1.3).
std::string address_literal(std::string_view address) {
  bool is_ipv6 = address.contains(':');
  return (is_ipv6 ? "[IPv6:" : "[") + token(address) + "]";
}

// Joins the clauses of a header field, each on a new line when the last one has become too long.
class Folder {
 public:
  explicit Folder(std::string name) : out_(std::move(name)), length_(out_.size()) {}

  void add(std::string_view clause) {
    bool fits = length_ + 1 + clause.size() <= fold_at;
    out_ += fits ? " " : "\r\n\t";
    length_ = (fits ? length_ + 1 : 8) + clause.size();
    out_ += clause;
  }
  // Without a blank before it, as the semicolon wants it.
  void append(char c) {
    out_ += c;
    ++length_;
  }
  std::string finish() && {
    out_ += "\r\n";
    return std::move(out_);
  }

 private:
  std::string out_;
  std::size_t length_;
};

}  // namespace

std::string with_keyword(TransferProtocol protocol) {
  std::string keyword = protocol.utf8 ? "UTF8" : "";
  // RFC 6531 §4.3 has no UTF8ESMTP: the extension implies EHLO.
  if (protocol.lmtp)
    keyword += "LMTP";
  else
    keyword += protocol.extended && !protocol.utf8 ? "ESMTP" : "SMTP";
  // There is no keyword for TLS or AUTH after HELO, for it offers neither.
  if (!protocol.lmtp && !protocol.extended && !protocol.utf8) return keyword;
  if (protocol.tls) keyword += 'S';
  if (protocol.authenticated) keyword += 'A';
  return keyword;
}

// RFC 5321 §4.4 Time-stamp-line.
std::string render_received(const Trace& trace) {
  Folder field("Received:");
  field.add("from " + token(trace.helo));
  if (!trace.client_address.empty()) {
    auto name = trace.client_name.empty() ? "" : token(trace.client_name) + " ";
    field.add("(" + name + address_literal(trace.client_address) + ")");
  }
  field.add("by " + token(trace.host));
  field.add("with " + with_keyword(trace.protocol));
  if (!trace.tls.empty()) field.add("(" + phrase(trace.tls) + ")");
  field.add("id " + token(trace.id));
  if (trace.for_) field.add("for <" + to_text(*trace.for_) + ">");
  field.append(';');
  field.add(phrase(trace.date));
  return std::move(field).finish();
}

std::string render_return_path(const Path& reverse_path) {
  return "Return-Path: <" + to_text(reverse_path) + ">\r\n";
}

}  // namespace todoke::smtp
