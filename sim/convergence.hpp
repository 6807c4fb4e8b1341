#pragma once

#include <cstddef>
#include <vector>

#include "memberlist/sim/world.hpp"

namespace memberlist::sim {

/// Who holds whom for a member, compared with who is one. Follows events, so that asking costs
/// nothing.
class Convergence {
 public:
  /// What is true of a node.
  enum class Truth : unsigned char {
    gone,    ///< no view should have it
    member,  ///< every view should
    open,    ///< views may have it or not
  };

  /// A node that is gone, and knows nobody.
  void add_node();
  /// All nodes that were added are members, and know one another.
  void form();
  /// The node has a new process, which knows only the member `self`.
  void restart(NodeId observer, NodeId self);
  void set_truth(NodeId subject, Truth truth);
  /// The observer does, or does not, hold the subject for a member.
  void saw(NodeId observer, NodeId subject, bool member);

  [[nodiscard]] bool holds(NodeId observer, NodeId subject) const {
    return views_[observer][subject];
  }
  /// Whether the view of the node is the truth.
  [[nodiscard]] bool is_right(NodeId observer) const { return wrong_[observer] == 0; }

 private:
  [[nodiscard]] bool is_wrong(NodeId observer, NodeId subject) const;

  std::vector<std::vector<bool>> views_;  // by observer
  std::vector<Truth> truths_;
  std::vector<std::size_t> wrong_;  // how many subjects, by observer
};

}  // namespace memberlist::sim
