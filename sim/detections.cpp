#include "sim/detections.hpp"

namespace memberlist::sim {

void Detections::begin(NodeId subject, Duration now, std::size_t nodes,
                       const std::function<Role(NodeId)>& role) {
  if (!indices_.emplace(subject, detections_.size()).second) return;  // it was gone before
  detections_.push_back({.node = subject, .at = now});
  Roll& roll = rolls_.emplace_back();
  for (NodeId node = 0; node < nodes; ++node) {
    const Role mine = node == subject ? Role::none : role(node);
    roll.roles.push_back(mine);
    roll.others += mine == Role::none ? 0 : 1;
    roll.knowing += mine == Role::knows ? 1 : 0;
  }
  note(detections_.size() - 1, now);
}

void Detections::found(NodeId observer, NodeId subject, Duration now) {
  const auto index = indices_.find(subject);
  if (index == indices_.end()) return;
  Roll& roll = rolls_[index->second];
  // One that started later is not among them.
  if (observer >= roll.roles.size() || roll.roles[observer] != Role::waits) return;
  roll.roles[observer] = Role::knows;
  ++roll.knowing;
  note(index->second, now);
}

void Detections::lose(NodeId observer, Duration now) {
  for (std::size_t index = 0; index < rolls_.size(); ++index) {
    Roll& roll = rolls_[index];
    if (observer >= roll.roles.size() || roll.roles[observer] == Role::none) continue;
    roll.knowing -= roll.roles[observer] == Role::knows ? 1 : 0;
    --roll.others;
    roll.roles[observer] = Role::none;
    note(index, now);
  }
}

void Detections::note(std::size_t index, Duration now) {
  const Roll& roll = rolls_[index];
  if (roll.knowing == 0) return;
  Detection& detection = detections_[index];
  const Duration taken = now - detection.at;
  if (!detection.first) detection.first = taken;
  if (!detection.half && roll.knowing * 2 >= roll.others) detection.half = taken;
  if (!detection.all && roll.knowing == roll.others) detection.all = taken;
}

}  // namespace memberlist::sim
