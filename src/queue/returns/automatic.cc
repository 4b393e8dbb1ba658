#include "queue/returns/automatic.h"

#include "base/ascii.h"
#include "queue/returns/reply_words.h"

#include <algorithm>

namespace todoke::queue {
namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](auto b) { return text.starts_with(b); });
}

// The subject without the brackets that Japanese programs like to begin with.
std::string_view without_brackets(std::string_view subject) {
  for (std::string_view bracket : {"【", "［", "[", "(", "（", "《"})
    if (subject.starts_with(bracket)) return subject.substr(bracket.size());
  return subject;
}

bool has_answering_field(const Material& m) {
  for (auto name : {"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply",
                    "X-Mail-Autoreply", "X-Vacation", "X-MS-Exchange-Inbox-Rules-Loop"})
    if (mime::find_field(m.header, name) != nullptr) return true;
  for (auto name : {"Precedence", "X-Precedence"}) {
    auto value = ascii::to_lower(m.field(name).value_or(""));
    if (value.starts_with("auto_reply") || value.starts_with("auto-reply") ||
        value.starts_with("autoreply"))
      return true;
  }
  return false;
}

// Subjects that people do not write, and those that they may write, but not with a null sender.
bool has_answering_subject(const Material& m) {
  auto subject = without_brackets(m.subject_lower);
  // A person writes about an answer: "Re: 自動返信の設定".
  if (starts_with_any(subject, {"re:", "re：", "fw:", "fwd:"})) return false;
  if (starts_with_any(subject,
                      {"auto:", "auto reply", "auto-reply", "autoreply", "auto response",
                       "automatic reply", "automated reply", "out of office", "out of the office",
                       "vacation reply", "自動返信", "自動応答", "自動回答", "自動送信", "不在通知",
                       "不在のお知らせ", "不在のため", "不在連絡", "不在応答"}))
    return true;
  return m.null_reverse_path &&
         contains_any(subject, {"自動返信", "自動応答", "不在", "休暇", "外出中", "vacation",
                                "out of office", "away from", "on leave"});
}

// Who answers so wants a person to prove that he is one.
bool is_challenge(const Material& m) {
  for (auto name : {"X-TMDA-Confirm", "X-Spamarrest-Challenge", "X-Challenge-Response"})
    if (mime::find_field(m.header, name) != nullptr) return true;
  bool answers = m.null_reverse_path || mime::find_field(m.header, "Auto-Submitted") != nullptr;
  return answers &&
         contains_any(m.subject_lower,
                      {"please confirm your message", "confirm your email to",
                       "verify your email to", "your message awaits", "sender verification",
                       "confirmation required to deliver", "送信者確認", "送信者の確認"});
}

}  // namespace

// RFC 3834 §5; the fields of older programs beside it.
std::string_view automatic_format(const Material& m) {
  if (is_challenge(m)) return "challenge";
  auto submitted = ascii::to_lower(m.field("Auto-Submitted").value_or(""));
  if (submitted.starts_with("auto-replied") || submitted.starts_with("auto-notified"))
    return "rfc3834";
  if (has_answering_field(m)) return "rfc3834";
  if (has_answering_subject(m)) return "vacation";
  if (submitted.starts_with("auto-")) return "auto-generated";
  return {};
}

}  // namespace todoke::queue
