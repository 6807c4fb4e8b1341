#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"

// A push/pull with 10,000 node states from a peer that dialled: read, answered with as many, and
// merged into a table of the same 10,000 members. Not compressed, not encrypted.
namespace memberlist::bench {
namespace {

constexpr std::uint32_t kMembers = 10'000;

Bytes push_pull(const std::vector<SampleMember>& members, std::uint32_t incarnation) {
  Bytes bytes;
  ByteWriter writer(bytes);
  wire::PushPullHeader header;
  header.nodes = static_cast<std::int64_t>(members.size());
  wire::encode(writer, header);
  for (const SampleMember& member : members) wire::encode(writer, member.state(incarnation));
  return bytes;
}

class Merge {
 public:
  Merge() : members_(sample_members(kMembers)), engine_(make_engine(uncompressed())) {
    make(1);
    exchange();
    exchange();
  }

  // Raises the incarnation, and with it changes the meta data, `rounds` times.
  void make(std::uint32_t rounds) {
    incarnation_ += rounds;
    bytes_ = push_pull(members_, incarnation_);
  }
  void exchange() {
    const auto id = engine_.handle_accept(kNow, members_.front().address());
    if (!id) return;
    engine_.handle_stream(kNow, *id, StreamData{bytes_});
    answered_ = std::ranges::any_of(engine_.outputs(), [](const Output& output) {
      return std::holds_alternative<WriteStream>(output);
    });
    engine_.clear_outputs();
    engine_.handle_stream(kNow, *id, StreamEnd{});
    engine_.clear_outputs();
  }
  void finish(benchmark::State& state) const {
    const auto member = engine_.member(members_.back().name());
    if (!answered_ || !member || member->incarnation != incarnation_) {
      state.SkipWithError("the state was not merged");
    }
    state.SetItemsProcessed(state.iterations() * kMembers);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes_.size()));
  }

 private:
  static Config uncompressed() {
    Config config;
    config.enable_compression = false;
    return config;
  }

  std::vector<SampleMember> members_;
  Engine engine_;
  std::uint32_t incarnation_ = kFirstIncarnation;
  Bytes bytes_;
  bool answered_ = false;
};

// Every state is newer and has other meta data: 10,000 updates, each with its event.
void merge_10000(benchmark::State& state) {
  Merge merge;
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
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) merge.exchange();
  meter.pause();
  merge.finish(state);
}

BENCHMARK(merge_10000)->Unit(benchmark::kMillisecond)->Apply(counted<2>);
BENCHMARK(merge_10000_known)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace memberlist::bench
