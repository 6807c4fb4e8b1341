#pragma once

#include <cstdint>

#include <benchmark/benchmark.h>

namespace memberlist::bench {

/// How often this program has asked for memory by `operator new` so far (`allocations.cpp`
/// replaces it; what the C library or OpenSSL take by `malloc` is not in it).
[[nodiscard]] std::uint64_t allocation_count() noexcept;

/// Counts the allocations of a benchmark's loop and shows them as `allocs_per_op`.
class AllocationMeter {
 public:
  explicit AllocationMeter(benchmark::State& state) noexcept
      : state_(state), started_(allocation_count()) {}
  AllocationMeter(const AllocationMeter&) = delete;
  AllocationMeter& operator=(const AllocationMeter&) = delete;
  ~AllocationMeter() {
    pause();
    state_.counters["allocs_per_op"] =
        benchmark::Counter(static_cast<double>(counted_), benchmark::Counter::kAvgIterations);
  }

  /// What happens from now on is preparation, or comes after the loop.
  void pause() noexcept {
    if (counting_) counted_ += allocation_count() - started_;
    counting_ = false;
  }
  void resume() noexcept {
    started_ = allocation_count();
    counting_ = true;
  }

 private:
  benchmark::State& state_;
  std::uint64_t started_;
  std::uint64_t counted_ = 0;
  bool counting_ = true;
};

}  // namespace memberlist::bench
