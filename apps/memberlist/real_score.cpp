#include "real_score.hpp"

#include <algorithm>

namespace memberlist::cli {

RealScore::RealScore(const sim::Scenario& scenario, std::size_t nodes)
    : health_(sim::longest_aftermath(scenario)), nodes_(nodes) {
  for (std::size_t node = 0; node < nodes; ++node) convergence_.add_node();
}

// --- what becomes of the nodes -------------------------------------------------------------------

void RealScore::started(sim::NodeId node) {
  nodes_[node].runs = true;
  nodes_[node].leaving = nodes_[node].lost = false;
  convergence_.restart(node, node);
  update_truth(node);
}

void RealScore::leaves(sim::NodeId node, Duration now) {
  nodes_[node].leaving = true;
  lose(node, now);
  update_truth(node);
}

void RealScore::ended(sim::NodeId node, Duration now) {
  nodes_[node].runs = false;
  lose(node, now);
  update_truth(node);
}

void RealScore::begin_stop(sim::NodeId node, std::size_t fault) {
  nodes_[node].stops.insert(fault);
  update_truth(node);
}

void RealScore::end_stop(sim::NodeId node, std::size_t fault) {
  nodes_[node].stops.erase(fault);
  update_truth(node);
}

void RealScore::lose(sim::NodeId node, Duration now) {
  nodes_[node].lost = true;
  detections_.lose(node, now);
}

void RealScore::watch(sim::NodeId subject, Duration now) {
  detections_.begin(subject, now, nodes_.size(), [&](sim::NodeId node) {
    if (!takes_part(node) || nodes_[node].lost) return sim::Detections::Role::none;
    return convergence_.holds(node, subject) ? sim::Detections::Role::waits
                                             : sim::Detections::Role::knows;
  });
}

void RealScore::heal() {
  healed_ = true;
  for (sim::NodeId node = 0; node < nodes_.size(); ++node) {
    nodes_[node].stops.clear();
    update_truth(node);
  }
}

void RealScore::update_truth(sim::NodeId node) {
  auto truth = sim::Convergence::Truth::gone;
  if (takes_part(node)) {
    truth = is_stopped(node) ? sim::Convergence::Truth::open : sim::Convergence::Truth::member;
  }
  convergence_.set_truth(node, truth);
}

// --- what the nodes report -----------------------------------------------------------------------

void RealScore::take(sim::NodeId observer, const MemberChange& change, Duration now) {
  if (change.subject >= nodes_.size()) return;
  convergence_.saw(observer, change.subject, change.member);
  if (now >= Duration::zero()) count(observer, change, now);
}

void RealScore::count(sim::NodeId observer, const MemberChange& change, Duration now) {
  const bool gone = change.kind == MemberEventKind::dead || change.kind == MemberEventKind::leave;
  if (gone) detections_.found(observer, change.subject, now);
  if (change.kind == MemberEventKind::suspect) ++suspicions_;
  if (change.kind != MemberEventKind::dead || healed_ || !takes_part(change.subject)) return;
  if (health_.may_die(observer, change.subject, now)) return;
  ++false_positives_;
  if (health_.is_healthy(observer, now)) ++false_positives_healthy_;
}

// --- who runs ------------------------------------------------------------------------------------

std::vector<sim::NodeId> RealScore::running() const {
  std::vector<sim::NodeId> all;
  for (sim::NodeId node = 0; node < nodes_.size(); ++node) {
    if (takes_part(node)) all.push_back(node);
  }
  return all;
}

std::size_t RealScore::processes() const {
  return static_cast<std::size_t>(std::ranges::count(nodes_, true, &Node::runs));
}

double RealScore::converged() const {
  std::size_t asked = 0;
  std::size_t right = 0;
  for (sim::NodeId node = 0; node < nodes_.size(); ++node) {
    if (!takes_part(node) || is_stopped(node)) continue;
    ++asked;
    right += convergence_.is_right(node) ? 1 : 0;
  }
  return asked == 0 ? 1 : static_cast<double>(right) / static_cast<double>(asked);
}

}  // namespace memberlist::cli
