#include "queue/returns/notice_lines.h"

#include "base/ascii.h"
#include "queue/returns/reply_words.h"
#include "smtp/syntax/path.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace todoke::queue {
namespace {

constexpr std::size_t longest_line = 2'000;

// Lower case; an address follows.
constexpr std::string_view labels[] = {"could not be delivered to:",
                                       "recipient address:",
                                       "recipient:",
                                       "failed recipient:",
                                       "delivered to:",
                                       "rcpt to:",
                                       "宛先:",
                                       "宛先：",
                                       "送信先:",
                                       "送信先："};

struct NamedRecipient {
  std::string address;
  std::string_view rest;  // of the line
};

bool is_address_character(char c) {
  return !ascii::is_space(c) && !ascii::is_control(c) &&
         !std::string_view("<>()[],;:\"\\").contains(c);
}

// Where the address around the "@" at `at` begins.
std::size_t begin_of_address(std::string_view text, std::size_t at) {
  auto begin = at;
  while (begin > 0 && at - begin < smtp::max_local_part && is_address_character(text[begin - 1]))
    --begin;
  return begin;
}

// "<a@b>: words", "a@b", "a@b on Mon, …", "a@b... words", "a@b (words)", "Recipient: <a@b>".
std::optional<NamedRecipient> named_recipient(std::string_view line) {
  auto text = ascii::trim(line);
  for (auto label : labels)
    if (ascii::starts_with_ignoring_case(text, label)) {
      text = ascii::trim(text.substr(label.size()));
      break;
    }
  for (std::string_view bullet : {"* ", "- ", "-- "})
    if (text.starts_with(bullet)) text = ascii::trim(text.substr(bullet.size()));
  auto unquote = [](std::string_view& from) {
    if (from.starts_with('\'') || from.starts_with('"')) from.remove_prefix(1);
  };
  unquote(text);
  std::size_t end = 0;
  if (text.starts_with('<')) {
    end = std::min(text.find('>'), text.size() - 1) + 1;
  } else {
    while (end < text.size() && is_address_character(text[end])) ++end;
    // "a@b<mailto:a@b>"
    if (end > 0 && text.substr(end).starts_with("<mailto:"))
      end = std::min(text.find('>', end), text.size() - 1) + 1;
  }
  if (!text.substr(0, end).contains('@')) return {};
  auto rest = ascii::trim(text.substr(end));
  unquote(rest);
  rest = ascii::trim(rest);
  auto first = text.substr(0, end);
  // "'a@b' <a@b>": both are the same.
  if (!first.starts_with('<') && rest.starts_with('<') && rest.ends_with('>')) rest = {};
  // sendmail: "a@b... User unknown"
  bool dots = first.ends_with("...") || rest.starts_with("...");
  bool alone = rest.empty() || rest.starts_with(':') || rest.starts_with('(') || dots ||
               ascii::starts_with_ignoring_case(rest, "on ") || rest == ";" || rest == ",";
  if (!alone) return {};
  auto address = clean_address(first);
  if (address.empty()) return {};
  while (!rest.empty() && std::string_view(":;,. ").contains(rest.front())) rest.remove_prefix(1);
  if (ascii::starts_with_ignoring_case(rest, "on ")) rest = {};  // Exchange: only the date
  return NamedRecipient{std::move(address), rest};
}

// "Unknown user: a@b", where the reason is the label.
std::optional<NamedRecipient> labelled_recipient(std::string_view line) {
  auto text = ascii::trim(line);
  auto colon = text.rfind(": ");
  if (colon == std::string_view::npos) return {};
  auto label = text.substr(0, colon);
  constexpr std::size_t longest_label = 60;
  auto lower = ascii::to_lower(label.substr(0, longest_label + 1));
  if (label.size() > longest_label || lower == "to" || lower == "cc" ||
      contains_any(lower, {"contact", "from", "sender", "reply", "help", "admin", "support",
                           "subject", "postmaster", "return-path", "message-id", "問い合わせ",
                           "連絡", "差出人", "送信者"}))
    return {};
  auto value = ascii::trim(text.substr(colon + 2));
  if (ascii::starts_with_ignoring_case(value, "[smtp:") && value.ends_with(']'))
    value = value.substr(6, value.size() - 7);
  if (value.contains(' ')) return {};
  auto address = clean_address(value);
  if (address.empty()) return {};
  return NamedRecipient{std::move(address), label};
}

// "(expanded from: <a@b>)", "(generated from a@b)": which of our addresses it was.
std::string forwarded_from(std::string_view line) {
  auto lower = ascii::to_lower(line.substr(0, longest_line));
  for (std::string_view phrase : {"expanded from", "generated from"}) {
    auto at = lower.find(phrase);
    if (at == std::string::npos) continue;
    auto rest = line.substr(at + phrase.size());
    rest = rest.substr(0, rest.find(')'));
    if (rest.starts_with(':')) rest.remove_prefix(1);
    return clean_address(rest);
  }
  return {};
}

class LineReader {
 public:
  void take(std::string_view line) {
    auto trimmed = ascii::trim(line);
    if (trimmed.empty() || is_ornament(trimmed)) return;
    if (trimmed.starts_with(">>>")) return take_command(trimmed);
    if (trimmed.starts_with("<<<") || begins_with_code(trimmed)) return take_reply(trimmed);
    if (trimmed.starts_with("... while talking to")) {
      host_ = find_remote_host(trimmed);
      command_.clear();
      about_ = none;
      return;
    }
    if (trimmed.starts_with('(')) {
      if (auto from = forwarded_from(trimmed); !from.empty()) {
        // "an undisclosed address (generated from a@b)" names only ours.
        if (current_ == none) return take_recipient({std::move(from), {}});
        notice_.recipients[current_].original_address = std::move(from);
        return;
      }
    }
    if (auto named = named_recipient(trimmed)) {
      take_recipient(std::move(*named));
    } else if (auto labelled = labelled_recipient(trimmed)) {
      take_recipient(std::move(*labelled));
    } else {
      add_words(trimmed);
    }
  }

  NoticeLines finish() {
    for (std::size_t i = 0; i < notice_.recipients.size(); ++i) {
      auto& recipient = notice_.recipients[i];
      // Words about several are worth less than a transcript about one.
      bool shared = members_[group_[i]] > 1;
      auto words = shared && !own_[i].empty() ? std::string() : groups_[group_[i]];
      append(words, own_[i]);
      recipient.diagnostic = one_line(words, max_diagnostic);
    }
    return std::move(notice_);
  }

 private:
  static constexpr auto none = static_cast<std::size_t>(-1);

  // "----- Transcript of session follows -----": a heading of the form, not words about anybody.
  static bool is_ornament(std::string_view line) {
    return line.starts_with("-----") || line == "because:" ||
           line.find_first_not_of("-=*_#~+ ") == std::string_view::npos;
  }

  static bool begins_with_code(std::string_view line) {
    return line.size() > 4 && (line[0] == '4' || line[0] == '5') && ascii::is_digit(line[1]) &&
           ascii::is_digit(line[2]) && (line[3] == ' ' || line[3] == '-');
  }

  static void append(std::string& to, std::string_view words) {
    if (to.size() >= max_diagnostic || words.empty()) return;
    if (!to.empty()) to += ' ';
    to += words;
  }

  std::size_t index_of(const std::string& address) {
    auto known = by_address_.find(ascii::to_lower(address));
    return known == by_address_.end() ? none : known->second;
  }

  void take_recipient(NamedRecipient named) {
    auto from = forwarded_from(named.rest);
    auto index = index_of(named.address);
    if (index == none) {
      if (notice_.recipients.size() >= max_returned_recipients) return;
      index = notice_.recipients.size();
      by_address_.emplace(ascii::to_lower(named.address), index);
      notice_.recipients.push_back({.address = std::move(named.address)});
      if (groups_.empty() || !groups_.back().empty()) {
        groups_.emplace_back();
        members_.push_back(0);
      }
      ++members_.back();
      group_.push_back(groups_.size() - 1);
      own_.emplace_back();
    }
    current_ = index;
    if (!from.empty()) notice_.recipients[index].original_address = std::move(from);
    if (auto paren = named.rest.find("): "); paren != std::string_view::npos)
      named.rest.remove_prefix(paren + 3);
    else if (named.rest.starts_with('(') && !notice_.recipients[index].original_address.empty())
      return;
    if (!named.rest.empty()) append(groups_[group_[index]], named.rest);
  }

  // Lines of a conversation.  A reply is about the address it names, or the one named by the RCPT
  // it answers, or the only one there is.
  void take_command(std::string_view line) {
    command_ = line;
    about_ = notice_.recipients.size() == 1 ? 0 : none;
    if (ascii::starts_with_ignoring_case(ascii::trim(line.substr(3)), "rcpt"))
      about_ = index_of(find_address(line));
  }

  void take_reply(std::string_view line) {
    auto address = find_address(line);
    auto index = address.empty() ? none : index_of(address);
    if (index == none) index = about_;
    if (index == none) return add_words(line);
    note_host(index);
    append(own_[index], command_);
    command_.clear();
    append(own_[index], line);
  }

  void note_host(std::size_t index) {
    auto& remote_mta = notice_.recipients[index].remote_mta;
    if (remote_mta.empty()) remote_mta = host_;
  }

  void add_words(std::string_view line) {
    if (current_ == none) return append(notice_.preamble, line);
    append(groups_[group_[current_]], line);
  }

  NoticeLines notice_;
  std::vector<std::string> groups_;   // words about recipients that stand together
  std::vector<std::size_t> members_;  // how many, by group
  std::vector<std::size_t> group_;    // by recipient
  std::vector<std::string> own_;      // by recipient: words of a transcript
  std::unordered_map<std::string, std::size_t> by_address_;
  std::size_t current_ = none;
  std::size_t about_ = none;  // whom the last command of a transcript was about
  std::string command_;       // until it is answered
  std::string host_;
};

}  // namespace

NoticeLines read_notice_lines(std::string_view text) {
  LineReader reader;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    reader.take(line.substr(0, longest_line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.finish();
}

std::string only_address(std::string_view text, const std::vector<std::string>& others) {
  std::string only;
  for (std::size_t at = 0;;) {
    auto address = find_address(text, &at);
    if (address.empty()) return only;
    auto lower = ascii::to_lower(address);
    // "we take no mail from a@b": whoever that is, it is not the recipient.
    auto before = text.substr(0, begin_of_address(text, text.rfind('@', at - 1)));
    before = ascii::trim(before.substr(before.size() - std::min<std::size_t>(before.size(), 8)));
    if (before.ends_with("from") || before.ends_with("From:")) continue;
    if (lower.starts_with("postmaster@") || lower.starts_with("mailer-daemon@") ||
        std::ranges::find(others, lower) != others.end())
      continue;
    if (!only.empty() && !ascii::equal_ignoring_case(only, address)) return {};
    only = std::move(address);
  }
}

std::string find_address(std::string_view text, std::size_t* from) {
  std::size_t begin_at = from == nullptr ? 0 : *from;
  for (auto at = text.find('@', begin_at); at != std::string_view::npos;
       at = text.find('@', at + 1)) {
    auto begin = begin_of_address(text, at), end = at + 1;
    while (end < text.size() && end - at < smtp::max_domain && is_address_character(text[end]))
      ++end;
    auto address = clean_address(text.substr(begin, end - begin));
    if (address.empty()) continue;
    if (from != nullptr) *from = end;
    return address;
  }
  return {};
}

RecipientIndex::RecipientIndex(const std::vector<ReturnedRecipient>& recipients) {
  for (const auto& recipient : recipients)
    by_address_.emplace(ascii::to_lower(recipient.address), &recipient);
}

const ReturnedRecipient* RecipientIndex::find(std::string_view address) const {
  auto found = by_address_.find(ascii::to_lower(address));
  return found == by_address_.end() ? nullptr : found->second;
}

}  // namespace todoke::queue
