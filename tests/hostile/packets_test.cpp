// Datagrams that no member would send.

#include <array>
#include <vector>

#include "base/random.hpp"
#include "hostile_test.hpp"
#include "support/golden.hpp"

namespace memberlist::hostile {
namespace {

constexpr std::size_t kMaxDatagramBytes = 65'000;  // with a seal around it
constexpr std::size_t kNesting = 200;

class HostilePackets : public HostileClusterTest {};
INSTANTIATE_TEST_SUITE_P(Clusters, HostilePackets, ::testing::Values(kPlain, kKeyed),
                         protection_name);

Bytes random_bytes(Random& random, std::size_t size) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  return bytes;
}

TEST_P(HostilePackets, RandomBytes) {
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    Bytes bytes = random_bytes(random, random.below(i % 100 == 0 ? 60'000 : 200));
    // Every other one looks like something at its first byte.
    if (i % 2 == 0 && !bytes.empty()) bytes[0] = static_cast<std::byte>(random.below(14));
    if (i % 4 < 2) {
      attack_raw(bytes);
    } else {
      attack(bytes);
    }
  }
  expect_unhurt();
}

TEST_P(HostilePackets, EveryTruncation) {
  for (const auto& [name, packet] : valid_packets()) {
    const Bytes sealed = wrapper().packet(packet);
    for (std::size_t size = 0; size < packet.size(); ++size) {
      attack(BytesView(packet).first(size));
    }
    for (std::size_t size = 0; size <= sealed.size(); ++size) {
      attack_raw(BytesView(sealed).first(size));
    }
  }
  expect_unhurt();
}

TEST_P(HostilePackets, EveryChangeOfAByteInside) {
  for (const auto& [name, valid] : valid_packets()) {
    Bytes packet = valid;
    for (std::byte& byte : packet) {
      const std::byte before = byte;
      for (int change = 1; change < 256; ++change) {
        byte = before ^ static_cast<std::byte>(change);
        attack(packet);
      }
      byte = before;
    }
  }
  expect_unhurt();
}

TEST_P(HostilePackets, EveryFlippedBitOfWhatIsSealed) {
  for (const auto& [name, valid] : valid_packets()) {
    Bytes packet = wrapper().packet(valid);
    for (std::byte& byte : packet) {
      for (int bit = 0; bit < 8; ++bit) {
        byte ^= std::byte{1} << bit;
        attack_raw(packet);
        byte ^= std::byte{1} << bit;
      }
    }
  }
  expect_unhurt();
}

TEST_P(HostilePackets, TwoHundredLevelsOfNesting) {
  const Bytes compressions = nested_compressions(kMaxDatagramBytes);
  for (int i = 0; i < 50; ++i) {
    attack(nested_compounds(kNesting));
    attack(nested_checksums(kNesting));
    attack(compressions);
    attack(compressed(nested_compounds(kNesting)));
    attack(ping_with_nested_field(kNesting));
  }
  expect_unhurt();
}

TEST_P(HostilePackets, CompressionBombs) {
  const Bytes large = bomb(60 << 20);
  ASSERT_LT(large.size(), kMaxDatagramBytes);
  for (int i = 0; i < 20; ++i) attack(large);
  // Many at once, in a compound.
  const Bytes small = bomb(60'000);
  const std::vector<BytesView> parts(100, small);
  for (int i = 0; i < 50; ++i) attack(compound_of(parts));
  // A bomb in a bomb.
  for (int i = 0; i < 50; ++i) attack(compressed(large));
  expect_unhurt();
}

/// Lengths and counts that are not there.
TEST_P(HostilePackets, AnnouncedLengths) {
  const std::array<Bytes, 6> announcements{
      testing::bytes_of("\x07\xff\xff\xff\xff\xff"),              // parts
      testing::bytes_of("\x00\xdf\xff\xff\xff\xff"),              // fields
      testing::bytes_of("\x00\x81\xa4Node\xdb\x7f\xff\xff\xff"),  // a name of 2 GiB
      testing::bytes_of("\x09\x82\xa4"
                        "Algo\x00\xa3"
                        "Buf\xdb\xff\xff\xff\xff"),                                // 4 GiB
      testing::bytes_of("\x00\x81\xa1x\xdd\xff\xff\xff\xff"),                      // an array
      testing::bytes_of("\x00\x82\xa5SeqNo\xd3\xff\xff\xff\xff\xff\xff\xff\xff"),  // negative
  };
  for (int i = 0; i < 200; ++i) {
    for (const Bytes& announcement : announcements) attack(announcement);
  }
  expect_unhurt();
}

class HostilePadding : public HostileClusterTest {};
INSTANTIATE_TEST_SUITE_P(Clusters, HostilePadding, ::testing::Values(kKeyed), protection_name);

TEST_P(HostilePadding, OfEncryptionVersion0) {
  attack_raw(wrapper().packet_of_version_0({}));
  for (const std::size_t size : {1U, 15U, 16U, 17U, 32U}) {
    for (int pad = 0; pad < 256; ++pad) {
      attack_raw(wrapper().packet_of_version_0(Bytes(size, static_cast<std::byte>(pad))));
    }
  }
  expect_unhurt();
}

}  // namespace
}  // namespace memberlist::hostile
