#include "store/flags.h"

#include "base/ascii.h"
#include "store/account_row.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::store {
namespace {

bool less(std::string_view a, std::string_view b) {
  return std::ranges::lexicographical_compare(
      a, b, [](char x, char y) { return ascii::lower(x) < ascii::lower(y); });
}

std::string join(std::vector<std::string_view> keywords) {
  std::ranges::sort(keywords, less);
  auto twins = std::ranges::unique(keywords, ascii::equal_ignoring_case);
  keywords.erase(twins.begin(), twins.end());
  return fmt::format("{}", fmt::join(keywords, " "));
}

std::string changed_keywords(std::string_view now, FlagChange::How how, std::string_view given) {
  if (how == FlagChange::How::replace) return std::string(given);
  auto keywords = split_keywords(now);
  if (how == FlagChange::How::add)
    std::ranges::copy(split_keywords(given), std::back_inserter(keywords));
  else
    std::erase_if(keywords, [&](auto keyword) { return has_keyword(given, keyword); });
  return join(std::move(keywords));
}

unsigned changed_flags(unsigned now, const FlagChange& change) {
  switch (change.how) {
    case FlagChange::How::add:
      return now | change.flags;
    case FlagChange::How::remove:
      return now & ~change.flags;
    case FlagChange::How::replace:
      break;
  }
  return change.flags;
}

// Writes what a change of flags alone makes of whole ranges: one statement each, not one for every
// message.
void write_ranges(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                  std::span<const UidRange> ranges, const FlagChange& change,
                  std::optional<std::int64_t> unchanged_since, std::int64_t modseq) {
  const bool adds = change.how == FlagChange::How::add;
  for (const auto& range : ranges) {
    if (adds)
      tx.run(
          "update placement set flags = flags | $5, modseq = $6 where account_id = $1 "
          "and mailbox_id = $2 and uid between $3 and $4 and (flags & $5) <> $5 and modseq <= $7",
          account_id, mailbox_id, range.first, range.last, change.flags, modseq,
          unchanged_since.value_or(INT64_MAX));
    else
      tx.run(
          "update placement set flags = flags & ~$5, modseq = $6 where account_id = $1 "
          "and mailbox_id = $2 and uid between $3 and $4 and (flags & $5) <> 0 and modseq <= $7",
          account_id, mailbox_id, range.first, range.last, change.flags, modseq,
          unchanged_since.value_or(INT64_MAX));
  }
}

void write_each(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                std::span<const Placement> changed) {
  for (const auto& placed : changed)
    tx.run(
        "update placement set flags = $4, keywords = $5, modseq = $6 "
        "where account_id = $1 and mailbox_id = $2 and uid = $3",
        account_id, mailbox_id, placed.uid, placed.flags, placed.keywords, placed.modseq);
}

}  // namespace

std::vector<std::string_view> split_keywords(std::string_view keywords) {
  std::vector<std::string_view> parts;
  while (!keywords.empty()) {
    auto part = keywords.substr(0, keywords.find(' '));
    parts.push_back(part);
    keywords.remove_prefix(std::min(part.size() + 1, keywords.size()));
  }
  return parts;
}

bool has_keyword(std::string_view keywords, std::string_view keyword) {
  return std::ranges::any_of(split_keywords(keywords),
                             [&](auto one) { return ascii::equal_ignoring_case(one, keyword); });
}

Result<std::string> learn_keywords(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                                   std::span<const std::string> keywords) {
  if (keywords.empty()) return "";
  auto known = tx.first<std::string>(
      "select keywords from mailbox where account_id = $1 and id = $2 and deleted_at is null",
      account_id, mailbox_id);
  if (!known) return fail(Errc::not_found, "no such mailbox");
  auto all = split_keywords(*known);
  const auto known_count = all.size();
  std::vector<std::string_view> spelled;
  for (const auto& keyword : keywords) {
    auto same = [&](auto other) { return ascii::equal_ignoring_case(other, keyword); };
    auto found = std::ranges::find_if(all, same);
    if (found == all.end()) found = all.insert(all.end(), keyword);
    spelled.push_back(*found);
  }
  if (all.size() > known_count) {
    if (all.size() > max_keywords)
      return fail(Errc::too_many, "this mailbox has too many different keywords");
    tx.run("update mailbox set keywords = $3 where account_id = $1 and id = $2", account_id,
           mailbox_id, join(std::move(all)));
  }
  return join(std::move(spelled));
}

Result<FlagsChanged> change_flags(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                                  std::span<const UidRange> ranges, const FlagChange& change,
                                  std::optional<std::int64_t> unchanged_since) {
  std::string keywords;
  if (change.how == FlagChange::How::remove)
    keywords = fmt::format("{}", fmt::join(change.keywords, " "));
  else if (auto learned = learn_keywords(tx, account_id, mailbox_id, change.keywords))
    keywords = *std::move(learned);
  else
    return std::unexpected(learned.error());
  const bool keeps_keywords = keywords.empty() && change.how != FlagChange::How::replace;

  FlagsChanged outcome;
  int unseen = 0;
  auto look = [&](const sql::Row& row) {
    auto flags = row.get<unsigned>(2);
    auto text = row.text(3);
    if (unchanged_since && row.integer(4) > *unchanged_since) {
      outcome.modified.push_back(row.get<std::uint32_t>(0));
      return;
    }
    auto new_flags = changed_flags(flags, change);
    auto new_keywords =
        keeps_keywords ? std::string(text) : changed_keywords(text, change.how, keywords);
    if (new_flags == flags && new_keywords == text) return;
    unseen += static_cast<int>(flags & flag_seen) - static_cast<int>(new_flags & flag_seen);
    outcome.earlier_modseqs.push_back(row.integer(4));
    outcome.delta.placed.push_back({.message_id = row.integer(1),
                                    .size = row.get<std::uint64_t>(5),
                                    .uid = row.get<std::uint32_t>(0),
                                    .flags = new_flags,
                                    .keywords = std::move(new_keywords)});
  };
  for (const auto& range : ranges)
    tx.each(
        "select uid, message_id, flags, keywords, modseq, size from placement "
        "where account_id = $1 and mailbox_id = $2 and uid between $3 and $4 order by uid",
        look, account_id, mailbox_id, range.first, range.last);
  if (outcome.delta.placed.empty()) return outcome;

  outcome.modseq = next_modseq(tx, account_id);
  for (auto& placed : outcome.delta.placed) placed.modseq = outcome.modseq;
  if (keeps_keywords)
    write_ranges(tx, account_id, mailbox_id, ranges, change, unchanged_since, outcome.modseq);
  else
    write_each(tx, account_id, mailbox_id, outcome.delta.placed);
  auto known = tx.run(
      "update mailbox set unseen_count = unseen_count + $3, highestmodseq = $4 "
      "where account_id = $1 and id = $2 and deleted_at is null",
      account_id, mailbox_id, unseen, outcome.modseq);
  if (known == 0) return fail(Errc::not_found, "no such mailbox");
  return outcome;
}

}  // namespace todoke::store
