#include "base/secrets.hpp"

namespace memberlist {
namespace {

std::uint64_t hash_of_number(const SipKey& key, std::uint64_t number) noexcept {
  std::array<std::byte, sizeof number> bytes{};
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(number);
    number >>= 8;
  }
  return sip_hash_2_4(key, bytes);
}

// What the derived values are for, in the order in which they were introduced.
enum class Purpose : std::uint8_t {
  choices,
  tables_low,
  tables_high,
  sequence_low,
  sequence_high,
};

}  // namespace

std::uint64_t SecretNumbers::next() noexcept { return hash_of_number(key_, count_++); }

Secrets::Secrets(std::uint64_t seed, const std::array<std::byte, 16>& secret) noexcept {
  SipKey root{.low = seed, .high = 0};
  for (std::size_t i = 0; i < 8; ++i) {
    root.low ^= std::to_integer<std::uint64_t>(secret[i]) << (8 * i);
    root.high ^= std::to_integer<std::uint64_t>(secret[i + 8]) << (8 * i);
  }
  const auto derive = [&root](Purpose purpose) {
    return hash_of_number(root, static_cast<std::uint64_t>(purpose));
  };
  choices = derive(Purpose::choices);
  hash_tables = {derive(Purpose::tables_low), derive(Purpose::tables_high)};
  sequence_numbers = {derive(Purpose::sequence_low), derive(Purpose::sequence_high)};
}

}  // namespace memberlist
