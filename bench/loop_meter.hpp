#pragma once

#include <cstdint>

#include <benchmark/benchmark.h>
#include <valgrind/callgrind.h>

#include "bench/allocations.hpp"

namespace memberlist::bench {

/// Counts the allocations of a benchmark's loop and shows them as `allocs_per_op`. Under
/// callgrind, which is started with `--collect-atstart=no`, also the instructions of that loop.
class LoopMeter {
 public:
  explicit LoopMeter(benchmark::State& state) noexcept : state_(state) { resume(); }
  LoopMeter(const LoopMeter&) = delete;
  LoopMeter& operator=(const LoopMeter&) = delete;
  ~LoopMeter() {
    pause();
    state_.counters["allocs_per_op"] =
        benchmark::Counter(static_cast<double>(counted_), benchmark::Counter::kAvgIterations);
  }

  /// What happens from now on is preparation, or comes after the loop.
  void pause() noexcept {
    if (!counting_) return;
    CALLGRIND_TOGGLE_COLLECT;
    counted_ += allocation_count() - started_;
    counting_ = false;
  }
  void resume() noexcept {
    started_ = allocation_count();
    counting_ = true;
    CALLGRIND_TOGGLE_COLLECT;
  }

 private:
  benchmark::State& state_;
  std::uint64_t started_ = 0;
  std::uint64_t counted_ = 0;
  bool counting_ = false;
};

/// For a case of `scripts/op-counts`: where instructions are counted, it runs this often.
template <int Times>
void counted(benchmark::internal::Benchmark* benchmark) {
  if (RUNNING_ON_VALGRIND != 0) benchmark->Iterations(Times);
}

}  // namespace memberlist::bench
