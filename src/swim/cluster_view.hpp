#pragma once

#include <cstddef>
#include <string>

#include "base/limits.hpp"
#include "swim/clock.hpp"
#include "swim/local_node.hpp"
#include "swim/member_table.hpp"
#include "swim/scaling.hpp"
#include "swim/tombstones.hpp"

namespace memberlist::swim {

/// What a ClusterView holds.
struct ClusterViewState {
  MemberTable table;
  MemberIndex self = kNoMember;
  Tombstones tombstones;

  explicit ClusterViewState(const SipKey& key) : table(key), tombstones(limits::kTombstones, key) {}
};

/// What this node knows of the cluster: all members, itself among them, and those that it has
/// forgotten.
class ClusterView : ClusterViewState {
 public:
  ClusterView(const LocalNode& node, const Clock& clock)
      : ClusterViewState(node.secrets.hash_tables), node_(node), clock_(clock) {}
  ClusterView(const ClusterView& other, const LocalNode& node, const Clock& clock)
      : ClusterViewState(other), node_(node), clock_(clock) {}

  using ClusterViewState::self;
  using ClusterViewState::table;
  using ClusterViewState::tombstones;

  [[nodiscard]] MemberEntry& self_entry() noexcept { return table.at(self); }
  [[nodiscard]] const MemberEntry& self_entry() const noexcept { return table.at(self); }
  [[nodiscard]] const std::string& self_name() const noexcept {
    return table.at(self).record->name;
  }

  /// The size of the cluster in the protocol's formulas: live members.
  [[nodiscard]] std::size_t counted() const noexcept {
    return node_.behaviour.counts_the_living ? table.live_count() : table.size();
  }

  /// Whether any other member could receive messages from this node.
  [[nodiscard]] bool others_alive() const noexcept {
    const std::size_t own = table.at(self).live() ? 1 : 0;
    return table.live_count() > own;
  }

  /// Whether a member is very likely to be up: it is not new, and was heard from recently. In the
  /// steady state each member pings one, and is pinged by one, in each probe interval.
  [[nodiscard]] bool established(const MemberEntry& entry) const noexcept {
    constexpr int kIntervals = 10;
    const Duration time = kIntervals * node_.probe_interval();
    return clock_.now <= entry.heard + time && entry.heard >= entry.since + time;
  }

  /// How long an update takes to reach all members, or nearly all.
  [[nodiscard]] Duration spreading_time() const noexcept {
    const Config& config = node_.config;
    const bool gossips = config.gossip_interval > Duration::zero();
    return swim::spreading_time(config.retransmit_mult, table.live_count(),
                                gossips ? config.gossip_interval : node_.probe_interval());
  }

  void forget_old_tombstones() {
    if (tombstones.empty()) return;
    const Config& config = node_.config;
    tombstones.forget_before(clock_.now - tombstone_time(config.push_pull_interval,
                                                         config.probe_interval,
                                                         table.live_count()));
  }

 private:
  const LocalNode& node_;
  const Clock& clock_;
};

}  // namespace memberlist::swim
