#include "crypto/stored_form.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

namespace todoke::crypto {
namespace {

// Far above any real form; a hostile one is not even looked at.
constexpr std::size_t max_stored_form = 2048;

constexpr std::uint64_t max_sha_crypt_rounds = 1'000'000;  // 0.4 s; other software writes 656,000
constexpr std::uint64_t min_sha_crypt_rounds = 1000;       // crypt(3) takes no fewer
constexpr std::uint64_t max_bcrypt_cost = 14;              // 0.9 s
constexpr std::uint64_t max_slow_rounds = 500'000;         // $md5$ and $sha1$, 0.7 s
constexpr std::uint64_t max_bsdi_rounds = 1'000'000;
constexpr std::uint64_t max_argon2_memory = 262'144;  // KiB
constexpr std::uint64_t max_argon2_work = 1'048'576;  // KiB times passes
constexpr std::uint64_t max_argon2_lanes = 16;

// The base 64 of crypt(3), which is not that of RFC 4648.
bool is_crypt64(char c) {
  return ascii::is_alnum(c) || c == '.' || c == '/';
}
constexpr int crypt64_value(char c) {
  if (c == '.') return 0;
  if (c == '/') return 1;
  if (ascii::is_digit(c)) return c - '0' + 2;
  return c >= 'a' ? c - 'a' + 38 : c - 'A' + 12;
}

auto malformed(std::string_view what) {
  return fail(Errc::invalid, "not a well-formed hash: " + std::string(what));
}
auto too_costly(std::string_view what) {
  return fail(Errc::over_limit,
              "the hash would take too much work to verify: " + std::string(what));
}

// In this case only, unlike Cursor::take_word: crypt(3) and libsodium see it so.
bool take_exactly(Cursor& in, std::string_view text) {
  if (!in.rest().starts_with(text)) return false;
  in.take_bytes(text.size());
  return true;
}

// The last field of a form: `count` characters and no more.
Result<> take_hash(Cursor& in, std::size_t count) {
  auto hash = in.take_while(is_crypt64);
  if (!in.at_end()) return malformed("a character that does not belong into it");
  if (hash.size() < count) return malformed("it is cut short");
  if (hash.size() > count) return malformed("it is too long");
  return {};
}

// What crypt(3) takes as salt: visible ASCII up to the next '$', without what it refuses.
Result<> take_salt(Cursor& in, std::size_t max) {
  auto salt = in.take_while(
      [](char c) { return c > ' ' && c < 127 && !std::string_view("$!*:;\\").contains(c); });
  if (salt.size() > max) return malformed("the salt is too long");
  if (!in.take('$')) return malformed("no $ after the salt");
  return {};
}

Result<> check_md5_crypt(Cursor in) {
  TRY_OK(take_salt(in, 8));
  return take_hash(in, 22);
}

// A decimal number as the form's own writer would print it: others hash to another text.
std::optional<std::uint64_t> take_number(Cursor& in) {
  auto digits = in.take_while(ascii::is_digit);
  if (digits.starts_with('0') && digits.size() > 1) return {};
  return ascii::to_number(digits);
}

Result<> check_sha_crypt(Cursor in, std::size_t hash_length) {
  if (take_exactly(in, "rounds=")) {
    auto rounds = take_number(in);
    if (!rounds || !in.take('$')) return malformed("the number of rounds");
    if (*rounds < min_sha_crypt_rounds) return malformed("fewer than 1000 rounds");
    if (*rounds > max_sha_crypt_rounds) return too_costly("more than 1000000 rounds");
  }
  TRY_OK(take_salt(in, 16));
  return take_hash(in, hash_length);
}

Result<> check_sha256_crypt(Cursor in) {
  return check_sha_crypt(in, 43);
}
Result<> check_sha512_crypt(Cursor in) {
  return check_sha_crypt(in, 86);
}

Result<> check_bcrypt(Cursor in) {
  auto digits = in.take_bytes(2);
  auto cost = ascii::to_number(digits);
  if (!cost || !in.take('$') || *cost < 4 || *cost > 31) return malformed("the bcrypt cost");
  if (*cost > max_bcrypt_cost) return too_costly("a bcrypt cost above 14");
  // The salt's last character carries two bits, and crypt(3) clears the rest: such a hash, written
  // by some old programs, would never compare equal.
  auto salt = in.rest().substr(0, 22);
  if (salt.size() == 22 && is_crypt64(salt.back()) &&
      !std::string_view(".Oeu").contains(salt.back()))
    return malformed("the last character of the bcrypt salt has stray bits");
  return take_hash(in, 22 + 31);
}

// yescrypt names its work in three letters.  We take what crypt_gensalt(3) writes up to cost 7;
// $gy$ is the same with another digest inside.
Result<> check_yescrypt(Cursor in) {
  constexpr std::array<std::string_view, 7> affordable = {"j75", "j85", "j7T", "j8T",
                                                          "j9T", "jAT", "jBT"};
  auto work = in.take_while(is_crypt64);
  if (!in.take('$')) return malformed("no $ after the yescrypt parameters");
  if (std::ranges::find(affordable, work) == affordable.end())
    return too_costly("yescrypt parameters other than those of crypt(5) up to cost 7");
  TRY_OK(take_salt(in, 86));
  return take_hash(in, 43);
}

// scrypt: the logarithm of N in one character, r and p in five each, least significant first.
Result<> check_scrypt_crypt(Cursor in) {
  auto work = in.take_bytes(11);
  if (work.empty() || !std::ranges::all_of(work, is_crypt64))
    return malformed("the scrypt parameters");
  auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 5; ++i)
      value |= static_cast<std::uint64_t>(crypt64_value(work[at + i])) << (6 * i);
    return value;
  };
  auto log_n = crypt64_value(work[0]);
  auto r = number(1), p = number(6);
  if (log_n < 1 || r == 0 || p == 0) return malformed("the scrypt parameters");
  // 128 · N · r bytes are filled p times; N · r · p of 2^19 is 64 MiB.
  if (log_n > 19 || r * p > (std::uint64_t{1} << (19 - log_n)))
    return too_costly("scrypt parameters above 64 MiB");
  TRY_OK(take_salt(in, 86));
  return take_hash(in, 43);
}

Result<> check_sha1_crypt(Cursor in) {
  auto rounds = take_number(in);
  if (!rounds || *rounds == 0 || !in.take('$')) return malformed("the number of rounds");
  if (*rounds > max_slow_rounds) return too_costly("more than 500000 rounds");
  if (in.peek() == '$') return malformed("$sha1$ without salt");
  TRY_OK(take_salt(in, 64));
  return take_hash(in, 28);
}

// Sun's form: $md5$salt$$hash or $md5,rounds=N$salt$$hash.
Result<> check_sun_md5(Cursor in) {
  if (in.take(',')) {
    if (!take_exactly(in, "rounds=")) return malformed("the number of rounds");
    auto rounds = take_number(in);
    if (!rounds || *rounds == 0) return malformed("the number of rounds");
    if (*rounds > max_slow_rounds) return too_costly("more than 500000 rounds");
  }
  if (!in.take('$')) return malformed("no $ before the salt");
  TRY_OK(take_salt(in, 64));
  if (!in.take('$')) return malformed("no second $ after the salt");
  return take_hash(in, 22);
}

Result<> check_bsdi(Cursor in) {
  auto rounds = in.take_bytes(4);
  if (rounds.empty() || !std::ranges::all_of(rounds, is_crypt64))
    return malformed("the number of rounds");
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < 4; ++i)
    count |= static_cast<std::uint64_t>(crypt64_value(rounds[i])) << (6 * i);
  if (count == 0) return malformed("the number of rounds");
  if (count > max_bsdi_rounds) return too_costly("more than 1000000 rounds");
  return take_hash(in, 4 + 11);
}

Result<> check_des(Cursor in) {
  return take_hash(in, 2 + 11);
}

struct CryptKind {
  std::string_view prefix;
  Result<> (*check)(Cursor after_prefix);
};
// The empty prefix is traditional DES and comes last.
constexpr CryptKind crypt_kinds[] = {
    {"$1$", check_md5_crypt},
    {"$2a$", check_bcrypt},
    {"$2b$", check_bcrypt},
    {"$2y$", check_bcrypt},
    {"$5$", check_sha256_crypt},
    {"$6$", check_sha512_crypt},
    {"$7$", check_scrypt_crypt},
    {"$y$", check_yescrypt},
    {"$gy$", check_yescrypt},
    {"$md5", check_sun_md5},
    {"$sha1$", check_sha1_crypt},
    {"_", check_bsdi},
    {"", check_des},
};

// `prefixes` are those that the scheme allows, separated by spaces; empty for all.
Result<StoredForm> parse_crypt(std::string_view text, std::string_view prefixes) {
  if (text.starts_with("!") || text.starts_with("*"))
    return fail(Errc::invalid, "a locked account, not a hash: no password opens it");
  if (text.starts_with("$2x$"))
    return fail(Errc::invalid, "$2x$ hashes come from a broken bcrypt and are not verified");
  for (const auto& kind : crypt_kinds) {
    if (!text.starts_with(kind.prefix)) continue;
    if (kind.prefix.empty() && text.starts_with('$')) break;
    if (!prefixes.empty() && (kind.prefix.empty() || !prefixes.contains(kind.prefix)))
      return fail(Errc::invalid, "the hash is not of the kind that its scheme names");
    TRY_OK(kind.check(Cursor(text.substr(kind.prefix.size()))));
    return CryptForm{std::string(text)};
  }
  return fail(Errc::invalid, "a crypt(3) hash of an unknown kind");
}

// How many bytes base64 without padding holds; nothing if it is not base64.
std::optional<std::size_t> unpadded_size(std::string_view text) {
  std::string padded(text);
  if (padded.size() % 4 == 1) return {};
  while (padded.size() % 4 != 0) padded += '=';
  auto bytes = base64_decode(padded);
  return bytes ? std::optional(bytes->size()) : std::nullopt;
}

Result<std::uint64_t> take_parameter(Cursor& in, std::string_view name) {
  if (!take_exactly(in, name)) return malformed("argon2 parameters come as v=19, m=, t=, p=");
  auto value = take_number(in);
  if (!value) return malformed("an argon2 parameter is not a number");
  return *value;
}

Result<StoredForm> parse_argon2(std::string_view text, std::optional<Argon2Form::Kind> wanted) {
  Cursor in(text);
  auto kind = Argon2Form::Kind::argon2id;
  if (in.rest().starts_with("$argon2i$"))
    kind = Argon2Form::Kind::argon2i;
  else if (!in.rest().starts_with("$argon2id$"))
    return malformed("neither $argon2id$ nor $argon2i$");
  if (wanted && *wanted != kind)
    return fail(Errc::invalid, "the hash is not of the kind that its scheme names");
  in.take('$');
  in.take_until("$");
  TRY(auto version, take_parameter(in, "$v="));
  TRY(auto memory, take_parameter(in, "$m="));
  TRY(auto passes, take_parameter(in, ",t="));
  TRY(auto lanes, take_parameter(in, ",p="));
  if (version != 19) return malformed("argon2 of another version than 19");
  if (lanes < 1 || passes < 1) return malformed("argon2 needs a pass and a lane");
  if (lanes > max_argon2_lanes) return too_costly("more than 16 argon2 lanes");
  if (memory < 8 * lanes) return malformed("argon2 needs 8 KiB of memory per lane");
  if (memory > max_argon2_memory) return too_costly("more than 256 MiB of argon2 memory");
  if (passes > max_argon2_work / memory) return too_costly("too many argon2 passes");

  if (!in.take('$')) return malformed("no argon2 salt");
  auto salt = unpadded_size(in.take_until("$"));
  if (!in.take('$')) return malformed("no argon2 hash");
  auto hash = unpadded_size(in.rest());
  if (!salt || *salt < 8 || *salt > 64) return malformed("the argon2 salt");
  if (!hash || *hash < 16 || *hash > 64) return malformed("the argon2 hash");
  PasswordCost cost{static_cast<std::uint32_t>(memory), static_cast<std::uint32_t>(passes)};
  return Argon2Form{kind, cost, std::string(text)};
}

enum class Encoding { by_length, base64, hex };

std::size_t size_of(DigestForm::Kind kind) {
  switch (kind) {
    case DigestForm::Kind::md5:
      return 16;
    case DigestForm::Kind::sha1:
      return 20;
    case DigestForm::Kind::sha256:
      return 32;
    case DigestForm::Kind::sha512:
      return 64;
  }
  std::unreachable();
}

enum class Salting { none, after };

Result<StoredForm> parse_digest(std::string_view text, DigestForm::Kind kind, Salting salting,
                                Encoding encoding) {
  auto size = size_of(kind);
  if (encoding == Encoding::by_length) {
    // With a salt of any length, length tells nothing and base64 is what everyone writes.
    bool hex = salting == Salting::none && text.size() == 2 * size;
    encoding = hex ? Encoding::hex : Encoding::base64;
  }
  auto bytes = encoding == Encoding::hex ? hex_decode(text) : base64_decode(text);
  if (!bytes)
    return malformed(encoding == Encoding::hex ? "it is not hexadecimal" : "it is not base64");
  if (bytes->size() < size) return malformed("it is shorter than its digest");
  if (salting == Salting::none && bytes->size() > size)
    return malformed("it is longer than its digest; is the scheme a salted one?");
  if (salting == Salting::after && bytes->size() == size) return malformed("it has no salt");
  return DigestForm{kind, bytes->substr(0, size), bytes->substr(size)};
}

Result<StoredForm> parse_plain(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid, "the password is empty");
  if (text.size() > max_password) return fail(Errc::invalid, "the password is too long");
  return PlainForm{std::string(text)};
}

struct DigestScheme {
  std::string_view name;
  DigestForm::Kind kind;
  Salting salting;
};
constexpr DigestScheme digest_schemes[] = {
    {"SHA", DigestForm::Kind::sha1, Salting::none},
    {"SHA1", DigestForm::Kind::sha1, Salting::none},
    {"SHA256", DigestForm::Kind::sha256, Salting::none},
    {"SHA512", DigestForm::Kind::sha512, Salting::none},
    {"PLAIN-MD5", DigestForm::Kind::md5, Salting::none},
    {"LDAP-MD5", DigestForm::Kind::md5, Salting::none},
    {"SSHA", DigestForm::Kind::sha1, Salting::after},
    {"SSHA256", DigestForm::Kind::sha256, Salting::after},
    {"SSHA512", DigestForm::Kind::sha512, Salting::after},
    {"SMD5", DigestForm::Kind::md5, Salting::after},
};

struct CryptScheme {
  std::string_view name;
  std::string_view prefixes;
};
constexpr CryptScheme crypt_schemes[] = {
    {"CRYPT", ""},           {"SHA512-CRYPT", "$6$"},
    {"SHA256-CRYPT", "$5$"}, {"BLF-CRYPT", "$2a$ $2b$ $2y$"},
    {"MD5-CRYPT", "$1$"},
};

Result<StoredForm> parse_body(std::string_view name, std::optional<Encoding> suffix,
                              std::string_view body) {
  auto encoding = suffix.value_or(Encoding::by_length);
  if (name == "MD5") {
    if (!suffix && body.starts_with('$')) return parse_crypt(body, "$1$");
    return parse_digest(body, DigestForm::Kind::md5, Salting::none, encoding);
  }
  for (const auto& scheme : digest_schemes)
    if (name == scheme.name) return parse_digest(body, scheme.kind, scheme.salting, encoding);
  if (suffix) return fail(Errc::invalid, "only digest schemes take .B64 or .HEX");
  for (const auto& scheme : crypt_schemes)
    if (name == scheme.name) return parse_crypt(body, scheme.prefixes);
  if (name == "ARGON2ID") return parse_argon2(body, Argon2Form::Kind::argon2id);
  if (name == "ARGON2I") return parse_argon2(body, Argon2Form::Kind::argon2i);
  if (name == "PLAIN" || name == "CLEARTEXT" || name == "CLEAR") return parse_plain(body);
  return fail(Errc::invalid, "an unknown password scheme");
}

}  // namespace

Result<StoredForm> parse_stored_form(std::string_view stored) {
  if (stored.size() > max_stored_form) return malformed("it is far too long");
  if (stored.contains('\0')) return malformed("it contains a NUL byte");
  if (stored.starts_with("$argon2")) return parse_argon2(stored, {});
  if (stored.starts_with('$')) return parse_crypt(stored, "");
  if (!stored.starts_with('{'))
    return fail(Errc::invalid,
                "no password scheme: write {CRYPT}, {SSHA} … before the hash, or {PLAIN} before a "
                "password that is not hashed");
  auto close = stored.find('}');
  if (close == std::string_view::npos) return malformed("no } after the scheme");
  auto name = ascii::to_upper(stored.substr(1, close - 1));
  std::optional<Encoding> suffix;
  if (auto dot = name.find('.'); dot != std::string::npos) {
    auto word = name.substr(dot + 1);
    if (word == "HEX")
      suffix = Encoding::hex;
    else if (word == "B64" || word == "BASE64")
      suffix = Encoding::base64;
    else
      return fail(Errc::invalid, "an unknown encoding after the password scheme");
    name.resize(dot);
  }
  return parse_body(name, suffix, stored.substr(close + 1));
}

}  // namespace todoke::crypto
