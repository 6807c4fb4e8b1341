#include <array>
#include <cstddef>

#include <benchmark/benchmark.h>

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"
#include "wire/messages.hpp"

// One message to bytes, and one body from bytes.
namespace memberlist::bench {
namespace {

wire::Ping sample_ping() {
  wire::Ping ping;
  ping.seq_no = 123'456;
  ping.node = "node-0000001";
  return ping;
}

wire::Suspect sample_suspect() {
  wire::Suspect suspect;
  suspect.incarnation = kFirstIncarnation;
  suspect.node = "node-0000001";
  suspect.from = "node-0000002";
  return suspect;
}

template <class Message>
void encode_loop(benchmark::State& state, const Message& message) {
  std::array<std::byte, 2048> room{};
  std::size_t size = 0;
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    ByteWriter writer(room);
    wire::encode(writer, message);
    size = writer.size();
    benchmark::DoNotOptimize(room.data());
    benchmark::ClobberMemory();
  }
  meter.pause();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}

template <class Message>
void decode_loop(benchmark::State& state, const Message& message) {
  Bytes bytes;
  ByteWriter writer(bytes);
  wire::encode(writer, message);
  const BytesView body = BytesView(bytes).subspan(1);
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    ByteReader reader(body);
    auto decoded = wire::decode<Message>(reader);
    if (!decoded) state.SkipWithError("the message was not understood");
    benchmark::DoNotOptimize(decoded);
  }
  meter.pause();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

void encode_alive(benchmark::State& state) {
  const SampleMember member(1);
  encode_loop(state, member.alive(kFirstIncarnation));
}
void decode_alive(benchmark::State& state) {
  const SampleMember member(1);
  decode_loop(state, member.alive(kFirstIncarnation));
}
void encode_ping(benchmark::State& state) { encode_loop(state, sample_ping()); }
void decode_ping(benchmark::State& state) { decode_loop(state, sample_ping()); }
void encode_suspect(benchmark::State& state) { encode_loop(state, sample_suspect()); }
void decode_suspect(benchmark::State& state) { decode_loop(state, sample_suspect()); }

BENCHMARK(encode_alive)->Apply(counted<1000>);
BENCHMARK(decode_alive)->Apply(counted<1000>);
BENCHMARK(encode_ping);
BENCHMARK(decode_ping);
BENCHMARK(encode_suspect);
BENCHMARK(decode_suspect);

}  // namespace
}  // namespace memberlist::bench
