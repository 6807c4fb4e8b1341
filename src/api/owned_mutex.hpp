#pragma once

#include <atomic>
#include <mutex>
#include <thread>

namespace memberlist::api {

/// A mutex that can be asked whether the calling thread holds it: what the engine calls in the
/// middle of a change (a Policy) may turn around and call us.
class OwnedMutex {
 public:
  void lock() {
    mutex_.lock();
    owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  void unlock() {
    owner_.store({}, std::memory_order_relaxed);
    mutex_.unlock();
  }
  /// Only the owner itself can find its own id here.
  [[nodiscard]] bool held_by_this_thread() const noexcept {
    return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{};
};

}  // namespace memberlist::api
