#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "memberlist/sim/scenario.hpp"
#include "sim_forks.hpp"

namespace memberlist::cli {

/// Keeps account of who declares one member dead.
class DeathCount {
 public:
  explicit DeathCount(std::string member) : member_(std::move(member)) {}

  void take(sim::NodeId observer, Duration at, const MemberEvent& event);
  /// When the first of those who do did so, and the last of them for the first time.
  [[nodiscard]] const std::optional<Duration>& first() const noexcept { return first_; }
  [[nodiscard]] const std::optional<Duration>& last() const noexcept { return last_; }
  /// As it is now.
  [[nodiscard]] Ending ending(const sim::World& world) const;

 private:
  [[nodiscard]] bool is_gone(const sim::World& world, sim::NodeId observer) const;

  std::string member_;
  std::set<sim::NodeId> declared_;
  std::optional<Duration> first_;
  std::optional<Duration> last_;
};

}  // namespace memberlist::cli
