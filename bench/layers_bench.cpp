#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <openssl/evp.h>

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

// OpenSSL alone, with a context that is kept.
void aes_gcm_1400_evp(benchmark::State& state) {
  Bytes text = plain_packet();
  const auto raw = [](auto& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); };
  std::array<std::byte, 16> key{};
  crypto::Nonce nonce{};
  std::array<std::byte, crypto::kTagBytes> tag{};
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  bool done = EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, raw(key), nullptr) == 1;
  LoopMeter meter(state);
  for ([[maybe_unused]] auto _ : state) {
    int written = 0;
    done = EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, raw(nonce)) == 1 && done;
    done = EVP_EncryptUpdate(context.get(), raw(text), &written, raw(text),
                             static_cast<int>(text.size())) == 1 &&
           done;
    done = EVP_EncryptFinal_ex(context.get(), raw(tag), &written) == 1 && done;
    done = EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, crypto::kTagBytes,
                               tag.data()) == 1 &&
           done;
    benchmark::DoNotOptimize(tag.data());
  }
  meter.pause();
  if (!done) state.SkipWithError("not encrypted");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

BENCHMARK(lzw_compress_1400)->Unit(benchmark::kMicrosecond)->Apply(counted<1000>);
BENCHMARK(lzw_decompress_1400)->Unit(benchmark::kMicrosecond)->Apply(counted<1000>);
BENCHMARK(aes_gcm_1400);
BENCHMARK(aes_gcm_1400_evp);

}  // namespace
}  // namespace memberlist::bench
