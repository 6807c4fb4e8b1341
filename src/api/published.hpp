#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "api/fork_guard.hpp"
#include "memberlist/counters.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/key.hpp"
#include "memberlist/member.hpp"

namespace memberlist::api {

/// What all threads see of an engine that one thread owns. The owner publishes after each batch of
/// inputs, before it sends or delivers what the batch brought: so a view is never older than a
/// packet that was sent, an event that was delivered, or a call that has returned.
///
/// Readers and the owner do not wait for each other: `latest_` is held only briefly. Of the members
/// the owner publishes only the changes. A reader that asks for a view merges them; so there is no
/// merging without readers, and a reader waits at most for another one's merging. (Not an atomic
/// pointer: that of libstdc++ 12 is a lock, too.)
class Published {
 public:
  Published() = default;
  /// In a forked child, a view that was locked at the fork is empty. The guard must outlive it.
  explicit Published(const ForkGuard& guard) noexcept : guard_(&guard) {}

  /// The owner's: takes over what has changed in `engine`.
  void publish(Engine& engine, std::uint64_t packets_dropped);

  [[nodiscard]] MemberSnapshot members() const;
  [[nodiscard]] Member self() const;
  [[nodiscard]] EngineCounters counters() const;
  /// The engine's keys with the counts of their use.
  [[nodiscard]] std::vector<KeyInfo> keys() const;

 private:
  void merge() const;  // with `merging_` held
  [[nodiscard]] std::unique_lock<std::mutex> hold(std::mutex& mutex) const {
    return guard_ == nullptr ? std::unique_lock(mutex) : guard_->lock(mutex);
  }

  const ForkGuard* guard_ = nullptr;
  mutable std::mutex latest_;  // guards the next four
  mutable std::vector<MemberChange> changes_;
  Member self_;
  EngineCounters counters_;
  std::vector<KeyInfo> keys_;

  mutable std::mutex merging_;  // taken before `latest_`; guards the next
  mutable MemberSnapshot members_;
};

}  // namespace memberlist::api
