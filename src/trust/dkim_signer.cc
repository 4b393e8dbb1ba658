#include "trust/dkim_signer.h"

#include "base/ascii.h"
#include "base/assert.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "mime/header.h"
#include "trust/dkim_canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

namespace todoke::trust {
namespace {

// RFC 6376 §5.4.1, and what came after it: what the big receivers show or act upon.  Trace fields,
// Return-Path and Bcc are changed on the way and stay out.
constexpr auto signed_names = std::to_array<std::string_view>({"From",
                                                               "Sender",
                                                               "Reply-To",
                                                               "To",
                                                               "Cc",
                                                               "Subject",
                                                               "Date",
                                                               "Message-ID",
                                                               "In-Reply-To",
                                                               "References",
                                                               "MIME-Version",
                                                               "Content-Type",
                                                               "Content-Transfer-Encoding",
                                                               "Content-Disposition",
                                                               "Content-ID",
                                                               "Content-Description",
                                                               "Content-Language",
                                                               "Resent-Date",
                                                               "Resent-From",
                                                               "Resent-Sender",
                                                               "Resent-To",
                                                               "Resent-Cc",
                                                               "Resent-Message-ID",
                                                               "List-Id",
                                                               "List-Help",
                                                               "List-Unsubscribe",
                                                               "List-Unsubscribe-Post",
                                                               "List-Subscribe",
                                                               "List-Post",
                                                               "List-Owner",
                                                               "List-Archive",
                                                               "Feedback-ID",
                                                               "Auto-Submitted",
                                                               "Precedence",
                                                               "Importance",
                                                               "Disposition-Notification-To"});

constexpr std::size_t line_length = 76;

// What all signatures of one message share.
struct SignedHeader {
  std::string names;      // what h= holds, folded, with its semicolon
  std::string canonical;  // what h= names, in that order
};

// Folds a list so that no line is longer than line_length, where a single item allows it.
class Folder {
 public:
  Folder(std::string& out, std::size_t column) : out_(out), column_(column) {}
  void put(std::string_view item) {
    if (column_ + item.size() > line_length && column_ > 1) {
      out_ += "\r\n\t";
      column_ = 1;
    }
    out_ += item;
    column_ += item.size();
  }

 private:
  std::string& out_;
  std::size_t column_;
};

// RFC 6376 §5.4.2: of several fields of a name the last is signed first.
SignedHeader read_header(std::string_view block) {
  const auto fields = mime::split_header(block);
  std::array<std::vector<const mime::HeaderField*>, signed_names.size()> found;
  for (const auto& field : fields) {
    auto same = [&](std::string_view name) { return ascii::equal_ignoring_case(name, field.name); };
    auto name = std::ranges::find_if(signed_names, same);
    if (name != signed_names.end())
      found[static_cast<std::size_t>(name - signed_names.begin())].push_back(&field);
  }

  SignedHeader header;
  header.canonical.reserve(block.size());
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < signed_names.size(); ++i) {
    names.insert(names.end(), found[i].size() + (signed_names[i] == "From" ? 1 : 0),
                 signed_names[i]);
    for (auto field = found[i].rbegin(); field != found[i].rend(); ++field)
      append_canonical_field(header.canonical, Canonicalization::relaxed, (*field)->name,
                             (*field)->raw_value);
  }
  Folder folded(header.names, std::string_view("\th=").size());
  for (const auto& name : names)
    folded.put(fmt::format("{}{}", name, &name == &names.back() ? ";" : ":"));
  return header;
}

// The wire has no bare CR: DotStuffer makes a line end of it, and then another field may begin.
std::string with_line_feeds(std::string_view block) {
  std::string out;
  out.reserve(block.size());
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (block[i] != '\r')
      out += block[i];
    else if (i + 1 == block.size() || block[i + 1] != '\n')
      out += '\n';
  }
  return out;
}

std::int64_t unix_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

bool is_domain_text(std::string_view text) {
  auto fits = [](char c) { return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_'; };
  return !text.empty() && std::ranges::all_of(text, fits);
}

// RFC 6376 §3.5, up to and with "b=".
std::string unsigned_value(const SignedHeader& header, std::string_view body_hash,
                           const DkimIdentity& identity, Time now, const DkimOptions& options) {
  TODOKE_ASSERT(is_domain_text(identity.domain) && is_domain_text(identity.selector));
  auto algorithm = identity.key->algorithm() == crypto::KeyAlgorithm::rsa ? "rsa" : "ed25519";
  auto value = fmt::format(" v=1; a={}-sha256; c=relaxed/relaxed;\r\n\td={}; s={};\r\n\tt={};",
                           algorithm, identity.domain, identity.selector, unix_seconds(now));
  if (options.expires) value += fmt::format(" x={};", unix_seconds(*options.expires));
  value += fmt::format("\r\n\th={}\r\n\tbh={};\r\n\tb=", header.names, base64_encode(body_hash));
  return value;
}

// RFC 6376 §3.7: the signed fields, then this one, as yet without b= and without a line end.
std::string sign(const SignedHeader& header, std::string_view body_hash,
                 const DkimIdentity& identity, Time now, const DkimOptions& options) {
  constexpr std::string_view name = "DKIM-Signature";
  auto value = unsigned_value(header, body_hash, identity, now, options);
  auto data = header.canonical;
  append_canonical_field(data, Canonicalization::relaxed, name, value);
  data.resize(data.size() - 2);

  auto signature = base64_encode(identity.key->sign(crypto::sha256(data)));
  auto field = fmt::format("{}:{}", name, value);
  Folder folded(field, std::string_view("\tb=").size());
  for (std::size_t at = 0; at < signature.size();) {
    auto piece =
        std::string_view(signature).substr(at, at == 0 ? line_length - 3 : line_length - 1);
    folded.put(piece);
    at += piece.size();
  }
  return field += "\r\n";
}

}  // namespace

std::string sign_dkim(std::string_view header_block, std::string_view body_hash,
                      std::span<const DkimIdentity> identities, Time now,
                      const DkimOptions& options) {
  TODOKE_ASSERT(body_hash.size() == 32);
  std::string plain;
  if (header_block.find('\r') != std::string_view::npos) plain = with_line_feeds(header_block);
  const auto header = read_header(plain.empty() ? header_block : plain);
  std::string fields;
  for (const auto& identity : identities) fields += sign(header, body_hash, identity, now, options);
  return fields;
}

std::string sign_dkim(std::string_view header_block, std::string_view body_hash,
                      const DkimIdentity& identity, Time now, const DkimOptions& options) {
  return sign_dkim(header_block, body_hash, std::span(&identity, 1), now, options);
}

}  // namespace todoke::trust
