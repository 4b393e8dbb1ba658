#include "store/maildrop.h"

#include <algorithm>
#include <charconv>

namespace todoke::store {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

struct Listed {
  std::int64_t pop3_seq;
  Maildrop::Entry entry;
};

}  // namespace

std::string_view Maildrop::Entry::uidl(const Maildrop& in) const {
  return std::string_view(in.uidl_text_).substr(uidl_at, uidl_length);
}

std::size_t Maildrop::memory() const {
  return sizeof *this + entries_.capacity() * sizeof(Entry) + list_text_.capacity() +
         uidl_text_.capacity();
}

std::shared_ptr<const Maildrop> read_maildrop(sql::Tx& tx, std::int64_t account_id,
                                              std::int64_t mailbox_id) {
  auto drop = std::make_shared<Maildrop>();
  std::vector<Listed> listed;
  std::string uidls;
  auto take = [&](const sql::Row& row) {
    auto uidl = row.text(3);
    listed.push_back({row.integer(2),
                      {.message_id = row.integer(1),
                       .uid = static_cast<std::uint32_t>(row.integer(0)),
                       .uidl_at = static_cast<std::uint32_t>(uidls.size()),
                       .pop3_size = static_cast<std::uint64_t>(row.integer(4)),
                       .uidl_length = static_cast<std::uint32_t>(uidl.size())}});
    uidls += uidl;
  };
  tx.each(
      "select uid, message_id, pop3_seq, pop3_uidl, coalesce(pop3_size, size) from placement "
      "where account_id = $1 and mailbox_id = $2 order by uid",
      take, account_id, mailbox_id);
  // UID order is POP3 order unless a migration said otherwise, so this mostly finds nothing to do.
  auto order = [](const Listed& one) { return std::pair(one.pop3_seq, one.entry.uid); };
  if (!std::ranges::is_sorted(listed, {}, order)) std::ranges::sort(listed, {}, order);
  drop->entries_.reserve(listed.size());
  drop->list_text_.reserve(listed.size() * 14);
  drop->uidl_text_.reserve(listed.size() * 9 + uidls.size());
  std::uint64_t number = 0;
  for (auto& [_, entry] : listed) {
    ++number;
    append_number(drop->list_text_, number);
    drop->list_text_ += ' ';
    append_number(drop->list_text_, entry.pop3_size);
    drop->list_text_ += "\r\n";
    append_number(drop->uidl_text_, number);
    drop->uidl_text_ += ' ';
    auto uidl = std::string_view(uidls).substr(entry.uidl_at, entry.uidl_length);
    entry.uidl_at = static_cast<std::uint32_t>(drop->uidl_text_.size());
    drop->uidl_text_ += uidl;
    drop->uidl_text_ += "\r\n";
    drop->total_size_ += entry.pop3_size;
    drop->entries_.push_back(entry);
  }
  return drop;
}

std::shared_ptr<const Maildrop> MaildropCache::find(std::int64_t account_id,
                                                    std::int64_t mailbox_id,
                                                    std::int64_t highestmodseq) {
  std::lock_guard lock(mutex_);
  auto found = by_key_.find({account_id, mailbox_id});
  if (found == by_key_.end()) return {};
  if (found->second->highestmodseq != highestmodseq) {
    drop(found->second);
    return {};
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->maildrop;
}

void MaildropCache::put(std::int64_t account_id, std::int64_t mailbox_id,
                        std::int64_t highestmodseq, std::shared_ptr<const Maildrop> maildrop) {
  if (maildrop->memory() > max_bytes_ / 2) return;
  std::lock_guard lock(mutex_);
  Key key{account_id, mailbox_id};
  if (auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  bytes_ += maildrop->memory();
  recent_.push_front({key, highestmodseq, std::move(maildrop)});
  by_key_[key] = recent_.begin();
  while (bytes_ > max_bytes_) drop(std::prev(recent_.end()));
}

void MaildropCache::drop(std::list<Kept>::iterator at) {
  bytes_ -= at->maildrop->memory();
  by_key_.erase(at->key);
  recent_.erase(at);
}

}  // namespace todoke::store
