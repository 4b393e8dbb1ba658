#include "crypto/scram_message.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace todoke::crypto {
namespace {

auto refuse(std::string_view error, std::string text) {
  return std::unexpected(ScramRefusal{"e=" + std::string(error), std::move(text)});
}
auto malformed(std::string text) {
  return refuse("other-error", std::move(text));
}
auto bad_server_message(std::string text) {
  return fail(Errc::invalid, "SCRAM message of the server: " + std::move(text));
}

// Messages are UTF-8 without NUL (RFC 5802 §7, value-safe-char).
bool is_text(std::string_view message) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(message.data());
  auto size = static_cast<std::int32_t>(message.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 code_point = 0;
    U8_NEXT(bytes, at, size, code_point);  // NOLINT(bugprone-inc-dec-in-conditions): a macro of ICU
    if (code_point <= 0) return false;
  }
  return true;
}

ScramResult<void> check_text(std::string_view message) {
  if (message.size() > max_scram_message) return malformed("message too long");
  if (!is_text(message)) return refuse("invalid-encoding", "message is not UTF-8 text");
  return {};
}

// `x=value`, the value not empty.  Consumes nothing if it is not that.
std::optional<std::string_view> take_attribute(Cursor& in, char name) {
  auto value = in.rest();
  if (value.size() < 3 || value[0] != name || value[1] != '=' || value[2] == ',') return {};
  in.take_bytes(2);
  return in.take_until(",");
}

// Any attribute that we do not know and may ignore.  False when it is malformed.
bool skip_extension(Cursor& in) {
  return ascii::is_alpha(in.peek()) && take_attribute(in, in.peek()).has_value();
}
bool skip_extensions(Cursor& in) {
  while (in.take(','))
    if (!skip_extension(in)) return false;
  return in.at_end();
}

bool is_nonce(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

bool is_binding_type(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return ascii::is_alnum(c) || c == '.' || c == '-';
  });
}

// RFC 5802 §5.1: '=' stands only in =2C and =3D.
std::optional<std::string> unescape_saslname(std::string_view name) {
  std::string out;
  Cursor in(name);
  while (!in.at_end()) {
    out += in.take_until("=");
    if (in.at_end()) break;
    auto escape = in.take_bytes(3);
    if (escape == "=2C")
      out += ',';
    else if (escape == "=3D")
      out += '=';
    else
      return {};
  }
  return out;
}

// gs2-header = gs2-cbind-flag "," [ authzid ] ","
ScramResult<void> take_gs2_header(Cursor& in, ScramClientFirst& out) {
  using Flag = ScramClientFirst::Flag;
  if (auto type = take_attribute(in, 'p')) {
    if (!is_binding_type(*type)) return malformed("not a channel binding type");
    out.flag = Flag::bound;
    out.binding_type = *type;
  } else if (in.take('y')) {
    out.flag = Flag::not_offered;
  } else if (!in.take('n')) {
    return malformed("no channel binding flag");
  }
  if (!in.take(',')) return malformed("no comma after the channel binding flag");
  if (auto identity = take_attribute(in, 'a')) {
    auto name = unescape_saslname(*identity);
    if (!name)
      return refuse("invalid-username-encoding", "a stray = in the authorization identity");
    out.authorization_identity = *std::move(name);
  }
  if (!in.take(',')) return malformed("no comma after the authorization identity");
  return {};
}

}  // namespace

// RFC 5802 §7, client-first-message.
ScramResult<ScramClientFirst> parse_client_first(std::string_view message) {
  TRY_OK(check_text(message));
  Cursor in(message);
  ScramClientFirst out;
  TRY_OK(take_gs2_header(in, out));
  out.gs2_header = message.substr(0, in.offset());
  out.bare = in.rest();
  // A mandatory extension: there are none, so whoever sends one needs what we cannot do.
  if (take_attribute(in, 'm')) return refuse("extensions-not-supported", "a mandatory extension");
  auto escaped = take_attribute(in, 'n');
  if (!escaped) return malformed("no user name");
  auto name = unescape_saslname(*escaped);
  if (!name) return refuse("invalid-username-encoding", "a stray = in the user name");
  out.user_name = *std::move(name);
  if (!in.take(',')) return malformed("no comma after the user name");
  auto nonce = take_attribute(in, 'r');
  if (!nonce || !is_nonce(*nonce)) return malformed("no nonce");
  out.nonce = *nonce;
  if (!skip_extensions(in)) return malformed("not an extension after the nonce");
  return out;
}

// RFC 5802 §7, client-final-message.
ScramResult<ScramClientFinal> parse_client_final(std::string_view message) {
  TRY_OK(check_text(message));
  Cursor in(message);
  ScramClientFinal out;
  auto binding_text = take_attribute(in, 'c');
  if (!binding_text || !in.take(',')) return malformed("no channel binding");
  auto binding = base64_decode(*binding_text);
  if (!binding) return refuse("invalid-encoding", "the channel binding is not base64");
  out.binding = *std::move(binding);
  auto nonce = take_attribute(in, 'r');
  if (!nonce || !is_nonce(*nonce)) return malformed("no nonce");
  out.nonce = *nonce;
  for (;;) {
    out.without_proof = message.substr(0, in.offset());
    if (!in.take(',')) return malformed("no proof");
    if (in.peek() == 'p') break;
    if (!skip_extension(in)) return malformed("not an extension before the proof");
  }
  auto proof_text = take_attribute(in, 'p');
  if (!proof_text || !in.at_end()) return malformed("the proof is not the last attribute");
  auto proof = base64_decode(*proof_text);
  if (!proof) return refuse("invalid-encoding", "the proof is not base64");
  out.proof = *std::move(proof);
  return out;
}

// RFC 5802 §7, server-first-message.
Result<ScramServerFirst> parse_server_first(std::string_view message) {
  if (auto text = check_text(message); !text) return bad_server_message(text.error().text);
  Cursor in(message);
  if (take_attribute(in, 'm')) return bad_server_message("a mandatory extension");
  ScramServerFirst out;
  auto nonce = take_attribute(in, 'r');
  if (!nonce || !is_nonce(*nonce) || !in.take(',')) return bad_server_message("no nonce");
  out.nonce = *nonce;
  auto salt_text = take_attribute(in, 's');
  if (!salt_text || !in.take(',')) return bad_server_message("no salt");
  auto salt = base64_decode(*salt_text);
  if (!salt) return bad_server_message("the salt is not base64");
  out.salt = *std::move(salt);
  auto count = take_attribute(in, 'i');
  auto iterations = count ? ascii::to_number(*count) : std::nullopt;
  if (!iterations) return bad_server_message("no iteration count");
  out.iterations = *iterations;
  if (!skip_extensions(in)) return bad_server_message("not an extension at its end");
  return out;
}

// RFC 5802 §7, server-final-message.
Result<std::string> parse_server_final(std::string_view message) {
  if (auto text = check_text(message); !text) return bad_server_message(text.error().text);
  Cursor in(message);
  if (auto error = take_attribute(in, 'e'))
    return fail(Errc::denied, "the server refused: " + std::string(*error));
  auto signature_text = take_attribute(in, 'v');
  if (!signature_text || !skip_extensions(in)) return bad_server_message("no signature");
  auto signature = base64_decode(*signature_text);
  if (!signature) return bad_server_message("the signature is not base64");
  return *std::move(signature);
}

std::string escape_saslname(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out += c;
  }
  return out;
}

}  // namespace todoke::crypto
