#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "byte_source.hpp"
#include "memberlist/engine.hpp"

// Who and what there is around the engine: few names and addresses, so that the fuzzer's messages
// meet each other.
namespace memberlist::fuzz {

inline constexpr std::size_t kMaxMembers = 12;

/// `self`, `m1` ... `m11`.
[[nodiscard]] std::string member_name(std::size_t number);
/// 10.0.0.1:7946 for self, then 10.0.0.2 ...
[[nodiscard]] Address member_address(std::size_t number);

/// A name out of few, odd ones included; now and then any bytes.
[[nodiscard]] std::string pick_name(ByteSource& in);
/// Where something may come from: any address that a network can show, port 0 included.
[[nodiscard]] Address pick_source(ByteSource& in);
/// An address that an application may send to: it has an address and a port, and is allowed.
[[nodiscard]] Address pick_target(ByteSource& in);
/// What a message may say of an address: bytes of any length.
struct WireAddress {
  Bytes ip;
  std::uint16_t port = 0;
};
[[nodiscard]] WireAddress pick_wire_address(ByteSource& in);
/// A timeout as applications give them, `Duration::max()` for 'no limit' included.
[[nodiscard]] Duration pick_timeout(ByteSource& in);

/// The configuration that the program's first bytes choose.
struct Setup {
  Config config;
  bool with_policy = false;
  std::uint64_t seed = 0;
};
[[nodiscard]] Setup pick_setup(ByteSource& in);

/// Deterministic decisions: `veto` may not come in, and nobody may join together with it.
class FuzzPolicy final : public Policy {
 public:
  Result<void> notify_alive(const MemberRecord& peer) override;
  Result<void> notify_merge(std::span<const MemberRecord> peers) override;
  void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                       std::vector<Bytes>& messages) override;
  Bytes local_state(bool join) override;
  Bytes ack_payload() override;
};

}  // namespace memberlist::fuzz
