#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"

// From a datagram to the updated member table: a 1,400-byte compound of alive messages, each newer
// than what the table of 1,000 members has, so that each updates it and is queued to be passed on;
// or, as in a cluster that has heard of all, nothing new.
namespace memberlist::bench {
namespace {

constexpr std::uint32_t kMembers = 1000;
// Packets made ahead, outside the measured time.
constexpr std::size_t kBatch = 1000;

class Ingest {
 public:
  explicit Ingest(const Layers& layers, bool with_metrics = false)
      : members_(sample_members(kMembers)),
        packets_(members_, layers.sealing()),
        from_(members_.front().address()),
        engine_(make_engine(layers.config(), with_metrics)) {
    // Two rounds: all members are known, and every buffer has its size.
    const std::size_t messages = 2 * members_.size() + packets_.parts();
    for (std::size_t sent = 0; sent < messages; sent += packets_.parts()) {
      batch_.push_back(packets_.next());
      feed(batch_.back());
    }
  }

  void feed(Bytes& packet) {
    engine_.handle_packet(kNow, from_, packet);
    benchmark::DoNotOptimize(engine_.outputs().data());
    engine_.clear_outputs();
  }
  void refill() {
    batch_.clear();
    for (std::size_t i = 0; i < kBatch; ++i) batch_.push_back(packets_.next());
  }

  /// Each packet is newer.
  void run(benchmark::State& state) {
    refill();
    std::size_t at = 0;
    LoopMeter meter(state);
    for ([[maybe_unused]] auto _ : state) {
      if (at == batch_.size()) {
        state.PauseTiming();
        meter.pause();
        refill();
        at = 0;
        meter.resume();
        state.ResumeTiming();
      }
      feed(batch_[at++]);
    }
    meter.pause();
    while (at < batch_.size()) feed(batch_[at++]);
    report(state);
  }

  /// What it has heard already, again and again.
  void run_stale(benchmark::State& state) {
    for (Bytes& packet : batch_) feed(packet);  // every buffer has its size
    const std::uint64_t before = engine_.counters().packets_received;
    std::size_t at = 0;
    LoopMeter meter(state);
    for ([[maybe_unused]] auto _ : state) {
      feed(batch_[at]);
      at = at + 1 == batch_.size() ? 0 : at + 1;
    }
    meter.pause();
    const auto received = engine_.counters().packets_received - before;
    if (received != static_cast<std::uint64_t>(state.iterations())) {
      state.SkipWithError("packets were lost");
    }
    report(state);
  }

 private:
  // What was measured did happen: the table has the last message, which none has overtaken.
  void report(benchmark::State& state) const {
    const auto member = engine_.member(packets_.last_member().name());
    if (!member || member->incarnation != packets_.last_incarnation()) {
      state.SkipWithError("the table does not have the last message");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(packets_.plain_bytes()));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(packets_.parts()));
  }

  std::vector<SampleMember> members_;
  AlivePackets packets_;
  Address from_;
  Engine engine_;
  std::vector<Bytes> batch_;
};

void ingest_plain(benchmark::State& state) { Ingest(Layers(false)).run(state); }
void ingest_plain_stale(benchmark::State& state) { Ingest(Layers(false)).run_stale(state); }
void ingest_metrics(benchmark::State& state) { Ingest(Layers(false), true).run(state); }
void ingest_encrypted(benchmark::State& state) { Ingest(Layers(false, true)).run(state); }
void ingest_full(benchmark::State& state) { Ingest(Layers(true, true, "bench")).run(state); }

BENCHMARK(ingest_plain)->Unit(benchmark::kMicrosecond)->Apply(counted<1000>);
BENCHMARK(ingest_plain_stale)->Unit(benchmark::kMicrosecond)->Apply(counted<1000>);
BENCHMARK(ingest_metrics)->Unit(benchmark::kMicrosecond);
BENCHMARK(ingest_encrypted)->Unit(benchmark::kMicrosecond)->Apply(counted<1000>);
BENCHMARK(ingest_full)->Unit(benchmark::kMicrosecond)->Apply(counted<1000>);

}  // namespace
}  // namespace memberlist::bench
