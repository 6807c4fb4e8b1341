#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace memberlist::api {

/// Tells a forked child, in which the threads of the parent do not exist, from the process that
/// made the object. Cheap enough for every call: where the system can clear memory in children, it
/// is one read.
class ForkGuard {
 public:
  ForkGuard() noexcept;
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  [[nodiscard]] bool in_child() const noexcept {
    return mark_ != nullptr ? mark_->load(std::memory_order_relaxed) == 0 : is_other_process();
  }
  /// Locks a mutex. A child gets the lock only if no thread held the mutex at the fork: nobody
  /// would give it back there, and what it guards may be half changed.
  [[nodiscard]] std::unique_lock<std::mutex> lock(std::mutex& mutex) const {
    if (in_child()) [[unlikely]]
      return {mutex, std::try_to_lock};
    return std::unique_lock(mutex);
  }

 private:
  [[nodiscard]] bool is_other_process() const noexcept;

  const pid_t owner_;
  std::atomic<std::uint8_t>* mark_ = nullptr;  // on a page that is zero in children; may be null
};

}  // namespace memberlist::api
