#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <vector>

#include "memberlist/sim/scenario.hpp"

namespace memberlist::sim {

/// Measures when the others find out that a node is gone.
class Detections {
 public:
  /// What one of the nodes is to a detection.
  enum class Role : unsigned char {
    none,   ///< it does not count: it is gone, or cannot be reached, itself
    waits,  ///< it holds the subject for a member
    knows,  ///< it does not
  };

  /// The subject is gone now; `role` says of each of the `nodes` what it is.
  void begin(NodeId subject, Duration now, std::size_t nodes,
             const std::function<Role(NodeId)>& role);
  /// The observer has found out.
  void found(NodeId observer, NodeId subject, Duration now);
  /// The observer does not count any more.
  void lose(NodeId observer, Duration now);

  /// In the order in which they began.
  [[nodiscard]] const std::vector<Detection>& all() const noexcept { return detections_; }

 private:
  struct Roll {
    std::vector<Role> roles;
    std::size_t others = 0;
    std::size_t knowing = 0;
  };
  void note(std::size_t index, Duration now);

  std::vector<Detection> detections_;
  std::vector<Roll> rolls_;                // one for each of them
  std::map<NodeId, std::size_t> indices_;  // by subject
};

}  // namespace memberlist::sim
