#include "smtp/syntax/command.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "smtp/syntax/xtext.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace todoke::smtp {
namespace {

using Parsed = std::expected<Command, Reply>;

constexpr std::size_t max_envid = 100;               // RFC 3461 §4.4, as encoded
constexpr std::size_t max_original_recipient = 500;  // RFC 3461 §4.2, as encoded
constexpr std::size_t max_mechanism = 20;            // RFC 4422 §3.1

constexpr EnhancedCode bad_recipient_syntax{5, 1, 3};
constexpr EnhancedCode bad_sender_syntax{5, 1, 7};
constexpr EnhancedCode invalid_command{5, 5, 1};
constexpr EnhancedCode syntax_error{5, 5, 2};
constexpr EnhancedCode invalid_arguments{5, 5, 4};
constexpr EnhancedCode needs_smtp_utf8{5, 6, 7};  // RFC 6531 §3.5

std::unexpected<Reply> refuse(int code, EnhancedCode enhanced, std::string text) {
  return std::unexpected(make_reply(code, enhanced, std::move(text)));
}

// Each parameter of MAIL and RCPT has a setter, which answers false when the value is bad.
using Value = std::optional<std::string_view>;  // nothing: the keyword stood without "="

template <class C>
struct Parameter {
  std::string_view keyword;
  bool (*set)(C&, Value);
};

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// RFC 1870 §6: up to 20 digits, which may be more than 64 bits hold.
bool set_size(Mail& mail, Value value) {
  if (!value || value->empty() || value->size() > 20) return false;
  if (!std::ranges::all_of(*value, ascii::is_digit)) return false;
  mail.size = ascii::to_number(*value).value_or(std::numeric_limits<std::uint64_t>::max());
  return true;
}

bool set_body(Mail& mail, Value value) {
  if (!value) return false;
  if (ascii::equal_ignoring_case(*value, "7BIT"))
    mail.body = Body::seven_bit;
  else if (ascii::equal_ignoring_case(*value, "8BITMIME"))
    mail.body = Body::eight_bit_mime;
  else if (ascii::equal_ignoring_case(*value, "BINARYMIME"))
    mail.body = Body::binary_mime;
  else
    return false;
  return true;
}

bool set_smtp_utf8(Mail& mail, Value value) {
  mail.smtp_utf8 = true;
  return !value;
}

bool set_require_tls(Mail& mail, Value value) {
  mail.require_tls = true;
  return !value;
}

bool set_auth(Mail& mail, Value value) {
  if (!value || value->empty()) return false;
  mail.auth = xtext_decode(*value);
  if (mail.auth == "<>") mail.auth->clear();
  return mail.auth && std::ranges::none_of(*mail.auth, ascii::is_control);
}

bool set_ret(Mail& mail, Value value) {
  if (!value) return false;
  if (ascii::equal_ignoring_case(*value, "FULL"))
    mail.ret = Ret::full;
  else if (ascii::equal_ignoring_case(*value, "HDRS"))
    mail.ret = Ret::headers;
  return mail.ret.has_value();
}

bool set_envid(Mail& mail, Value value) {
  if (!value || value->empty() || value->size() > max_envid) return false;
  mail.envid = xtext_decode(*value);
  return mail.envid && is_printable_ascii(*mail.envid);
}

constexpr Parameter<Mail> mail_parameters[] = {
    {"SIZE", set_size},   {"BODY", set_body}, {"SMTPUTF8", set_smtp_utf8},
    {"AUTH", set_auth},   {"RET", set_ret},   {"REQUIRETLS", set_require_tls},
    {"ENVID", set_envid},
};

bool set_notify(Rcpt& rcpt, Value value) {
  if (!value) return false;
  Notify notify;
  if (!ascii::equal_ignoring_case(*value, "NEVER")) {
    Cursor cursor(*value);
    do {
      auto word = cursor.take_until(",");
      if (ascii::equal_ignoring_case(word, "SUCCESS"))
        notify.success = true;
      else if (ascii::equal_ignoring_case(word, "FAILURE"))
        notify.failure = true;
      else if (ascii::equal_ignoring_case(word, "DELAY"))
        notify.delay = true;
      else
        return false;
    } while (cursor.take(','));
  }
  rcpt.notify = notify;
  return true;
}

bool set_original_recipient(Rcpt& rcpt, Value value) {
  if (!value || value->size() > max_original_recipient) return false;
  Cursor cursor(*value);
  OriginalRecipient original;
  original.type = cursor.take_while([](char c) { return ascii::is_alnum(c) || c == '-'; });
  if (original.type.empty() || !cursor.take(';') || cursor.at_end()) return false;
  bool is_utf8_type = ascii::equal_ignoring_case(original.type, "utf-8");
  auto address = is_utf8_type ? utf8_address_decode(cursor.rest()) : xtext_decode(cursor.rest());
  if (!address || std::ranges::any_of(*address, ascii::is_control)) return false;
  if (!is_utf8_type && !is_printable_ascii(*address)) return false;
  original.address = *std::move(address);
  rcpt.original_recipient = std::move(original);
  return true;
}

constexpr Parameter<Rcpt> rcpt_parameters[] = {
    {"NOTIFY", set_notify},
    {"ORCPT", set_original_recipient},
};

// RFC 5321 §4.1.2: *(SP esmtp-param), behind the path.
template <class C, std::size_t N>
std::expected<void, Reply> take_parameters(Cursor& cursor, const Parameter<C> (&known)[N],
                                           C& command) {
  unsigned seen = 0;
  while (!cursor.at_end()) {
    if (!cursor.take(' '))
      return refuse(501, syntax_error, "There must be a space behind the address");
    cursor.skip_spaces();
    auto word = cursor.take_until(" ");
    auto keyword = word.substr(0, word.find('='));
    Value value;
    if (keyword.size() < word.size()) value = word.substr(keyword.size() + 1);

    auto is_it = [&](const auto& p) { return ascii::equal_ignoring_case(p.keyword, keyword); };
    auto found = std::ranges::find_if(known, is_it);
    if (found == std::end(known))
      return refuse(555, invalid_arguments, "Parameter not known: " + std::string(keyword));
    auto bit = 1U << (found - std::begin(known));
    std::string name(found->keyword);
    if ((seen & bit) != 0) return refuse(501, invalid_arguments, name + " is given twice");
    seen |= bit;
    if (!found->set(command, value)) return refuse(501, invalid_arguments, "Bad value of " + name);
  }
  return {};
}

// Each command's parser gets what follows the verb, without blanks at either end.

template <class C>
Parsed without_argument(std::string_view argument) {
  if (!argument.empty()) return refuse(501, invalid_arguments, "This command takes no argument");
  return C{};
}

template <class C>
Parsed greeting(std::string_view name) {
  if (name.empty()) return refuse(501, invalid_arguments, "Say who you are");
  if (name.size() > max_domain) return refuse(501, invalid_arguments, "The name is too long");
  return C{std::string(name)};
}

// RFC 5321 §4.1.1.2.
Parsed parse_mail(std::string_view argument) {
  Cursor cursor(argument);
  if (!cursor.take_word("FROM:"))
    return refuse(501, syntax_error, "The command is: MAIL FROM:<address>");
  auto from = take_reverse_path(cursor);
  if (!from) return refuse(501, bad_sender_syntax, std::move(from).error().text);
  Mail mail;
  mail.from = *std::move(from);
  TRY_OK(take_parameters(cursor, mail_parameters, mail));
  if (!mail.smtp_utf8 && needs_utf8(mail.from))
    return refuse(553, needs_smtp_utf8, "This address needs SMTPUTF8");
  return mail;
}

// RFC 5321 §4.1.1.3.
Parsed parse_rcpt(std::string_view argument) {
  Cursor cursor(argument);
  if (!cursor.take_word("TO:"))
    return refuse(501, syntax_error, "The command is: RCPT TO:<address>");
  auto to = take_forward_path(cursor);
  if (!to) return refuse(501, bad_recipient_syntax, std::move(to).error().text);
  Rcpt rcpt;
  rcpt.to = *std::move(to);
  TRY_OK(take_parameters(cursor, rcpt_parameters, rcpt));
  return rcpt;
}

// RFC 3030 §2.
Parsed parse_bdat(std::string_view argument) {
  Cursor cursor(argument);
  auto size = ascii::to_number(cursor.take_until(" "));
  cursor.skip_spaces();
  bool last = cursor.take_word("LAST");
  if (!size || !cursor.at_end())
    return refuse(501, invalid_arguments, "The command is: BDAT size [LAST]");
  return Bdat{*size, last};
}

// RFC 6531 §3.7.4.2: the word SMTPUTF8 behind the argument.
template <class C>
Parsed parse_question(std::string_view argument) {
  constexpr std::string_view word = " SMTPUTF8";
  auto at = argument.size() - std::min(argument.size(), word.size());
  bool smtp_utf8 = ascii::equal_ignoring_case(argument.substr(at), word);
  if (smtp_utf8) argument = ascii::trim(argument.substr(0, at));
  if (argument.empty()) return refuse(501, invalid_arguments, "Say what you look for");
  return C{std::string(argument), smtp_utf8};
}

// RFC 4954 §4.
Parsed parse_auth(std::string_view argument) {
  Cursor cursor(argument);
  auto mechanism =
      cursor.take_while([](char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; });
  bool is_name = !mechanism.empty() && mechanism.size() <= max_mechanism;
  if (!is_name || (!cursor.at_end() && cursor.peek() != ' '))
    return refuse(501, invalid_arguments, "The command is: AUTH mechanism [initial response]");
  Auth auth{.mechanism = ascii::to_upper(mechanism), .initial = {}};
  cursor.skip_spaces();
  if (cursor.at_end()) return auth;
  auto response = cursor.rest();
  auth.initial = base64_decode(response == "=" ? "" : response);
  if (!auth.initial) return refuse(501, syntax_error, "The response is not base64");
  return auth;
}

Parsed parse_verb(std::string_view verb, std::string_view argument) {
  using ascii::keyword;
  switch (keyword(verb)) {
    case keyword("EHLO"):
      return greeting<Ehlo>(argument);
    case keyword("HELO"):
      return greeting<Helo>(argument);
    case keyword("LHLO"):
      return greeting<Lhlo>(argument);
    case keyword("MAIL"):
      return parse_mail(argument);
    case keyword("RCPT"):
      return parse_rcpt(argument);
    case keyword("DATA"):
      return without_argument<Data>(argument);
    case keyword("BDAT"):
      return parse_bdat(argument);
    case keyword("RSET"):
      return without_argument<Rset>(argument);
    case keyword("NOOP"):
      return Noop{};
    case keyword("QUIT"):
      return without_argument<Quit>(argument);
    case keyword("HELP"):
      return Help{std::string(argument)};
    case keyword("VRFY"):
      return parse_question<Vrfy>(argument);
    case keyword("EXPN"):
      return parse_question<Expn>(argument);
    case keyword("STARTTLS"):
      return without_argument<StartTls>(argument);
    case keyword("AUTH"):
      return parse_auth(argument);
    // RFC 5321 §4.2.4: known and not implemented is not the same as unknown.
    case keyword("ETRN"):
    case keyword("TURN"):
    case keyword("ATRN"):
    case keyword("SEND"):
    case keyword("SOML"):
    case keyword("SAML"):
    case keyword("BURL"):
      return refuse(502, invalid_command, "We do not have this command");
    default:
      return refuse(500, syntax_error, "This is no command we know");
  }
}

}  // namespace

Parsed parse_command(std::string_view line) {
  if (std::ranges::any_of(line, ascii::is_control))
    return refuse(500, syntax_error, "Control characters are not allowed");
  Cursor cursor(line);
  auto verb = cursor.take_until(" ");
  return parse_verb(verb, ascii::trim(cursor.rest()));
}

}  // namespace todoke::smtp
