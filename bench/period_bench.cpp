#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/loop_meter.hpp"
#include "bench/quiet_member.hpp"

// One member's probe period in a quiet cluster: the tick, the ping, its ack, and whatever else is
// due until the next one. Two engines with the same seed do the same: the first one is asked ahead
// of time what it sends, so that the second can be given the answers while it is measured.
namespace memberlist::bench {
namespace {

constexpr std::size_t kBatch = 1000;

void engine_period(benchmark::State& state, std::uint32_t members) {
  QuietMember asked(members);
  QuietMember measured(members);
  // Until nothing is queued any more.
  while (asked.engine().counters().broadcasts_queued > 0) measured.repeat(asked.live());
  std::vector<Period> batch;
  std::size_t at = 0;
  const auto refill = [&] {
    batch.clear();
    for (std::size_t i = 0; i < kBatch; ++i) batch.push_back(asked.live());
    at = 0;
  };
  refill();
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    if (at == batch.size()) {
      state.PauseTiming();
      meter.pause();
      refill();
      meter.resume();
      state.ResumeTiming();
    }
    measured.repeat(batch[at++]);
  }
  meter.pause();
  while (at < batch.size()) measured.repeat(batch[at++]);
  const auto counters = measured.engine().counters();
  if (counters.probes_answered != asked.engine().counters().probes_answered ||
      counters.probes_answered != counters.probes || measured.engine().live_count() != members) {
    state.SkipWithError("a probe was not answered");
  }
}

void engine_period_16(benchmark::State& state) { engine_period(state, 16); }
void engine_period_64(benchmark::State& state) { engine_period(state, 64); }
void engine_period_256(benchmark::State& state) { engine_period(state, 256); }

BENCHMARK(engine_period_16);
BENCHMARK(engine_period_64);
BENCHMARK(engine_period_256);

}  // namespace
}  // namespace memberlist::bench
