#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/random.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/sim/world.hpp"
#include "memberlist/time.hpp"
#include "sim/population.hpp"

namespace memberlist::sim {

/// The operator who changes the key of a cluster, as docs/encryption.md says: the new key is added
/// on all nodes, then used on all, then the old one is removed from all. A step begins when the one
/// before is complete, so who stands still, or is not reached, keeps the others waiting. A change
/// that is wanted meanwhile waits, too.
class KeyChanges {
 public:
  /// Both must outlive this.
  KeyChanges(World& world, Population& population) : world_(world), population_(population) {}
  KeyChanges(const KeyChanges&) = delete;  // the world refers to it
  KeyChanges& operator=(const KeyChanges&) = delete;
  ~KeyChanges() = default;

  /// The key that the cluster has at the beginning.
  [[nodiscard]] static Bytes first_key() { return key(0); }
  /// Changes the key; in each step the nodes have their turn at any moment of `step`.
  void change(Duration step, Random random);

 private:
  struct Change {
    Duration step{};
    Random random;
    int steps_done = 0;
  };

  [[nodiscard]] static Bytes key(std::size_t number);
  void begin_step();
  void visit(NodeId node, std::size_t step);
  void end_step();
  void apply(NodeId node);
  [[nodiscard]] bool is_up_to_date(NodeId node) const;

  World& world_;
  Population& population_;
  std::deque<Change> changes_;  // the first one is under way
  std::size_t key_ = 0;         // the number of the one in use
  std::size_t steps_ = 0;       // that have begun
  std::vector<Bytes> keys_;     // that all nodes are to have, the primary first
};

}  // namespace memberlist::sim
