#include "world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace memberlist::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7946;
constexpr std::uint32_t kFewMembers = 14;

Bytes key_bytes(std::uint8_t fill) { return Bytes(16, std::byte{fill}); }

void pick_features(ByteSource& in, Config& config) {
  const std::uint8_t flags = in.byte();
  if ((flags & 1) != 0) config.keys = {key_bytes(1), key_bytes(2)};
  if ((flags & 2) != 0) config.label = "blue";
  if ((flags & 4) != 0) config.allowed_networks = {Network::parse("10.0.0.0/8").value()};
  config.enable_compression = (flags & 8) != 0;  // slow
  config.gossip_verify_incoming = (flags & 16) == 0;
  config.gossip_verify_outgoing = (flags & 32) == 0;
  config.skip_inbound_label_check = (flags & 64) != 0;
  config.disable_tcp_pings = (flags & 128) != 0;
}

void pick_timing(ByteSource& in, Config& config) {
  const std::uint8_t flags = in.byte();
  if ((flags & 1) != 0) config.probe_interval = Duration::zero();
  if ((flags & 2) != 0) config.gossip_interval = Duration::zero();
  if ((flags & 4) != 0) config.push_pull_interval = Duration::zero();
  if ((flags & 8) != 0) config.queue_check_interval = Duration::zero();
  if ((flags & 16) != 0) config.dead_node_reclaim_time = 5s;
  if ((flags & 32) != 0) config.gossip_to_the_dead_time = Duration::zero();
  if ((flags & 64) != 0) config.udp_buffer_size = 600;
  if ((flags & 128) != 0) config.udp_buffer_size = 65'507;
}

}  // namespace

std::string member_name(std::size_t number) {
  return number == 0 ? std::string("self") : fmt::format("m{}", number);
}

Address member_address(std::size_t number) {
  return {IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(number + 1)), kPort};
}

std::string pick_name(ByteSource& in) {
  const std::size_t which = in.below(24);
  if (which < kMaxMembers) return member_name(which);
  switch (which) {
    case 12:
      return {};
    case 13:
      return std::string(255, 'n');
    case 14:
      return std::string(256, 'n');
    case 15:
      return "\x1b[31mred\r\n";
    case 16:
      return "veto";
    case 17:
      return std::string(as_text(in.take(in.byte())));
    default:
      return fmt::format("s{}", in.byte());
  }
}

Address pick_source(ByteSource& in) {
  const std::size_t which = in.below(20);
  if (which < kMaxMembers) return member_address(which);
  switch (which) {
    case 12:
      return {IpAddress::v4(10, 0, 0, 2), 0};
    case 13:
      return {IpAddress::v4(192, 168, 7, 7), kPort};
    case 14:
      return {IpAddress::parse("2001:db8::1").value(), kPort};
    case 15:
      return {IpAddress::v4(127, 0, 0, 1), 1};
    default:
      return {IpAddress::v4(10, 1, in.byte(), 1), static_cast<std::uint16_t>(1 + in.byte())};
  }
}

Address pick_target(ByteSource& in) {
  const std::size_t which = in.below(16);
  if (which < kMaxMembers) return member_address(which);
  return {IpAddress::v4(10, 2, 0, static_cast<std::uint8_t>(which)), kPort};
}

WireAddress pick_wire_address(ByteSource& in) {
  const std::size_t which = in.below(24);
  const auto of = [](const Address& address) {
    return WireAddress{to_bytes(address.ip.wire_bytes()), address.port};
  };
  if (which < kMaxMembers) return of(member_address(which));
  switch (which) {
    case 12:
      return {Bytes(4), kPort};  // unspecified
    case 13:
      return {Bytes(16), kPort};
    case 14:
      return {{}, in.u16()};
    case 15:
      return of({IpAddress::v4(192, 168, 7, 7), kPort});
    case 16:
      return of({IpAddress::parse("2001:db8::2").value(), 1});
    case 17:
      return of({IpAddress::v4(10, 0, 0, 2), 0});
    case 18:
      return {to_bytes(in.take(in.below(20))), in.u16()};
    default:
      return of({IpAddress::v4(10, 3, 0, in.byte()), kPort});
  }
}

Duration pick_timeout(ByteSource& in) {
  switch (in.below(6)) {
    case 0:
      return Duration::zero();
    case 1:
      return Duration::max();
    case 2:
      return 24h;
    default:
      return 100ms * in.byte();
  }
}

Setup pick_setup(ByteSource& in) {
  Setup setup;
  Config& config = setup.config;
  config.name = member_name(0);
  pick_features(in, config);
  pick_timing(in, config);
  const std::uint8_t rest = in.byte();
  config.protocol_version = static_cast<std::uint8_t>(1 + (rest & 7) % 5);
  setup.with_policy = (rest & 8) != 0;
  config.require_node_names = (rest & 16) != 0;
  if ((rest & 32) != 0) config.max_members = kFewMembers;
  setup.seed = rest >> 6;
  return setup;
}

Result<void> FuzzPolicy::notify_alive(const MemberRecord& peer) {
  if (peer.name == "veto") return fail(ErrorCode::vetoed, "not this one");
  return {};
}

Result<void> FuzzPolicy::notify_merge(std::span<const MemberRecord> peers) {
  const bool vetoed =
      std::ranges::any_of(peers, [](const MemberRecord& peer) { return peer.name == "veto"; });
  if (vetoed) return fail(ErrorCode::vetoed, "not with this one");
  return {};
}

void FuzzPolicy::fill_broadcasts(std::size_t, std::size_t limit_bytes,
                                 std::vector<Bytes>& messages) {
  if (limit_bytes % 3 == 0) messages.push_back(to_bytes("from the application"));
}

Bytes FuzzPolicy::local_state(bool join) { return to_bytes(join ? "joining" : "state"); }

Bytes FuzzPolicy::ack_payload() { return to_bytes("pong"); }

}  // namespace memberlist::fuzz
