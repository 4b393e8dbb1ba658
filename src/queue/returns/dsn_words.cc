#include "queue/returns/dsn_words.h"

#include "mime/charset.h"
#include "mime/date.h"
#include "mime/header.h"
#include "queue/returns/reply_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace todoke::queue {
namespace {

using Action = DsnRecipient::Action;

// One sentence of each kind in both languages.
struct Words {
  std::string_view japanese;
  std::string_view english;
  std::string_view in(Language language) const {
    return language == Language::japanese ? japanese : english;
  }
};

struct ReasonWords {
  DsnReason reason;
  Words what;  // {} is the time until which we tried
  Words advice;
};

constexpr ReasonWords reasons[] = {
    {DsnReason::no_mailbox,
     {"この宛先のメールアドレスは見つかりませんでした。", "There is no such mail address."},
     {"打ち間違いがないかお確かめください。相手の方がアドレスを変えられたのかもしれません。",
      "Please check the address. The person may have changed it."}},
    {DsnReason::no_domain,
     {"宛先の「@」より後ろの部分（ドメイン）では、メールを受け取っていません。",
      "The part behind the @ takes no mail."},
     {"「@」の後ろに打ち間違いがないかお確かめください。",
      "Please check what stands behind the @."}},
    {DsnReason::mailbox_full,
     {"相手の方の受信箱がいっぱいです。", "The mailbox is full."},
     {"しばらくしてからもう一度お送りいただくか、別の方法でご連絡ください。",
      "Please try again later, or reach the person in another way."}},
    {DsnReason::inactive,
     {"相手の方のメールアドレスは、いま使えなくなっています。",
      "The address exists but is not in use now."},
     {"別の方法でご連絡ください。", "Please reach the person in another way."}},
    {DsnReason::recipient_settings,
     {"相手の方の受信設定（迷惑メール対策など）により、受け取られませんでした。",
      "The recipient's own settings refused the mail."},
     {"あなたのアドレスからのメールを受け取れるように設定していただくよう、相手の方にお伝えください"
      "。",
      "Please ask the person to allow mail from your address."}},
    {DsnReason::refused,
     {"相手のサーバーが受け取りを断りました。", "The other server refused the mail."},
     {"下にある相手のサーバーの応答を添えて、管理者にご相談ください。",
      "Please show the answer below to your administrator."}},
    {DsnReason::content,
     {"メールの内容または形式のために、受け取られませんでした。",
      "The mail was refused because of its content or form."},
     {"本文や添付ファイルを見直して、もう一度お送りください。",
      "Please review text and attachments, and send it again."}},
    {DsnReason::too_large,
     {"メールが大きすぎて、受け取られませんでした。", "The mail is too large."},
     {"添付ファイルを小さくするか、分けてお送りください。",
      "Please make the attachments smaller, or send them in parts."}},
    {DsnReason::unreachable,
     {"相手のサーバーが、{}までに受け取りませんでした。",
      "The other server did not take the mail until {}."},
     {"時間をおいてもう一度お送りいただくか、別の方法でご連絡ください。",
      "Please send it again later, or reach the person in another way."}},
    {DsnReason::in_doubt,
     {"送り終える間際に接続が切れたため、届いたかどうかが分かりません。",
      "The connection broke at the very end, so we do not know whether the mail arrived."},
     {"届いているかもしれません。お手数ですが、相手の方にお尋ねください。",
      "It may have arrived: please ask the person."}},
    {DsnReason::unknown,
     {"相手のサーバーが受け取りませんでした。", "The other server did not accept the mail."},
     {"下にある相手のサーバーの応答を添えて、管理者にご相談ください。",
      "Please show the answer below to your administrator."}},
};

const ReasonWords& words_of(const DsnRecipient& recipient) {
  auto reason =
      recipient.reason == DsnReason::by_status ? reason_of(recipient.status) : recipient.reason;
  const auto* found = std::ranges::find(reasons, reason, &ReasonWords::reason);
  return found == std::end(reasons) ? std::end(reasons)[-1] : *found;
}

std::string time_text(Time time, const DsnRequest& request, Language language) {
  auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (language == Language::english) return mime::format_date({second, request.zone_minutes});
  auto local = second + std::chrono::minutes(request.zone_minutes);
  auto day = std::chrono::floor<std::chrono::days>(local);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(local - day);
  return fmt::format("{}年{}月{}日{}時{:02}分", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count());
}

std::vector<const DsnRecipient*> with_action(const DsnRequest& request, Action action) {
  std::vector<const DsnRecipient*> chosen;
  for (const auto& recipient : request.recipients)
    if (recipient.action == action) chosen.push_back(&recipient);
  return chosen;
}

void add_address(std::string& out, const DsnRecipient& recipient) {
  out += "  * " + one_line(recipient.address, 320) + "\n";
}

void add_more(std::string& out, std::size_t count, Language language) {
  if (count <= max_recipients_in_words) return;
  constexpr Words words{"  ほか{}件\n", "  and {} more\n"};
  out += fmt::format(fmt::runtime(words.in(language)), count - max_recipients_in_words);
}

void add_failed(std::string& out, const DsnRequest& request, Language language) {
  auto failed = with_action(request, Action::failed);
  if (failed.empty()) return;
  auto doubtful = [](const auto* r) { return r->reason == DsnReason::in_doubt; };
  constexpr Words could_not{"お送りになったメールを、次の宛先にお届けできませんでした。",
                            "Your mail could not be delivered to:"};
  constexpr Words may_not{"お送りになったメールが、次の宛先に届いたかどうかが分かりません。",
                          "We do not know whether your mail reached:"};
  bool all_doubtful = std::ranges::all_of(failed, doubtful);
  out += fmt::format("{}\n\n", (all_doubtful ? may_not : could_not).in(language));
  for (std::size_t i = 0; i < std::min(failed.size(), max_recipients_in_words); ++i) {
    add_address(out, *failed[i]);
    const auto& words = words_of(*failed[i]);
    auto until = time_text(failed[i]->last_attempt, request, language);
    out += "    " + fmt::format(fmt::runtime(words.what.in(language)), until) + "\n";
    out += fmt::format("    {}\n\n", words.advice.in(language));
  }
  add_more(out, failed.size(), language);
}

void add_list(std::string& out, const std::vector<const DsnRecipient*>& recipients,
              Language language) {
  for (std::size_t i = 0; i < std::min(recipients.size(), max_recipients_in_words); ++i)
    add_address(out, *recipients[i]);
  add_more(out, recipients.size(), language);
  out += '\n';
}

void add_delayed(std::string& out, const DsnRequest& request, Language language) {
  auto delayed = with_action(request, Action::delayed);
  if (delayed.empty()) return;
  std::optional<Time> until;
  for (const auto* recipient : delayed)
    if (auto one = recipient->will_retry_until) until = std::max(until.value_or(*one), *one);
  constexpr Words heading{"次の宛先には、まだお届けできていません。",
                          "Your mail has not yet been delivered to:"};
  constexpr Words until_words{"{}まで送り続けます。何もなさらなくてかまいません。",
                              "We will keep trying until {}. You need do nothing."};
  constexpr Words go_on{"引き続きお送りします。何もなさらなくてかまいません。",
                        "We will keep trying. You need do nothing."};
  out += fmt::format("{}\n\n", heading.in(language));
  add_list(out, delayed, language);
  out += until ? fmt::format(fmt::runtime(until_words.in(language)),
                             time_text(*until, request, language))
               : std::string(go_on.in(language));
  out += "\n\n";
}

void add_done(std::string& out, const DsnRequest& request, Language language) {
  constexpr Words delivered{"次の宛先の受信箱にお届けしました。",
                            "Your mail was delivered to the mailbox of:"};
  constexpr Words relayed{
      "次の宛先へのメールを、相手側のサーバーに渡しました。その先の通知は届かないことがあります。",
      "Your mail was handed to the next server, which may send no further report, for:"};
  for (auto [action, heading] :
       {std::pair{Action::delivered, delivered}, {Action::relayed, relayed}}) {
    auto done = with_action(request, action);
    if (done.empty()) continue;
    out += fmt::format("{}\n\n", heading.in(language));
    add_list(out, done, language);
  }
}

std::string section(const DsnRequest& request, Language language) {
  std::string out;
  add_failed(out, request, language);
  add_delayed(out, request, language);
  add_done(out, request, language);
  return out;
}

std::string both(const Words& words, Language first) {
  auto second = first == Language::japanese ? Language::english : Language::japanese;
  return fmt::format("{} / {}", words.in(first), words.in(second));
}

// Which mail it is about, by what its sender knows of it.
std::string about_mail(const DsnRequest& request) {
  std::string_view block = request.original_header;
  if (block.empty() && request.original_message) block = *request.original_message;
  auto fields = mime::split_header(block.substr(0, max_returned_header));
  std::string out;
  for (auto [name, words] : {std::pair{"Subject", Words{"件名", "Subject"}},
                             {"Date", Words{"日時", "Date"}},
                             {"To", Words{"宛先", "To"}}}) {
    const auto* field = mime::find_field(fields, name);
    constexpr std::size_t longest = 300;
    auto value = field == nullptr ? "" : one_line(mime::header_text(field->raw_value), longest);
    if (!value.empty()) out += fmt::format("  {}: {}\n", both(words, request.first), value);
  }
  if (out.empty()) return out;
  constexpr Words heading{"お送りになったメール", "Your mail"};
  return fmt::format("----------\n\n{}:\n\n{}\n", both(heading, request.first), out);
}

// The other servers' own words, once for both languages.
std::string answers(const DsnRequest& request) {
  std::string out;
  std::size_t count = 0;
  for (const auto& recipient : request.recipients) {
    auto words = readable_diagnostic(recipient);
    if (words.empty() || ++count > max_recipients_in_words) continue;
    auto host = recipient.remote_mta.empty()
                    ? std::string()
                    : fmt::format(" ({})", one_line(recipient.remote_mta, 255));
    out += fmt::format("  {}{}:\n    {}\n", one_line(recipient.address, 320), host, words);
  }
  if (out.empty()) return out;
  constexpr Words heading{"相手のサーバーの応答", "What the other server said"};
  return fmt::format("----------\n\n{}:\n\n{}", both(heading, request.first), out);
}

}  // namespace

// RFC 3463 §3.
DsnReason reason_of(smtp::EnhancedCode status) {
  using enum DsnReason;
  switch (status.subject) {
    case 1:
      if (status.detail == 2 || status.detail == 10) return no_domain;
      return status.detail == 7 || status.detail == 8 ? refused : no_mailbox;
    case 2:
      if (status.detail == 1) return inactive;
      if (status.detail == 2) return mailbox_full;
      return status.detail == 3 ? too_large : unknown;
    case 3:
      return status.detail == 4 ? too_large : unreachable;
    case 4:
      return unreachable;
    case 5:
      return refused;
    case 6:
      return content;
    case 7:
      return refused;
    default:
      return unknown;
  }
}

std::string readable_diagnostic(const DsnRecipient& recipient) {
  constexpr std::size_t longest = 1'000;
  return one_line(mime::to_utf8(std::string_view(recipient.diagnostic).substr(0, 4 * longest)),
                  longest);
}

std::string dsn_subject(const DsnRequest& request) {
  constexpr Words failed{"メールをお届けできませんでした", "Undelivered mail"};
  constexpr Words in_doubt{"メールが届いたかどうか分かりません", "Mail perhaps not delivered"};
  constexpr Words delayed{"メールの配送が遅れています", "Delayed mail"};
  constexpr Words done{"メールをお届けしました", "Delivered mail"};
  auto has = [&](Action action) { return !with_action(request, action).empty(); };
  bool doubtful = std::ranges::all_of(request.recipients, [](const auto& r) {
    return r.action != Action::failed || r.reason == DsnReason::in_doubt;
  });
  const auto& words = has(Action::failed)    ? (doubtful ? in_doubt : failed)
                      : has(Action::delayed) ? delayed
                                             : done;
  return request.first == Language::japanese
             ? fmt::format("{} ({})", words.japanese, words.english)
             : fmt::format("{} ({})", words.english, words.japanese);
}

std::string dsn_text(const DsnRequest& request) {
  auto second = request.first == Language::japanese ? Language::english : Language::japanese;
  return section(request, request.first) + "----------\n\n" + section(request, second) +
         about_mail(request) + answers(request);
}

}  // namespace todoke::queue
