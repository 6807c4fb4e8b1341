#include "swim/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace memberlist::swim {
namespace {

constexpr std::size_t kBuckets = 10'273;  // one of libstdc++'s sizes
constexpr std::size_t kCrafted = 500;

Address any_address(std::uint64_t number) {
  std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{1}};
  for (std::size_t i = 0; i < 8; ++i) bytes[8 + i] = static_cast<std::byte>(number >> (8 * i));
  return {IpAddress::from_bytes(bytes).value(), 7946};
}

// What an attacker who knows the hash can compute: addresses that all collide in one bucket.
template <class Hash>
std::vector<Address> crafted_against(const Hash& hash) {
  std::vector<Address> addresses;
  for (std::uint64_t number = 0; addresses.size() < kCrafted; ++number) {
    const Address address = any_address(number);
    if (hash(address) % kBuckets == 0) addresses.push_back(address);
  }
  return addresses;
}

template <class Hash>
std::size_t fullest_bucket(const std::vector<Address>& addresses, const Hash& hash) {
  std::unordered_map<std::size_t, std::size_t> buckets;
  std::size_t most = 0;
  for (const Address& address : addresses) {
    most = std::max(most, ++buckets[hash(address) % kBuckets]);
  }
  return most;
}

TEST(KeyedHash, CraftedAddressesSpread) {
  const std::hash<Address> known;
  const std::vector<Address> crafted = crafted_against(known);
  EXPECT_EQ(fullest_bucket(crafted, known), kCrafted) << "the attack works where there is no key";
  EXPECT_LE(fullest_bucket(crafted, AddressHash{{.low = 1, .high = 2}}), 5U);
}

TEST(KeyedHash, WhatIsCraftedAgainstOneKeySpreadsWithAnother) {
  const AddressHash one{{.low = 1, .high = 2}};
  const std::vector<Address> crafted = crafted_against(one);
  EXPECT_EQ(fullest_bucket(crafted, one), kCrafted);
  EXPECT_LE(fullest_bucket(crafted, AddressHash{{.low = 1, .high = 3}}), 5U);
}

TEST(KeyedHash, TellsAllPartsOfAnAddressApart) {
  const AddressHash hash{{.low = 1, .high = 2}};
  const Address address = any_address(1);
  Address other_port = address;
  other_port.port = 7947;
  Address other_zone = address;
  other_zone.ip.set_scope_id(2);
  EXPECT_NE(hash(address), hash(other_port));
  EXPECT_NE(hash(address), hash(other_zone));
  EXPECT_EQ(hash(address), hash(any_address(1)));
  const NameHash names{{.low = 1, .high = 2}};
  EXPECT_NE(names("a"), names("b"));
  EXPECT_NE(names("a"), (NameHash{{.low = 1, .high = 3}}("a")));
}

}  // namespace
}  // namespace memberlist::swim
