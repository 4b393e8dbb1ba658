#include "queue/backlog.h"

#include <algorithm>

namespace todoke::queue {

void Turn::add(Line& line) {
  if (line.is_ready) return;
  line.is_ready = true;
  ++size_;
  auto& lane = lanes_.at(static_cast<std::size_t>(line.key.lane));
  auto share = std::ranges::find(lane, line.key.organisation_id, &Share::organisation_id);
  if (share == lane.end()) share = lane.insert(lane.end(), Share{line.key.organisation_id, {}});
  share->lines.push_back(&line);
}

void Turn::remove(Line& line) {
  if (!line.is_ready) return;
  line.is_ready = false;
  --size_;
  auto& lane = lanes_.at(static_cast<std::size_t>(line.key.lane));
  auto share = std::ranges::find(lane, line.key.organisation_id, &Share::organisation_id);
  std::erase(share->lines, &line);
  if (share->lines.empty()) lane.erase(share);
}

bool Turn::empty() const {
  return size_ == 0;
}

Line* Turn::next_of(std::list<Share>& lane) {
  if (lane.empty()) return nullptr;
  auto& share = lane.front();
  auto* line = share.lines.front();
  share.lines.pop_front();
  share.lines.push_back(line);
  lane.splice(lane.end(), lane, lane.begin());
  return line;
}

Line* Turn::next() {
  bool others_first = ++count_ % 5 == 0;
  if (others_first)
    if (auto* line = next_of(lanes_[count_ % 25 == 0 ? 2 : 1])) return line;
  for (auto& lane : lanes_)
    if (auto* line = next_of(lane)) return line;
  return nullptr;
}

}  // namespace todoke::queue
