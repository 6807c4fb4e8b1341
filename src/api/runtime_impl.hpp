#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "api/fork_guard.hpp"
#include "base/hidden.hpp"
#include "memberlist/record_store.hpp"
#include "memberlist/runtime.hpp"
#include "memberlist/transport.hpp"
#include "net/loop.hpp"

namespace memberlist {

/// A loop and the thread that runs it.
class MEMBERLIST_HIDDEN Runtime::Impl final : public Executor {
 public:
  /// Error: `system`.
  [[nodiscard]] static Result<std::shared_ptr<Impl>> start(
      std::shared_ptr<RecordStore> records = nullptr);
  Impl(std::shared_ptr<net::Loop> loop, std::shared_ptr<RecordStore> records) noexcept
      : loop_(std::move(loop)), records_(std::move(records)) {}
  /// As `stop`; if called on its own thread, which cannot wait for itself, the thread continues
  /// until it ends by itself. In a forked child there is nothing to stop.
  ~Impl() override;

  void post(std::function<void()> task) override { loop_->post(std::move(task)); }
  [[nodiscard]] net::Loop& loop() noexcept { return *loop_; }
  /// That of its members; null if there is only one.
  [[nodiscard]] const std::shared_ptr<RecordStore>& records() const noexcept { return records_; }
  [[nodiscard]] bool on_own_thread() const noexcept { return loop_->runs_here(); }
  /// In a forked child the thread does not exist.
  [[nodiscard]] const api::ForkGuard& fork_guard() const noexcept { return fork_guard_; }
  /// Waits until what was posted before has run and the thread has ended. Idempotent, from all
  /// threads but its own.
  void stop();

 private:
  const api::ForkGuard fork_guard_;
  std::shared_ptr<net::Loop> loop_;  // its thread's, too
  const std::shared_ptr<RecordStore> records_;
  std::mutex stopping_;
  std::thread thread_;
};

}  // namespace memberlist
