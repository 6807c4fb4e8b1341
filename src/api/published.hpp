#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "memberlist/counters.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/key.hpp"
#include "memberlist/member.hpp"

namespace memberlist::api {

/// What all threads see of an engine that one thread owns. The owner publishes after each batch of
/// inputs, before it delivers what the batch brought: so a view is never older than an event that
/// was delivered, or a call that has returned.
///
/// Nobody waits for the owner, and the owner waits for nobody: `latest_` is held for a few moves.
/// Of the members the owner publishes only the changes; whoever asks for a view merges them, so
/// that this costs nothing where nobody asks, and readers wait only for each other's merging. (Not
/// an atomic pointer: that of libstdc++ 12 is a lock, too, and a data race to ThreadSanitizer.)
class Published {
 public:
  /// The owner's: takes over what has changed in `engine`.
  void publish(Engine& engine, std::uint64_t packets_dropped);

  [[nodiscard]] MemberSnapshot members() const;
  [[nodiscard]] Member self() const;
  [[nodiscard]] EngineCounters counters() const;
  /// The engine's keys with the counts of their use.
  [[nodiscard]] std::vector<KeyInfo> keys() const;

 private:
  void merge() const;  // with `merging_` held

  mutable std::mutex latest_;  // guards the next four
  mutable std::vector<MemberChange> changes_;
  Member self_;
  EngineCounters counters_;
  std::vector<KeyInfo> keys_;

  mutable std::mutex merging_;  // taken before `latest_`; guards the next
  mutable MemberSnapshot members_;
};

}  // namespace memberlist::api
