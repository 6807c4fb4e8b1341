#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"

// One member's probe period in a quiet cluster: the tick, the ping, its ack, and whatever else is
// due until the next one. Two engines with the same seed do the same: the first one is asked ahead
// of time what it sends, so that the second can be given the answers while it is measured.
namespace memberlist::bench {
namespace {

constexpr std::size_t kBatch = 1000;
constexpr Duration kRoundTrip = std::chrono::microseconds(500);

// An input at its time: a packet, or, if there is none, a deadline.
struct Step {
  TimePoint at;
  Bytes packet;
  Address from;
};
using Period = std::vector<Step>;

class QuietMember {
 public:
  explicit QuietMember(std::uint32_t members) : engine_(make_engine(quiet())) {
    const auto others = sample_members(members - 1);
    for (const SampleMember& other : others) {
      Bytes message;
      ByteWriter writer(message);
      wire::encode(writer, other.alive(kFirstIncarnation));
      engine_.handle_packet(kNow, other.address(), seal(message));
      engine_.clear_outputs();
    }
  }

  /// The next period, with the answers of the others.
  Period live() {
    Period period;
    const std::uint64_t before = engine_.counters().probes_answered;
    while (engine_.counters().probes_answered == before) {
      const TimePoint now = engine_.next_deadline();
      period.push_back({now, {}, {}});
      engine_.handle_deadline(now);
      std::vector<Step> acks = answers(now + kRoundTrip);
      engine_.clear_outputs();
      for (Step& ack : acks) take(period.emplace_back(std::move(ack)));
    }
    return period;
  }
  void repeat(const Period& period) {
    for (const Step& step : period) take(step);
  }
  [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

 private:
  static Config quiet() {
    Config config;
    config.push_pull_interval = Duration::zero();
    config.queue_check_interval = Duration::zero();
    return config;
  }
  Bytes seal(BytesView message) {
    Bytes room(message.size() + wire::PacketSealer::kMaxOverheadBytes);
    return to_bytes(sealer_.seal(plain_, {&message, 1}, true, room));
  }
  void take(const Step& step) {
    if (step.packet.empty()) {
      engine_.handle_deadline(step.at);
    } else {
      engine_.handle_packet(step.at, step.from, step.packet);
    }
    benchmark::DoNotOptimize(engine_.outputs().data());
    engine_.clear_outputs();
  }
  std::vector<Step> answers(TimePoint when) {
    std::vector<Step> acks;
    for (const Output& output : engine_.outputs()) {
      const auto* sent = std::get_if<SendPacket>(&output);
      if (sent == nullptr || !opener_.open(plain_, sent->bytes)) continue;
      while (const auto message = opener_.next()) {
        const auto* ping = *message ? std::get_if<wire::Ping>(&**message) : nullptr;
        if (ping != nullptr) acks.push_back({when, ack(ping->seq_no), sent->to});
      }
    }
    return acks;
  }
  Bytes ack(std::uint32_t seq_no) {
    wire::Ack ack;
    ack.seq_no = seq_no;
    Bytes message;
    ByteWriter writer(message);
    wire::encode(writer, ack);
    return seal(message);
  }

  wire::Sealing plain_;
  wire::PacketSealer sealer_;
  wire::PacketOpener opener_;
  Engine engine_;
};

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
