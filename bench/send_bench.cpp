#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"

// From a gossip tick to the bytes of its packets, with 10,000 broadcasts of 98 bytes in the queue
// and as many members to send to: three packets a tick, as by default. One operation is a packet.
namespace memberlist::bench {
namespace {

constexpr std::uint32_t kQueued = 10'000;
constexpr std::uint32_t kTargets = 3;
// So many ticks leave the queue full: each message is sent twenty times, in packets of thirteen.
constexpr std::uint32_t kTicksBeforeRefill = 3000;

class Gossip {
 public:
  explicit Gossip(const Layers& layers)
      : members_(sample_members(kQueued, kShortMetaBytes)),
        packets_(members_, layers.sealing()),
        layers_(layers),
        engine_(make_engine(only_gossip(layers.config()))) {
    refill();
  }

  void run(benchmark::State& state) {
    for (int i = 0; i < 100; ++i) tick();  // every buffer has its size
    std::uint32_t ticks = 0;
    std::int64_t sent = 0;
    LoopMeter meter(state);
    while (state.KeepRunningBatch(kTargets)) {
      if (++ticks == kTicksBeforeRefill) {
        state.PauseTiming();
        meter.pause();
        refill();
        ticks = 0;
        meter.resume();
        state.ResumeTiming();
      }
      sent += tick();
    }
    meter.pause();
    if (sent != state.iterations()) state.SkipWithError("a tick did not send its packets");
    check(state);
  }

 private:
  static Config only_gossip(Config config) {
    config.probe_interval = Duration::zero();
    config.push_pull_interval = Duration::zero();
    config.queue_check_interval = Duration::zero();
    config.gossip_nodes = kTargets;
    return config;
  }

  // News about each member, in place of what is queued about it.
  void refill() {
    for (std::size_t sent = 0; sent < kQueued; sent += packets_.parts()) {
      engine_.handle_packet(now_, members_.front().address(), packets_.next());
      engine_.clear_outputs();
    }
  }
  std::int64_t tick() {
    const auto count = std::ranges::count_if(
        send(), [](const Output& output) { return std::holds_alternative<SendPacket>(output); });
    engine_.clear_outputs();
    return count;
  }
  std::span<Output> send() {
    now_ = engine_.next_deadline();
    engine_.handle_deadline(now_);
    benchmark::DoNotOptimize(engine_.outputs().data());
    return engine_.outputs();
  }
  // Another member learns of as many as a packet is to hold.
  void check(benchmark::State& state) {
    Engine receiver = make_engine(layers_.config());
    const auto* packet = std::get_if<SendPacket>(&send().front());
    if (packet == nullptr) return state.SkipWithError("no packet was sent");
    receiver.handle_packet(kNow, members_.front().address(), packet->bytes);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(packet->bytes.size()));
    if (receiver.live_count() <= 10) state.SkipWithError("the packet was not understood");
  }

  std::vector<SampleMember> members_;
  AlivePackets packets_;
  const Layers& layers_;
  TimePoint now_ = kNow;
  Engine engine_;
};

void send_packet_plain(benchmark::State& state) { Gossip(Layers(false)).run(state); }
void send_packet_encrypted(benchmark::State& state) { Gossip(Layers(false, true)).run(state); }
void send_packet_full(benchmark::State& state) { Gossip(Layers(true, true, "bench")).run(state); }

BENCHMARK(send_packet_plain)->Apply(counted<3000>);
BENCHMARK(send_packet_encrypted);
BENCHMARK(send_packet_full);

}  // namespace
}  // namespace memberlist::bench
