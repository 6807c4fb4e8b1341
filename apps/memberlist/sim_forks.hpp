#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "output.hpp"

namespace memberlist::cli {

/// How a run ended for one member, as far as it was played. Plain bytes, which pass a pipe.
struct Ending {
  std::uint64_t trace_hash = 0;
  std::int64_t first_dead_ns = 0;  ///< when it was first declared dead, if it was
  std::uint64_t declared = 0;      ///< by so many members
  std::uint64_t others = 0;        ///< that run at the end
  bool by_one = false;             ///< some member declared it dead
  bool by_all = false;             ///< each other one that runs at the end did, or does not know it
};

/// Runs futures in processes that are copies of this one, at the moment at which each is started.
/// This process must not have a second thread.
class ForkPool {
 public:
  /// At most `jobs` run at a time. `waiting` is called every now and then while this process waits
  /// for them; if it returns false, that is the end.
  ForkPool(std::size_t jobs, std::function<bool()> waiting)
      : jobs_(jobs), waiting_(std::move(waiting)) {}
  ForkPool(const ForkPool&) = delete;
  ForkPool& operator=(const ForkPool&) = delete;
  /// Ends those that still run.
  ~ForkPool();

  /// Starts one, once there is room: `future` is called in the copy, which ends with it. `number`
  /// is its place among the results. False if `waiting` wanted the end, or one has failed.
  [[nodiscard]] bool start(std::size_t number, const std::function<Ending()>& future);
  /// Waits for all; false as above.
  [[nodiscard]] bool finish();

  /// By number; unset: it was not started, or has not ended.
  [[nodiscard]] const std::vector<std::optional<Ending>>& endings() const noexcept {
    return endings_;
  }
  [[nodiscard]] std::size_t done() const noexcept { return done_; }
  /// Why it ended, if not by the will of `waiting`.
  [[nodiscard]] const std::optional<CommandError>& failure() const noexcept { return failure_; }

 private:
  struct Child {
    ::pid_t process = 0;
    int pipe = -1;
    std::size_t number = 0;
  };

  bool wait_until_fewer(std::size_t most);
  bool wait_for_some(int milliseconds);
  void collect(const Child& child);
  void fail(std::string text);

  std::size_t jobs_;
  std::function<bool()> waiting_;
  std::vector<Child> children_;
  std::vector<std::optional<Ending>> endings_;
  std::size_t done_ = 0;
  std::optional<CommandError> failure_;
};

}  // namespace memberlist::cli
