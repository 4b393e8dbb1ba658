#include "blob/memory_files.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <unordered_map>

namespace todoke::blob {
namespace {

constexpr std::uint64_t sector = 512;
constexpr std::uint64_t page = 4096;
constexpr auto never = ~std::uint64_t{0};

using Sector = std::array<char, sector>;
using Page = std::array<char, page>;

std::unexpected<Error> power_is_off() {
  return fail(Errc::unavailable, "the power is off");
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

// Contents as they are now, sparse, and for each sector changed since the last sync its bytes then.
struct MemoryFiles::Node {
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages;
  std::map<std::uint64_t, Sector> before;
  std::uint64_t size = 0;
  std::uint64_t size_before = 0;
  std::uint64_t reserved = 0;  // what the file takes of the capacity

  Sector sector_at(std::uint64_t number) const {
    Sector s{};
    auto found = pages.find(number * sector / page);
    if (found != pages.end())
      std::memcpy(s.data(), found->second->data() + number * sector % page, sector);
    return s;
  }

  void put(std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
      auto within = offset % page;
      auto part = bytes.substr(0, page - within);
      auto& where = pages[offset / page];
      if (!where) where = std::make_unique<Page>();
      std::memcpy(where->data() + within, part.data(), part.size());
      bytes.remove_prefix(part.size());
      offset += part.size();
    }
  }

  void remember(std::uint64_t begin, std::uint64_t end) {
    for (auto s = begin / sector; s * sector < end; ++s) before.try_emplace(s, sector_at(s));
  }

  void write(std::string_view bytes, std::uint64_t offset) {
    remember(offset, offset + bytes.size());
    put(offset, bytes);
    size = std::max(size, offset + bytes.size());
  }

  void shrink(std::uint64_t to) {
    static constexpr std::array<char, page> zeros{};
    for (auto& [number, bytes] : pages) {
      if ((number + 1) * page <= to) continue;
      auto begin = std::max(number * page, to);
      remember(begin, (number + 1) * page);
      put(begin, std::string_view(zeros.data(), (number + 1) * page - begin));
    }
    size = to;
  }

  void sync() {
    before.clear();
    size_before = size;
  }

  void read(std::span<char> into, std::uint64_t offset) const {
    std::size_t done = 0;
    while (done < into.size()) {
      auto within = (offset + done) % page;
      auto part = std::min<std::size_t>(into.size() - done, page - within);
      auto found = pages.find((offset + done) / page);
      if (found == pages.end())
        std::memset(into.data() + done, 0, part);
      else
        std::memcpy(into.data() + done, found->second->data() + within, part);
      done += part;
    }
  }

  template <class Lost>
  void restart(Lost&& lost) {
    for (const auto& [number, bytes] : before)
      if (lost()) put(number * sector, std::string_view(bytes.data(), sector));
    before.clear();
    if (size != size_before && lost()) {
      auto kept = size_before;
      if (kept < size) shrink(kept);
      size = kept;
    }
    // Nothing stands beyond the end, whatever survived there.
    shrink(size);
    sync();
    reserved = size;
  }
};

struct MemoryFiles::Change {
  std::string from;  // empty: created
  std::string to;    // empty: removed
  std::shared_ptr<Node> node;

  void apply(std::map<std::string, std::shared_ptr<Node>>& names) const {
    if (!from.empty()) {
      auto found = names.find(from);
      if (found != names.end() && found->second == node) names.erase(found);
    }
    if (!to.empty()) names[to] = node;
  }
};

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFiles& files, std::shared_ptr<MemoryFiles::Node> node)
      : files_(files), node_(std::move(node)), life_(files.life_) {}

  Result<> pwrite(std::string_view bytes, std::uint64_t offset) override {
    std::lock_guard lock(files_.mutex_);
    TRY_OK(change());
    if (std::exchange(files_.fail_write_, false)) {
      node_->write(bytes.substr(0, bytes.size() / 2), offset);
      return fail(Errc::unavailable, "cannot write: the disk answers with an error");
    }
    auto room = files_.charge(*node_, offset + bytes.size());
    if (!room) {
      // As write(2) does: what fits is written before the error comes.
      if (node_->reserved > offset) node_->write(bytes.substr(0, node_->reserved - offset), offset);
      return room;
    }
    node_->write(bytes, offset);
    return {};
  }

  Result<std::size_t> pread(std::span<char> into, std::uint64_t offset) const override {
    std::lock_guard lock(files_.mutex_);
    if (!alive()) return power_is_off();
    if (offset >= node_->size) return std::size_t{0};
    auto count = std::min<std::uint64_t>(into.size(), node_->size - offset);
    node_->read(into.first(count), offset);
    return count;
  }

  bool pread_cached(std::span<char> into, std::uint64_t offset) const override {
    std::lock_guard lock(files_.mutex_);
    if (!alive() || !files_.cached_ || offset > node_->size || into.size() > node_->size - offset)
      return false;
    node_->read(into, offset);
    return true;
  }

  Result<> fdatasync() override {
    std::lock_guard lock(files_.mutex_);
    TRY_OK(change());
    ++files_.syncs_;
    if (std::exchange(files_.fail_sync_, false))
      return fail(Errc::unavailable, "cannot sync: the disk answers with an error");
    node_->sync();
    return {};
  }

  Result<> truncate(std::uint64_t size) override {
    std::lock_guard lock(files_.mutex_);
    TRY_OK(change());
    if (size > node_->size) {
      TRY_OK(files_.charge(*node_, size));
    }
    if (size < node_->size) node_->shrink(size);
    node_->size = size;
    node_->reserved = std::min(node_->reserved, size);
    return {};
  }

  Result<> allocate(std::uint64_t offset, std::uint64_t length) override {
    std::lock_guard lock(files_.mutex_);
    TRY_OK(change());
    TRY_OK(files_.charge(*node_, offset + length));
    node_->size = std::max(node_->size, offset + length);
    return {};
  }

  Result<std::uint64_t> size() const override {
    std::lock_guard lock(files_.mutex_);
    if (!alive()) return power_is_off();
    return node_->size;
  }

 private:
  bool alive() const { return life_ == files_.life_ && files_.operations_ < files_.cut_at_; }
  Result<> change() {
    if (life_ != files_.life_) return power_is_off();
    return files_.change();
  }

  MemoryFiles& files_;
  std::shared_ptr<MemoryFiles::Node> node_;
  std::uint64_t life_;
};

MemoryFiles::MemoryFiles() : cut_at_(never), capacity_(never) {}
MemoryFiles::~MemoryFiles() = default;

Result<> MemoryFiles::change() {
  if (operations_ >= cut_at_) return power_is_off();
  ++operations_;
  return {};
}

Result<> MemoryFiles::charge(Node& node, std::uint64_t end) {
  if (end <= node.reserved) return {};
  std::uint64_t others = 0;
  for (const auto& [path, other] : names_)
    if (other.get() != &node) others += other->reserved;
  if (capacity_ != never && others + end > capacity_) {
    node.reserved = std::max(node.reserved, capacity_ - std::min(others, capacity_));
    return fail(Errc::unavailable, "no space left on the disk");
  }
  node.reserved = end;
  return {};
}

Result<std::unique_ptr<File>> MemoryFiles::open(const std::string& path, Access access) {
  std::lock_guard lock(mutex_);
  if (operations_ >= cut_at_) return power_is_off();
  auto found = names_.find(path);
  if (access == Access::create) {
    TRY_OK(change());
    if (found != names_.end()) return fail(Errc::unavailable, "cannot create " + path);
    found = names_.emplace(path, std::make_shared<Node>()).first;
    pending_.push_back({"", path, found->second});
  }
  if (found == names_.end()) return fail(Errc::not_found, "cannot open " + path);
  return std::make_unique<MemoryFile>(*this, found->second);
}

Result<> MemoryFiles::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  TRY_OK(change());
  auto found = names_.find(from);
  if (found == names_.end()) return fail(Errc::not_found, "cannot rename " + from);
  pending_.push_back({from, to, found->second});
  pending_.back().apply(names_);
  return {};
}

Result<> MemoryFiles::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  TRY_OK(change());
  auto found = names_.find(path);
  if (found == names_.end()) return fail(Errc::not_found, "cannot remove " + path);
  pending_.push_back({path, "", found->second});
  pending_.back().apply(names_);
  return {};
}

Result<> MemoryFiles::make_folder(const std::string&) {
  return {};
}

Result<std::vector<Files::Entry>> MemoryFiles::list(const std::string& folder) {
  std::lock_guard lock(mutex_);
  if (operations_ >= cut_at_) return power_is_off();
  std::vector<Entry> found;
  for (const auto& [path, node] : names_)
    if (folder_of(path) == folder) found.push_back({path.substr(folder.size() + 1), node->size});
  return found;
}

Result<> MemoryFiles::sync_directory(const std::string& folder) {
  std::lock_guard lock(mutex_);
  TRY_OK(change());
  ++syncs_;
  auto concerned = [&](const Change& c) {
    return folder_of(c.to.empty() ? c.from : c.to) == folder;
  };
  for (const auto& c : pending_)
    if (concerned(c)) c.apply(durable_);
  std::erase_if(pending_, concerned);
  return {};
}

void MemoryFiles::restart(Cut cut, std::uint64_t seed) {
  std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  auto lost = [&] { return cut == Cut::lose_all || (cut == Cut::lose_some && random() % 2 == 0); };
  for (const auto& c : pending_)
    if (!lost()) c.apply(durable_);
  pending_.clear();
  names_ = durable_;
  for (auto& [path, node] : names_) node->restart(lost);
  cut_at_ = never;
  fail_sync_ = false;
  ++life_;
}

void MemoryFiles::cut_after(std::uint64_t operations) {
  std::lock_guard lock(mutex_);
  cut_at_ = operations_ + operations;
}

std::uint64_t MemoryFiles::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t MemoryFiles::syncs() const {
  std::lock_guard lock(mutex_);
  return syncs_;
}

void MemoryFiles::set_capacity(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t MemoryFiles::used() const {
  std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [path, node] : names_) sum += node->reserved;
  return sum;
}

void MemoryFiles::set_cached(bool cached) {
  std::lock_guard lock(mutex_);
  cached_ = cached;
}

void MemoryFiles::fail_next_sync() {
  std::lock_guard lock(mutex_);
  fail_sync_ = true;
}

void MemoryFiles::fail_next_write() {
  std::lock_guard lock(mutex_);
  fail_write_ = true;
}

void MemoryFiles::damage(const std::string& path, std::uint64_t offset, unsigned char mask) {
  std::lock_guard lock(mutex_);
  auto& node = *names_.at(path);
  char byte = 0;
  node.read(std::span(&byte, 1), offset);
  byte = static_cast<char>(byte ^ mask);
  node.put(offset, std::string_view(&byte, 1));
}

}  // namespace todoke::blob
