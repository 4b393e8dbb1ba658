#include "store/view.h"

#include <algorithm>
#include <span>

namespace todoke::store {

void View::Chunk::add(const Placement& placement) {
  add(Entry{.message_id = placement.message_id,
            .modseq = placement.modseq,
            .size = placement.size,
            .uid = placement.uid,
            .keywords_at = 0,
            .keywords_length = 0,
            .flags = static_cast<std::uint8_t>(placement.flags)},
      placement.keywords);
}

void View::Chunk::add(const Entry& entry, std::string_view text) {
  auto& added = entries.emplace_back(entry);
  added.keywords_at = static_cast<std::uint32_t>(keywords.size());
  added.keywords_length =
      static_cast<std::uint16_t>(std::min<std::size_t>(text.size(), UINT16_MAX));
  keywords.append(text.substr(0, added.keywords_length));
}

std::size_t View::chunk_of(std::size_t index) const {
  auto after = std::ranges::upper_bound(starts_, index);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

void View::count() {
  starts_.clear();
  size_ = 0;
  for (const auto& chunk : chunks_) {
    starts_.push_back(size_);
    size_ += chunk->entries.size();
  }
}

View::Message View::operator[](std::size_t index) const {
  auto at = chunk_of(index);
  const auto& chunk = *chunks_[at];
  const auto& entry = chunk.entries[index - starts_[at]];
  return {&entry,
          std::string_view(chunk.keywords).substr(entry.keywords_at, entry.keywords_length)};
}

std::size_t View::lower_bound(std::uint32_t uid) const {
  auto last_uid = [](const auto& chunk) { return chunk->entries.back().uid; };
  auto chunk = std::ranges::lower_bound(chunks_, uid, {}, last_uid);
  if (chunk == chunks_.end()) return size_;
  const auto& entries = (*chunk)->entries;
  auto entry = std::ranges::lower_bound(entries, uid, {}, &Entry::uid);
  return starts_[static_cast<std::size_t>(chunk - chunks_.begin())] +
         static_cast<std::size_t>(entry - entries.begin());
}

std::optional<std::size_t> View::find(std::uint32_t uid) const {
  auto index = lower_bound(uid);
  if (index == size_ || (*this)[index]->uid != uid) return {};
  return index;
}

std::uint32_t View::largest_uid() const {
  return chunks_.empty() ? 0 : chunks_.back()->entries.back().uid;
}

namespace {

// What a change says of the messages of one chunk.
struct Part {
  std::span<const Placement> placed;
  std::span<const std::uint32_t> gone;
  bool empty() const { return placed.empty() && gone.empty(); }
};

// Takes from the front of `delta` what has UIDs up to `last`.
Part take_until(Part& delta, std::uint32_t last) {
  auto placed = std::ranges::upper_bound(delta.placed, last, {}, &Placement::uid);
  auto gone = std::ranges::upper_bound(delta.gone, last);
  Part part{{delta.placed.begin(), placed}, {delta.gone.begin(), gone}};
  delta = {{placed, delta.placed.end()}, {gone, delta.gone.end()}};
  return part;
}

}  // namespace

std::shared_ptr<const View> View::with(const Delta& delta, std::int64_t modseq) const {
  ViewBuilder builder;
  Part rest{delta.placed, delta.gone};
  auto uidnext = uidnext_;
  if (!delta.placed.empty()) uidnext = std::max(uidnext, delta.placed.back().uid + 1);
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    const auto& chunk = chunks_[i];
    // New messages join the last chunk while there is room.
    bool grows = i + 1 == chunks_.size() && chunk->entries.size() < chunk_size;
    auto part = take_until(rest, grows ? UINT32_MAX : chunk->entries.back().uid);
    if (part.empty()) {
      builder.share(chunk);
      continue;
    }
    builder.make_room(chunk->entries.size() + part.placed.size());
    auto change = part.placed.begin();
    auto add_new_until = [&](std::uint32_t uid) {
      for (; change != part.placed.end() && change->uid < uid; ++change) builder.add(*change);
    };
    for (const auto& entry : chunk->entries) {
      add_new_until(entry.uid);
      bool changed = change != part.placed.end() && change->uid == entry.uid;
      bool is_later = changed && change->modseq > entry.modseq;
      if (!std::ranges::binary_search(part.gone, entry.uid)) {
        if (is_later)
          builder.add(*change);
        else
          builder.add(
              entry,
              std::string_view(chunk->keywords).substr(entry.keywords_at, entry.keywords_length));
      }
      if (changed) ++change;
    }
    add_new_until(UINT32_MAX);
    builder.close_chunk();
  }
  for (const auto& placed : rest.placed) builder.add(placed);
  return builder.finish(uidnext, std::max(modseq, highestmodseq_));
}

void ViewBuilder::share(const std::shared_ptr<const View::Chunk>& chunk) {
  close_chunk();
  view_.chunks_.push_back(chunk);
}

void ViewBuilder::close_chunk() {
  if (last_ && !last_->entries.empty()) view_.chunks_.push_back(std::move(last_));
  last_ = nullptr;
}

void ViewBuilder::make_room(std::size_t entries) {
  room().entries.reserve(std::min(entries, View::chunk_size));
}

View::Chunk& ViewBuilder::room() {
  if (last_ && last_->entries.size() >= View::chunk_size) close_chunk();
  if (!last_) last_ = std::make_shared<View::Chunk>();
  return *last_;
}

void ViewBuilder::add(const Placement& placement) {
  room().add(placement);
}

void ViewBuilder::add(const View::Entry& entry, std::string_view keywords) {
  room().add(entry, keywords);
}

std::shared_ptr<const View> ViewBuilder::finish(std::uint32_t uidnext, std::int64_t highestmodseq) {
  close_chunk();
  view_.uidnext_ = uidnext;
  view_.highestmodseq_ = highestmodseq;
  view_.count();
  return std::make_shared<const View>(std::move(view_));
}

// Walks along a view, chunk by chunk.
class ViewDiff::Walk {
 public:
  explicit Walk(const View& view) : view_(view) {}
  bool at_end() const { return chunk_ == view_.chunks_.size(); }
  std::size_t index() const { return view_.starts_[chunk_] + offset_; }
  const View::Entry& operator*() const { return chunk()->entries[offset_]; }
  const std::shared_ptr<const View::Chunk>& chunk() const { return view_.chunks_[chunk_]; }
  bool at_start_of_chunk() const { return offset_ == 0; }
  void skip_chunk() {
    ++chunk_;
    offset_ = 0;
  }
  void next() {
    if (++offset_ == chunk()->entries.size()) skip_chunk();
  }

 private:
  const View& view_;
  std::size_t chunk_ = 0;
  std::size_t offset_ = 0;
};

ViewDiff::ViewDiff(const View& earlier, const View& later) {
  Walk before(earlier), now(later);
  while (!before.at_end() && !now.at_end()) {
    // Chunks that both share are skipped whole.
    if (before.at_start_of_chunk() && now.at_start_of_chunk() && before.chunk() == now.chunk()) {
      before.skip_chunk();
      now.skip_chunk();
      continue;
    }
    if ((*before).uid < (*now).uid) {
      gone.push_back(before.index());
      before.next();
      continue;
    }
    // A UID that only the later view has, below one of the earlier: never handed out so.
    if ((*before).uid == (*now).uid) {
      if ((*before).modseq != (*now).modseq) changed.push_back(now.index());
      before.next();
    }
    now.next();
  }
  for (; !before.at_end(); before.next()) gone.push_back(before.index());
  first_new = now.at_end() ? later.size() : now.index();
}

std::shared_ptr<const View> read_view(sql::Tx& tx, std::int64_t account_id,
                                      std::int64_t mailbox_id) {
  auto numbers = tx.first<std::uint32_t, std::int64_t>(
      "select uidnext, highestmodseq from mailbox where account_id = $1 and id = $2", account_id,
      mailbox_id);
  if (!numbers) return std::make_shared<const View>();
  ViewBuilder builder;
  auto take = [&](const sql::Row& row) {
    builder.add({.message_id = row.integer(1),
                 .modseq = row.integer(4),
                 .size = static_cast<std::uint64_t>(row.integer(5)),
                 .uid = static_cast<std::uint32_t>(row.integer(0)),
                 .keywords_at = 0,
                 .keywords_length = 0,
                 .flags = static_cast<std::uint8_t>(row.integer(2))},
                row.text(3));
  };
  tx.each(
      "select uid, message_id, flags, keywords, modseq, size from placement "
      "where account_id = $1 and mailbox_id = $2 order by uid",
      take, account_id, mailbox_id);
  auto [uidnext, highestmodseq] = *numbers;
  return builder.finish(uidnext, highestmodseq);
}

}  // namespace todoke::store
