#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/sip_hash.hpp"
#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"

// Hashes for tables whose keys peers choose. Without a secret in them a peer could work out names
// or addresses that all fall into one bucket, and each look-up would go through all of them.
//
// None of them is noexcept, though none throws: libstdc++ then keeps each hash beside its key, and
// does not compute it again to find a bucket's end.
namespace memberlist::swim {

struct NameHash {
  SipKey key;

  [[nodiscard]] std::size_t operator()(std::string_view name) const {
    return sip_hash_1_3(key, as_bytes(name));
  }
};

struct AddressHash {
  SipKey key;

  [[nodiscard]] std::size_t operator()(const IpAddress& ip) const { return hash(ip, 0); }
  [[nodiscard]] std::size_t operator()(const Address& address) const {
    return hash(address.ip, address.port);
  }

 private:
  [[nodiscard]] std::size_t hash(const IpAddress& ip, std::uint16_t port) const {
    std::array<std::byte, 24> bytes{};
    std::memcpy(bytes.data(), ip.bytes().data(), ip.bytes().size());
    const std::uint32_t zone = ip.scope_id();
    std::memcpy(bytes.data() + 16, &zone, sizeof zone);
    std::memcpy(bytes.data() + 20, &port, sizeof port);
    return sip_hash_1_3(key, bytes);
  }
};

}  // namespace memberlist::swim
