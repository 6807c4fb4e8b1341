#include "sim/convergence.hpp"

#include <algorithm>

namespace memberlist::sim {

void Convergence::add_node() {
  for (std::vector<bool>& view : views_) view.push_back(false);
  truths_.push_back(Truth::gone);
  views_.emplace_back(truths_.size(), false);
  wrong_.push_back(static_cast<std::size_t>(std::ranges::count(truths_, Truth::member)));
}

void Convergence::form() {
  for (std::vector<bool>& view : views_) view.assign(view.size(), true);
  std::ranges::fill(truths_, Truth::member);
  std::ranges::fill(wrong_, std::size_t{0});
}

void Convergence::restart(NodeId observer, NodeId self) {
  std::vector<bool>& view = views_[observer];
  view.assign(view.size(), false);
  view[self] = true;
  wrong_[observer] = 0;
  for (NodeId subject = 0; subject < view.size(); ++subject) {
    wrong_[observer] += is_wrong(observer, subject) ? 1 : 0;
  }
}

void Convergence::set_truth(NodeId subject, Truth truth) {
  if (truths_[subject] == truth) return;
  for (NodeId observer = 0; observer < views_.size(); ++observer) {
    wrong_[observer] -= is_wrong(observer, subject) ? 1 : 0;
  }
  truths_[subject] = truth;
  for (NodeId observer = 0; observer < views_.size(); ++observer) {
    wrong_[observer] += is_wrong(observer, subject) ? 1 : 0;
  }
}

void Convergence::saw(NodeId observer, NodeId subject, bool member) {
  wrong_[observer] -= is_wrong(observer, subject) ? 1 : 0;
  views_[observer][subject] = member;
  wrong_[observer] += is_wrong(observer, subject) ? 1 : 0;
}

bool Convergence::is_wrong(NodeId observer, NodeId subject) const {
  switch (truths_[subject]) {
    case Truth::gone:
      return views_[observer][subject];
    case Truth::member:
      return !views_[observer][subject];
    case Truth::open:
      return false;
  }
  return false;
}

}  // namespace memberlist::sim
