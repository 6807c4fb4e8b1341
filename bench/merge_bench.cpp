#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/allocations.hpp"
#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"

// Push/pulls with a peer that dialled, about 10,000 members: its bytes to the table, and the table
// to the bytes of the answer. Not encrypted.
namespace memberlist::bench {
namespace {

constexpr std::uint32_t kMembers = 10'000;

// Each time another one: one that asks for much too often is refused.
Address next_peer(const std::vector<SampleMember>& members, std::size_t& exchanges) {
  return members[exchanges++ % members.size()].address();
}

// What the engine has answered; empty if it has not.
Bytes answer_of(Engine& engine) {
  Bytes answer;
  for (Output& output : engine.outputs()) {
    if (auto* write = std::get_if<WriteStream>(&output)) answer = std::move(write->bytes);
  }
  return answer;
}

bool is_state(BytesView answer) {
  return !answer.empty() && answer.front() == static_cast<std::byte>(wire::MessageType::push_pull);
}

class Merge {
 public:
  Merge() : members_(sample_members(kMembers)) {
    restart();
    make(1);
  }

  // Raises the incarnation, and with it changes the meta data, `rounds` times.
  void make(std::uint32_t rounds) {
    incarnation_ += rounds;
    bytes_ = push_pull(members_, incarnation_);
  }
  // An engine that knows nobody.
  void restart() {
    engine_.reset();
    engine_ = make_engine(Layers(false).config());
  }
  void exchange() {
    const auto id = engine_->handle_accept(kNow, next_peer(members_, exchanges_));
    if (!id) return;
    engine_->handle_stream(kNow, *id, StreamData{bytes_});
    if (is_state(answer_of(*engine_))) ++answers_;
    engine_->clear_outputs();
    engine_->handle_stream(kNow, *id, StreamEnd{});
    engine_->clear_outputs();
  }
  void finish(benchmark::State& state) const {
    const auto member = engine_->member(members_.back().name());
    if (answers_ != exchanges_ || !member || member->incarnation != incarnation_) {
      state.SkipWithError("the state was not merged");
    }
    state.SetItemsProcessed(state.iterations() * kMembers);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes_.size()));
  }

 private:
  std::vector<SampleMember> members_;
  std::optional<Engine> engine_;
  std::uint32_t incarnation_ = kFirstIncarnation;
  Bytes bytes_;
  std::size_t exchanges_ = 0;
  std::size_t answers_ = 0;  // with a state
};

// Every state is newer and has other meta data: 10,000 updates, each with its event.
void merge_10000_new(benchmark::State& state) {
  Merge merge;
  merge.exchange();
  merge.exchange();
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    meter.pause();
    merge.make(1);
    meter.resume();
    state.ResumeTiming();
    merge.exchange();
  }
  meter.pause();
  merge.finish(state);
}

// Every state is known already, as in most exchanges.
void merge_10000_known(benchmark::State& state) {
  Merge merge;
  merge.exchange();
  merge.exchange();
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) merge.exchange();
  meter.pause();
  merge.finish(state);
}

// Into an empty table, as after a join: what was taken for it, and what the engine holds then.
void merge_10000_empty(benchmark::State& state) {
  Merge merge;
  std::uint64_t taken = 0;
  std::int64_t held = 0;
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    meter.pause();
    merge.restart();
    const std::uint64_t taken_before = allocated_bytes();
    const std::int64_t held_before = live_bytes();
    meter.resume();
    state.ResumeTiming();
    merge.exchange();
    taken += allocated_bytes() - taken_before;
    held = live_bytes() - held_before;
  }
  meter.pause();
  state.counters["bytes_per_op"] =
      benchmark::Counter(static_cast<double>(taken), benchmark::Counter::kAvgIterations);
  state.counters["held_bytes"] = static_cast<double>(held);
  merge.finish(state);
}

// The answer to a push/pull after a change of every member.
class State {
 public:
  explicit State(bool compress)
      : layers_(compress),
        members_(sample_members(kMembers)),
        packets_(members_, layers_.sealing()),
        engine_(make_engine(layers_.config())) {
    change_all();
  }

  void change_all() {
    for (std::size_t sent = 0; sent < kMembers; sent += packets_.parts()) {
      engine_.handle_packet(kNow, members_.front().address(), packets_.next());
      engine_.clear_outputs();
    }
  }
  // To a push/pull that says nothing; empty if there is none.
  Bytes answer() { return answer(request_); }
  Bytes answer(BytesView request) {
    stream_ = engine_.handle_accept(kNow, next_peer(members_, exchanges_));
    if (!stream_) return {};
    engine_.handle_stream(kNow, *stream_, StreamData{request});
    return answer_of(engine_);
  }
  [[nodiscard]] std::uint64_t recognized() const {
    return engine_.counters().push_pulls_recognized;
  }
  // The end of its stream.
  void hang_up() {
    if (stream_) engine_.handle_stream(kNow, *stream_, StreamEnd{});
    engine_.clear_outputs();
  }
  void check(benchmark::State& state) {
    Engine joiner = make_engine(layers_.config());
    (void)joiner.join(kNow, {{"", members_.front().address()}});
    const Bytes bytes = answer();
    const auto dial = std::ranges::find_if(joiner.outputs(), [](const Output& output) {
      return std::holds_alternative<DialStream>(output);
    });
    if (dial == joiner.outputs().end()) return state.SkipWithError("no dial");
    const StreamId id = std::get<DialStream>(*dial).id;
    joiner.handle_stream(kNow, id, StreamConnected{});
    joiner.handle_stream(kNow, id, StreamData{bytes});
    if (joiner.live_count() != kMembers + 1) state.SkipWithError("the answer was not understood");
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
  }

 private:
  Layers layers_;
  std::vector<SampleMember> members_;
  AlivePackets packets_;
  Engine engine_;
  std::optional<StreamId> stream_;
  std::size_t exchanges_ = 0;
  Bytes request_ = push_pull({}, kFirstIncarnation);
};

void encode_state(benchmark::State& state, bool compress) {
  State encoder(compress);
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    meter.pause();
    encoder.hang_up();
    encoder.change_all();
    meter.resume();
    state.ResumeTiming();
    benchmark::DoNotOptimize(encoder.answer());
  }
  meter.pause();
  encoder.check(state);
}
void encode_state_10000(benchmark::State& state) { encode_state(state, false); }
void encode_state_10000_lzw(benchmark::State& state) { encode_state(state, true); }

// A push/pull with a peer that knows the same, compressed: what a cluster at rest exchanges.
void merge_10000_same(benchmark::State& state) {
  State knowing(true);
  const Bytes same = knowing.answer();
  knowing.hang_up();
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(knowing.answer(same));
    knowing.hang_up();
  }
  meter.pause();
  if (knowing.recognized() != static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("the state was not recognized");
  }
  knowing.check(state);
}

// No encoder is faster than a copy of its result.
void copy_state_10000(benchmark::State& state) {
  const Bytes answer = State(false).answer();
  Bytes copy(answer.size());
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    std::memcpy(copy.data(), answer.data(), answer.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  meter.pause();
  if (answer.empty() || copy != answer) state.SkipWithError("nothing was copied");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(answer.size()));
}

BENCHMARK(merge_10000_new)->Unit(benchmark::kMillisecond)->Apply(counted<2>);
BENCHMARK(merge_10000_known)->Unit(benchmark::kMillisecond)->Apply(counted<10>);
BENCHMARK(merge_10000_same)->Unit(benchmark::kMillisecond)->Apply(counted<10>);
BENCHMARK(merge_10000_empty)->Unit(benchmark::kMillisecond);
BENCHMARK(encode_state_10000)->Unit(benchmark::kMillisecond);
BENCHMARK(encode_state_10000_lzw)->Unit(benchmark::kMillisecond);
BENCHMARK(copy_state_10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace memberlist::bench
