#include "imap/syntax/command.h"

#include "base/ascii.h"
#include "base/encoding.h"
#include "imap/syntax/grammar.h"
#include "imap/syntax/parser.h"

#include <algorithm>
#include <array>
#include <limits>

namespace todoke::imap {
namespace {

constexpr std::size_t max_id_pairs = 30;  // RFC 2971 §3.3
constexpr std::size_t max_id_field = 30;
constexpr std::size_t max_id_value = 1024;
constexpr std::size_t max_enabled = 100;

template <class C>
Result<Command> parse_nothing(Parser& in) {
  TRY_OK(in.end());
  return C{};
}

template <class C>
Result<Command> parse_mailbox(Parser& in) {
  C command;
  TRY_OK(in.space());
  TRY(command.mailbox, in.mailbox());
  TRY_OK(in.end());
  return command;
}

Result<Command> parse_rename(Parser& in) {
  Rename rename;
  TRY_OK(in.space());
  TRY(rename.from, in.mailbox());
  TRY_OK(in.space());
  TRY(rename.to, in.mailbox());
  TRY_OK(in.end());
  return rename;
}

template <class C>
Result<Command> parse_transfer(Parser& in, Numbers numbers) {
  C command{.numbers = numbers};
  TRY_OK(in.space());
  TRY(command.set, in.sequence_set());
  TRY_OK(in.space());
  TRY(command.mailbox, in.mailbox());
  TRY_OK(in.end());
  return command;
}

Result<Command> parse_uid_expunge(Parser& in, Numbers) {
  Expunge expunge;
  TRY_OK(in.space());
  TRY(expunge.uids, in.sequence_set());
  TRY_OK(in.end());
  return expunge;
}

Result<Command> parse_get_quota(Parser& in) {
  GetQuota quota;
  TRY_OK(in.space());
  TRY(quota.root, in.astring("quota root"));
  TRY_OK(in.end());
  return quota;
}

// The limits are read and forgotten: nobody may set them here.
Result<Command> parse_set_quota(Parser& in) {
  SetQuota quota;
  TRY_OK(in.space());
  TRY(quota.root, in.astring("quota root"));
  TRY_OK(in.space());
  auto limit = [&]() -> Result<> {
    TRY_OK(in.atom("quota resource"));
    TRY_OK(in.space());
    TRY_OK(in.number("quota limit", std::numeric_limits<std::int64_t>::max()));
    return {};
  };
  TRY_OK(in.list(limit));
  TRY_OK(in.end());
  return quota;
}

struct Form {
  std::string_view name;
  Result<Command> (*parse)(Parser&);
};
constexpr auto forms = std::to_array<Form>({
    {"CAPABILITY", parse_nothing<Capability>},
    {"NOOP", parse_nothing<Noop>},
    {"LOGOUT", parse_nothing<Logout>},
    {"ID", parse_id},
    {"STARTTLS", parse_nothing<StartTls>},
    {"AUTHENTICATE", parse_authenticate},
    {"LOGIN", parse_login},
    {"UNAUTHENTICATE", parse_nothing<Unauthenticate>},
    {"ENABLE", parse_enable},
    {"SELECT", parse_select},
    {"EXAMINE", parse_examine},
    {"CREATE", parse_create},
    {"DELETE", parse_mailbox<Delete>},
    {"RENAME", parse_rename},
    {"SUBSCRIBE", parse_mailbox<Subscribe>},
    {"UNSUBSCRIBE", parse_mailbox<Unsubscribe>},
    {"LIST", parse_list},
    {"LSUB", parse_lsub},
    {"NAMESPACE", parse_nothing<Namespace>},
    {"STATUS", parse_status},
    {"APPEND", parse_append},
    {"IDLE", parse_nothing<Idle>},
    {"CHECK", parse_nothing<Check>},
    {"CLOSE", parse_nothing<Close>},
    {"UNSELECT", parse_nothing<Unselect>},
    {"EXPUNGE", parse_nothing<Expunge>},
    {"GETQUOTA", parse_get_quota},
    {"GETQUOTAROOT", parse_mailbox<GetQuotaRoot>},
    {"SETQUOTA", parse_set_quota},
});

// Commands on messages; behind UID they speak of UIDs.  RFC 9051 §6.4.9.
struct MessageForm {
  std::string_view name;
  Result<Command> (*parse)(Parser&, Numbers);
  bool only_with_uid = false;
};
constexpr auto message_forms = std::to_array<MessageForm>({
    {"SEARCH", parse_search},
    {"FETCH", parse_fetch},
    {"STORE", parse_store},
    {"COPY", parse_transfer<Copy>},
    {"MOVE", parse_transfer<Move>},
    {"EXPUNGE", parse_uid_expunge, true},
});

template <class Table>
auto find(const Table& table, std::string_view word) {
  return std::ranges::find_if(
      table, [&](const auto& row) { return ascii::equal_ignoring_case(row.name, word); });
}

Result<Command> parse_named(Parser& in) {
  auto word = in.word();
  if (auto form = find(forms, word); form != forms.end()) return form->parse(in);
  auto numbers = Numbers::sequence;
  if (ascii::equal_ignoring_case(word, "UID")) {
    numbers = Numbers::uid;
    TRY_OK(in.space());
    word = in.word();
  }
  auto form = find(message_forms, word);
  if (form == message_forms.end() || (form->only_with_uid && numbers != Numbers::uid))
    return word.empty() ? malformed("a command is missing") : bad_word("command", word);
  return form->parse(in, numbers);
}

}  // namespace

// RFC 2971 §3.1.
Result<Command> parse_id(Parser& in) {
  Id id;
  TRY_OK(in.space());
  auto pair = [&]() -> Result<> {
    if (id.parameters.size() == max_id_pairs)
      return fail(Errc::over_limit, "ID has more than 30 fields");
    TRY(auto field, in.string("ID field"));
    TRY_OK(in.space());
    TRY(auto value, in.nstring("ID value"));
    if (field.size() > max_id_field || (value && value->size() > max_id_value))
      return fail(Errc::over_limit, "an ID field is too long");
    id.parameters.emplace_back(std::move(field), std::move(value));
    return {};
  };
  if (!in.take_text("NIL")) TRY_OK(in.list(pair));
  TRY_OK(in.end());
  return id;
}

// RFC 9051 §6.2.2, RFC 4959 §3.
Result<Command> parse_authenticate(Parser& in) {
  Authenticate authenticate;
  TRY_OK(in.space());
  TRY(auto mechanism, in.atom("mechanism"));
  authenticate.mechanism = ascii::to_upper(mechanism);
  if (in.take(' ') && !in.at_end()) {
    auto text = in.token();
    authenticate.initial = text == "=" ? std::string() : base64_decode(text);
    if (!authenticate.initial || text.empty())
      return malformed("the initial response is not base64");
  }
  TRY_OK(in.end());
  return authenticate;
}

Result<Command> parse_login(Parser& in) {
  Login login;
  TRY_OK(in.space());
  TRY(login.user, in.astring("user name"));
  TRY_OK(in.space());
  TRY(login.password, in.astring("password"));
  TRY_OK(in.end());
  return login;
}

// RFC 9051 §6.3.1.
Result<Command> parse_enable(Parser& in) {
  Enable enable;
  TRY_OK(in.space());
  do {
    if (enable.capabilities.size() == max_enabled)
      return fail(Errc::over_limit, "too many capabilities");
    TRY(auto capability, in.atom("capability"));
    enable.capabilities.push_back(ascii::to_upper(capability));
  } while (in.take(' ') && !in.at_end());
  TRY_OK(in.end());
  return enable;
}

// RFC 9051 §6.4.6, RFC 7162 §3.1.3.
Result<Command> parse_store(Parser& in, Numbers numbers) {
  Store store{.numbers = numbers};
  TRY_OK(in.space());
  TRY(store.set, in.sequence_set());
  TRY_OK(in.space());
  auto modifier = [&]() -> Result<> {
    auto word = in.word();
    if (!ascii::equal_ignoring_case(word, "UNCHANGEDSINCE"))
      return bad_word("STORE modifier", word);
    TRY_OK(in.space());
    TRY(store.unchanged_since, in.mod_seq());
    return {};
  };
  if (in.next_is('(')) {
    TRY_OK(in.list(modifier));
    TRY_OK(in.space());
  }
  if (in.take('+'))
    store.change = Store::Change::add;
  else if (in.take('-'))
    store.change = Store::Change::remove;
  auto word = in.word();
  store.silent = ascii::equal_ignoring_case(word, "FLAGS.SILENT");
  if (!store.silent && !ascii::equal_ignoring_case(word, "FLAGS"))
    return bad_word("STORE item", word);
  TRY_OK(in.space());
  if (in.next_is('(')) {
    TRY_OK(in.flag_list(store.flags));
  } else {
    do TRY_OK(in.more_flag(store.flags));
    while (in.take(' ') && !in.at_end());
  }
  TRY_OK(in.end());
  return store;
}

Result<TaggedCommand> parse_command(std::string_view text) {
  auto is_tag_char = [](char c) { return is_astring_char(c) && c != '+'; };
  auto tag = text.substr(0, text.find(' '));
  if (tag.empty() || !std::ranges::all_of(tag, is_tag_char))
    return malformed("a command begins with a tag and a space");
  Parser in(text.substr(tag.size()));
  if (in.at_end()) return TaggedCommand{std::string(tag), malformed("a command is missing")};
  in.take(' ');
  return TaggedCommand{std::string(tag), parse_named(in)};
}

}  // namespace todoke::imap
