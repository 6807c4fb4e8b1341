#include <cstdint>
#include <limits>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"
#include "swim/broadcast_queue.hpp"

// The broadcast queue with 10,000 messages in it.
namespace memberlist::bench {
namespace {

constexpr std::uint32_t kQueued = 10'000;

std::vector<Bytes> encoded_members() {
  std::vector<Bytes> messages;
  for (const SampleMember& member : sample_members(kQueued)) {
    ByteWriter writer(messages.emplace_back());
    wire::encode(writer, member.alive(kFirstIncarnation));
  }
  return messages;
}

void fill(swim::BroadcastQueue& queue, const std::vector<Bytes>& messages) {
  for (std::uint32_t key = 0; key < messages.size(); ++key) queue.queue_member(key, messages[key]);
}

// News about one of the members, in place of what is queued about it.
void queue_broadcast_10000(benchmark::State& state) {
  const std::vector<Bytes> messages = encoded_members();
  swim::BroadcastQueue queue;
  fill(queue, messages);
  std::uint32_t key = 0;
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    queue.queue_member(key, messages[key]);
    key = (key + 7919) % kQueued;  // all of them, in no order that helps
  }
  meter.pause();
  if (queue.size() != kQueued) state.SkipWithError("messages were not replaced");
  state.SetItemsProcessed(state.iterations());
}

// The messages for one packet of 1,400 bytes; none ends, so that the queue stays full.
void take_packet_10000(benchmark::State& state) {
  const std::vector<Bytes> messages = encoded_members();
  swim::BroadcastQueue queue;
  fill(queue, messages);
  std::vector<BytesView> packet;
  queue.take(2, kPacketBytes, std::numeric_limits<std::uint32_t>::max(), packet);
  std::int64_t taken = 0;
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    packet.clear();
    queue.take(2, kPacketBytes, std::numeric_limits<std::uint32_t>::max(), packet);
    taken += static_cast<std::int64_t>(packet.size());
    benchmark::DoNotOptimize(packet.data());
  }
  meter.pause();
  state.SetItemsProcessed(taken);
}

BENCHMARK(queue_broadcast_10000)->Apply(counted<1000>);
BENCHMARK(take_packet_10000)->Apply(counted<1000>);

}  // namespace
}  // namespace memberlist::bench
