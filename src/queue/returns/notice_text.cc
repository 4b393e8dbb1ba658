#include "queue/returns/notice_text.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "queue/returns/notice_lines.h"
#include "queue/returns/reply_words.h"
#include "queue/returns/report_fields.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace todoke::queue {
namespace {

// What a form looks like: every member that is not empty must occur, in lower case.
struct Form {
  std::string_view name;
  std::string_view from;
  std::string_view subject;
  std::string_view text;
  std::string_view field;  // name of a header field
};

// The first that fits decides.
constexpr Form forms[] = {
    {"ezweb", "postmaster@ezweb.ne.jp", "", "", ""},
    {"ezweb", "postmaster@au.com", "", "", ""},
    {"ezweb", "", "mail system error - returned mail", "", ""},
    {"kddi", ".dion.ne.jp", "", "your mail ", ""},
    {"kddi", "", "", "your mail sent on", ""},
    {"kddi", "", "", "your mail attempted to be delivered on", ""},
    {"biglobe", "", "", "----- non-delivered information -----", ""},
    {"m-filter", "", "failure notice", "-------server message", ""},
    {"yahoo", "", "", "unable to deliver message to the following address", ""},
    {"qmail", "", "", "hi. this is the ", ""},
    {"qmail", "", "failure notice", "", ""},
    {"exim", "", "", "created automatically by mail delivery software", ""},
    {"exim", "", "", "a message that you sent could not be delivered", ""},
    {"gmail", "googlemail.com", "", "delivery to the following recipient", ""},
    {"gmail", "google", "", "", "X-Failed-Recipients"},
    {"courier", "courier mail server", "", "", ""},
    {"postfix", "", "", "this is the mail system at host", ""},
    {"postfix", "", "", "the postfix program", ""},
    {"postfix", "", "undelivered mail returned to sender", "", ""},
    {"exchange", "", "", "did not reach the following recipient", ""},
    {"exchange", "", "", "diagnostic information for administrators:", ""},
    {"domino", "", "delivery failure:", "", ""},
    {"domino", "", "delivery_failure:", "", ""},
    {"notes", "", "", "------- failure reasons", ""},
    {"sendmail", "", "", "----- transcript of session follows -----", ""},
    {"sendmail", "", "", "----- the following addresses had", ""},
    {"x-failed-recipients", "", "", "", "X-Failed-Recipients"},
};

std::string_view form_of(const Material& m) {
  for (const auto& form : forms) {
    bool fits = (form.from.empty() || m.from_lower.contains(form.from)) &&
                (form.subject.empty() || m.subject_lower.contains(form.subject)) &&
                (form.text.empty() || m.text_lower.contains(form.text)) &&
                (form.field.empty() || mime::find_field(m.header, form.field) != nullptr);
    if (fits) return form.name;
  }
  return {};
}

// What people do not write above a letter with a null sender; for servers that call themselves by
// other names.
bool subject_says_failure(const Material& m) {
  for (auto answer : {"re:", "fw:", "fwd:"})
    if (m.subject_lower.starts_with(answer)) return false;
  return contains_any(m.subject_lower,
                      {"undeliver", "not be delivered", "returned mail", "delivery fail",
                       "non-delivery", "delivery status", "delivery problem", "delivery warning",
                       "failure notice", "mail delivery", "配信エラー", "配信でき", "送信エラー",
                       "エラーメール", "宛先不明", "配信不能", "配送エラー"});
}

// Words without which a mail of an unknown form is no notice of failure.
bool says_failure(const Material& m) {
  for (const auto* text : {&m.subject_lower, &m.text_lower})
    if (contains_any(
            *text,
            {"undeliver",         "not be delivered",  "not delivered",   "delivery fail",
             "failed to deliver", "unable to deliver", "delivery status", "failure notice",
             "user unknown",      "unknown user",      "returned mail",   "returned to sender",
             "delivery error",    "mail delivery",     "rejected",        "配信でき",
             "配送でき",          "お届けでき",        "届けられ",        "送信でき",
             "配信不能",          "配信失敗",          "配送失敗",        "送達でき",
             "宛先不明",          "エラーメール"}))
      return true;
  return false;
}

// X-Failed-Recipients: addresses with commas between them.
void add_failed_recipients(const Material& m, Return& out) {
  for (const auto& field : m.header) {
    if (!ascii::equal_ignoring_case(field.name, "X-Failed-Recipients")) continue;
    auto value = mime::unfold(field.raw_value);
    for (std::string_view rest = value; !rest.empty();) {
      auto comma = std::min(rest.find(','), rest.size());
      auto address = clean_address(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      constexpr std::size_t enough = 100;
      if (out.recipients.size() >= enough) return;
      bool known = std::ranges::any_of(out.recipients, [&](const auto& r) {
        return ascii::equal_ignoring_case(r.address, address) || r.original_address == address;
      });
      if (!address.empty() && !known) out.recipients.push_back({.address = std::move(address)});
    }
  }
}

// A confirmation, which names the recipient as a notice of failure would.
bool says_success(const Material& m) {
  for (const auto* text : {&m.subject_lower, &m.text_lower})
    if (contains_any(*text, {"successfully", "was delivered", "has been delivered", "receipt",
                             "confirmation", "配信しました", "配信されました", "お届けしました"}))
      return true;
  return false;
}

// Addresses that a notice may mention although they are not what failed: to whom it is sent, and
// the sender of the mail it is about.  In lower case.
std::vector<std::string> own_addresses(const Material& m) {
  std::vector<std::string> own{m.from_address};
  auto add = [&](std::string_view field) {
    for (const auto& address : mime::parse_addresses(field, 10).addresses)
      own.push_back(ascii::to_lower(clean_address(mime::addr_spec(address))));
  };
  add(m.field("To").value_or(""));
  if (m.original) {
    add(m.original->from);
    add(m.original->reverse_path);
  }
  return own;
}

// The To of the returned mail, if that names one address only and not one of the sender's own
// domain, as the mail of a list does.
std::string only_addressee(const Material& m) {
  if (!m.original) return {};
  auto list = mime::parse_addresses(m.original->to, 2).addresses;
  if (list.size() != 1) return {};
  auto domain = "@" + ascii::to_lower(list.front().domain);
  for (const auto& own : own_addresses(m))
    if (own != m.from_address && own.ends_with(domain)) return {};
  return clean_address(mime::addr_spec(list.front()));
}

// au says the reason before the addresses, and behind them at most how its server was refused.
std::string words_about(const ReturnedRecipient& recipient, std::string_view preamble,
                        std::string_view form) {
  if (recipient.diagnostic.empty()) return one_line(preamble, max_diagnostic);
  if (form != "ezweb") return recipient.diagnostic;
  constexpr std::size_t enough = max_diagnostic / 2;
  return one_line(one_line(preamble, enough) + " " + recipient.diagnostic, max_diagnostic);
}

// au: the recipient's own filters (domain lists, anti-spoofing) answer with this field.  BIGLOBE:
// these words stand for the recipient's filter, a missing mailbox is refused in the session.
bool hints_at_filter(const Material& m, std::string_view form) {
  auto sign = m.field("X-SPASIGN");
  if (sign && ascii::equal_ignoring_case(ascii::trim(*sign), "NG")) return true;
  return form == "biglobe" && m.text_lower.contains("mail delivery failed... user unknown");
}

// Fills what only the text of a recipient tells.
void finish_recipient(ReturnedRecipient& recipient, bool delay) {
  const auto& text = recipient.diagnostic;
  recipient.smtp_code = find_reply_code(text);
  recipient.status = find_enhanced_code(text);
  recipient.stage = find_stage(text);
  if (recipient.remote_mta.empty()) recipient.remote_mta = find_remote_host(text);
  recipient.action = delay ? "delayed" : "failed";
}

// The fields are about somebody whom they do not name.
void name_recipients(const Material& m, const std::vector<ReturnedRecipient>& words,
                     std::vector<ReturnedRecipient>& recipients) {
  auto nameless = recipients.front();
  Return named;
  add_failed_recipients(m, named);
  const auto& known = words.empty() ? named.recipients : words;
  if (!known.empty()) {
    recipients.clear();
    for (const auto& one : known) {
      recipients.push_back(nameless);
      recipients.back().address = one.address;
    }
    return;
  }
  auto& address = recipients.front().address;
  address = find_address(nameless.diagnostic);
  if (address.empty()) address = only_address(m.text, own_addresses(m));
  if (address.empty()) address = only_addressee(m);
}

}  // namespace

bool says_delay(const Material& m) {
  bool warns = m.subject_lower.starts_with("warning:") &&
               !contains_any(m.subject_lower, {"unknown", "undeliver", "failed", "failure"});
  if (warns || m.subject_lower.starts_with("delayed mail") ||
      contains_any(m.subject_lower, {"(delay)", "warning: delayed", "delivery delayed", "遅延"}))
    return true;
  if (contains_any(m.text_lower, {"will not be retried", "giving up", "permanent error",
                                  "permanent fatal error", "failed permanently"}))
    return false;
  return contains_any(
      m.text_lower,
      {"no action is required on your part", "this is a warning message only", "will keep trying",
       "will continue to", "attempts will continue", "has been postponed", "will be retried",
       "still being retried", "still trying", "transient non-fatal", "delays in delivering",
       "has not yet been delivered", "you do not need to resend", "do not resend your message",
       "再送を試み", "配送を試み続け", "配信を継続", "遅延しています"});
}

bool read_notice(const Material& m, Return& out) {
  auto form = form_of(m);
  bool known_form = !form.empty();
  bool believable = m.from_daemon() || m.null_reverse_path || form == "kddi";
  bool looks_so =
      (m.from_daemon() && says_failure(m)) || (m.null_reverse_path && subject_says_failure(m));
  // Words of no language that we know, from whom only notices come.
  bool daemon_without_sender = m.from_daemon() && m.null_reverse_path && !says_success(m);
  if (!believable || (!known_form && !looks_so && !daemon_without_sender)) return false;

  auto lines = read_notice_lines(m.text);
  bool delay = says_delay(m);
  Return found;
  found.recipients = std::move(lines.recipients);
  add_failed_recipients(m, found);
  if (found.recipients.empty()) {
    // A mail that only looks like a notice names nobody and returns nothing.
    if (!m.original && !m.from_daemon() && !looks_so) return false;
    auto address = known_form || looks_so ? only_address(m.text, own_addresses(m)) : "";
    if (address.empty() && known_form) address = only_addressee(m);
    // Without an address its words are still worth something to who knows the envelope.
    bool worth_it = known_form || (looks_so && daemon_without_sender);
    if (!address.empty() || worth_it) found.recipients.push_back({.address = std::move(address)});
  }
  if (!known_form) {
    // A postmaster is a person too: his letters have a sender, and rarely a reply code.
    auto has_code = [](const auto& r) { return find_reply_code(r.diagnostic).has_value(); };
    bool proven = m.null_reverse_path || std::ranges::any_of(found.recipients, has_code);
    if (found.recipients.empty() || !proven) return false;
  }
  for (auto& recipient : found.recipients) {
    auto words = words_about(recipient, lines.preamble, form);
    if (recipient.diagnostic.empty()) recipient.diagnostic = words;
    finish_recipient(recipient, delay);
    recipient.diagnostic = std::move(words);
  }
  found.kind = delay ? ReturnKind::delay : ReturnKind::failure;
  found.format = known_form ? form : "text";
  found.filtered_hint = hints_at_filter(m, form);
  out = std::move(found);
  return true;
}

void complete_from_words(const Material& m, Return& out) {
  if (hints_at_filter(m, {})) out.filtered_hint = true;
  bool complete = !out.recipients.empty() && std::ranges::all_of(out.recipients, [](const auto& r) {
    return !r.address.empty() && r.stage && !r.remote_mta.empty() && r.smtp_code;
  });
  if (complete) return;
  auto words = read_notice_lines(m.text).recipients;
  if (out.recipients.size() == 1 && out.recipients[0].address.empty())
    name_recipients(m, words, out.recipients);
  RecipientIndex index(words);
  for (auto& recipient : out.recipients) {
    const auto* said = index.find(recipient.address);
    if (said == nullptr) said = index.find(recipient.original_address);
    if (said == nullptr) continue;
    if (!recipient.stage) recipient.stage = find_stage(said->diagnostic);
    if (!recipient.smtp_code) recipient.smtp_code = find_reply_code(said->diagnostic);
    if (!recipient.status) recipient.status = find_enhanced_code(said->diagnostic);
    if (recipient.diagnostic.empty()) recipient.diagnostic = said->diagnostic;
    if (recipient.remote_mta.empty()) recipient.remote_mta = find_remote_host(said->diagnostic);
    if (recipient.original_address.empty()) recipient.original_address = said->original_address;
  }
}

}  // namespace todoke::queue
