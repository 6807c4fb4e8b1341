#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/loop_meter.hpp"
#include "bench/samples.hpp"
#include "crypto/keyring.hpp"
#include "wire/lzw.hpp"

// The two layers of a packet that cost most, each on its own, over 1,400 bytes of alive messages.
namespace memberlist::bench {
namespace {

Bytes plain_packet() {
  const std::vector<SampleMember> members = sample_members(1000);
  wire::Sealing sealing;
  sealing.compress = false;
  return AlivePackets(members, sealing).next();
}

void lzw_compress_1400(benchmark::State& state) {
  const Bytes plain = plain_packet();
  wire::LzwEncoder encoder;
  Bytes packed;
  packed.reserve(2 * plain.size());
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    packed.clear();
    if (!encoder.encode(plain, packed)) state.SkipWithError("not compressed");
    benchmark::DoNotOptimize(packed.data());
  }
  meter.pause();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plain.size()));
}

void lzw_decompress_1400(benchmark::State& state) {
  const Bytes plain = plain_packet();
  wire::LzwEncoder encoder;
  Bytes packed;
  if (!encoder.encode(plain, packed)) return state.SkipWithError("not compressed");
  Bytes room(plain.size());
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    const auto size = wire::lzw_decode_into(packed, room);
    if (!size || *size != plain.size()) state.SkipWithError("not decompressed");
    benchmark::DoNotOptimize(room.data());
  }
  meter.pause();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plain.size()));
  if (room != plain) state.SkipWithError("decompressed to something else");
}

void aes_gcm_1400(benchmark::State& state) {
  Bytes text = plain_packet();
  const std::vector<Bytes> keys{Bytes(16, std::byte{0x2a})};
  auto keyring = crypto::Keyring::create(keys);
  if (!keyring) return state.SkipWithError("no keyring");
  const crypto::Nonce nonce{};
  std::array<std::byte, crypto::kTagBytes> tag{};
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    keyring->primary().seal(nonce, {}, {}, text, tag);
    benchmark::DoNotOptimize(tag.data());
  }
  meter.pause();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

BENCHMARK(lzw_compress_1400)->Unit(benchmark::kMicrosecond)->Apply(counted<1000>);
BENCHMARK(lzw_decompress_1400)->Unit(benchmark::kMicrosecond);
BENCHMARK(aes_gcm_1400);

}  // namespace
}  // namespace memberlist::bench
