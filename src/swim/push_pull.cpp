#include "swim/push_pull.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.hpp"
#include "base/limits.hpp"
#include "swim/incarnation.hpp"
#include "swim/metrics.hpp"
#include "wire/stream.hpp"

namespace memberlist::swim {
namespace {

// The encoded header and, beside its strings and bytes, one encoded state, at most.
constexpr std::size_t kHeaderBytes = 48;
constexpr std::size_t kNodeStateBytes = 72;

// Calls `visit` with each state. They were decoded once when the message was read, so they are
// good.
template <class Visit>
void for_each_state(const wire::PushPullMessage& message, Visit&& visit) {
  ByteReader in(message.node_states);
  for (std::int64_t i = 0; i < message.header.nodes; ++i) {
    const wire::WireResult<wire::NodeState> state = wire::decode_node_state(in);
    if (!state) return;
    visit(*state);
  }
}

/// The versions that all members looked at so far understand.
struct Overlap {
  std::uint8_t low = 0;
  std::uint8_t high = std::numeric_limits<std::uint8_t>::max();

  void narrow(std::uint8_t min, std::uint8_t max) {
    low = std::max(low, min);
    high = std::min(high, max);
  }
  [[nodiscard]] bool holds(std::uint8_t version) const { return version >= low && version <= high; }
};

/// A live member's versions, wherever it was read from.
struct VersionedMember {
  std::string_view name;
  VersionRange protocol;
  VersionRange delegate_protocol;
};

bool is_live(std::int64_t state) {
  return state == static_cast<int>(MemberStatus::alive) ||
         state == static_cast<int>(MemberStatus::suspect);
}

Result<void> check_one(const VersionedMember& member, const char* kind, std::uint8_t current,
                       const Overlap& overlap) {
  if (overlap.holds(current)) return {};
  return fail(ErrorCode::incompatible,
              fmt::format("{} version {} of {} is not one that all members understand ({} to {})",
                          kind, current, escape_for_log(member.name), overlap.low, overlap.high),
              std::string(member.name));
}

}  // namespace

Bytes PushPull::encode_local_state(bool join) {
  Bytes user_state = context_.policy != nullptr ? context_.policy->local_state(join) : Bytes{};
  if (user_state.size() > limits::kUserStateBytes) {
    context_.out.log(LogLevel::error,
                     fmt::format("user state of {} bytes left out of a push/pull: at most {}",
                                 user_state.size(), limits::kUserStateBytes),
                     {}, {{"bytes", std::to_string(user_state.size())}});
    user_state.clear();
  }
  Bytes plain;
  plain.reserve(encoded_bytes(user_state.size()));
  ByteWriter out(plain);
  wire::encode(out, wire::PushPullHeader{static_cast<std::int64_t>(context_.table.size()),
                                         static_cast<std::int64_t>(user_state.size()), join});
  for (const MemberIndex index : context_.table.probe_list()) {
    const MemberEntry& entry = context_.table.at(index);
    const MemberRecord& record = *entry.record;
    const std::array<std::byte, 6> vsn = version_bytes(record);
    wire::encode(out, wire::NodeState{record.name, record.address.ip.wire_bytes(),
                                      record.address.port, record.meta, entry.incarnation,
                                      static_cast<std::int64_t>(entry.status), vsn});
  }
  out.bytes(user_state);
  note_gauge(context_, metric::kSizeLocal, plain.size());
  return plain;
}

/// Room for the whole message and its seal at once: growing would hold it twice.
std::size_t PushPull::encoded_bytes(std::size_t user_state_bytes) const {
  std::size_t bytes = kHeaderBytes + user_state_bytes + wire::kStreamSealBytes;
  for (const MemberIndex index : context_.table.probe_list()) {
    const MemberRecord& record = *context_.table.at(index).record;
    bytes += kNodeStateBytes + record.name.size() + record.address.ip.wire_bytes().size() +
             record.meta.size();
  }
  return bytes;
}

Result<void> PushPull::check(const wire::PushPullMessage& message) {
  if (auto fits = check_versions(message); !fits) return fits;
  if (message.header.join && context_.policy != nullptr) return ask_policy(message);
  return {};
}

/// The dead and the left are not asked: they cannot be talked to, and one of them with senseless
/// versions would keep everybody out (protocol 6, Poison).
Result<void> PushPull::check_versions(const wire::PushPullMessage& message) const {
  Overlap protocol;
  Overlap delegate_protocol;
  for_each_live(message, [&](const VersionedMember& member) {
    protocol.narrow(member.protocol.min, member.protocol.max);
    delegate_protocol.narrow(member.delegate_protocol.min, member.delegate_protocol.max);
  });
  Result<void> fits;
  for_each_live(message, [&](const VersionedMember& member) {
    if (fits) fits = check_one(member, "protocol", member.protocol.current, protocol);
    if (!fits) return;
    fits =
        check_one(member, "delegate protocol", member.delegate_protocol.current, delegate_protocol);
  });
  return fits;
}

/// Visits the live members of both sides, the peer's first.
template <class Visit>
void PushPull::for_each_live(const wire::PushPullMessage& message, Visit&& visit) const {
  for_each_state(message, [&](const wire::NodeState& state) {
    if (!is_live(state.state) || state.vsn.size() < 6) return;
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(state.vsn[i]); };
    visit(VersionedMember{state.name, {at(0), at(1), at(2)}, {at(3), at(4), at(5)}});
  });
  for (const MemberIndex index : context_.table.probe_list()) {
    const MemberEntry& entry = context_.table.at(index);
    if (!entry.live()) continue;
    const MemberRecord& record = *entry.record;
    visit(VersionedMember{record.name, record.protocol, record.delegate_protocol});
  }
}

Result<void> PushPull::ask_policy(const wire::PushPullMessage& message) {
  std::vector<MemberRecord> peers;
  for_each_state(message, [&](const wire::NodeState& state) {
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!ip || state.vsn.size() < 6) return;
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(state.vsn[i]); };
    peers.push_back({std::string(state.name),
                     {*ip, context_.port_or_default(state.port)},
                     to_bytes(state.meta),
                     {at(0), at(1), at(2)},
                     {at(3), at(4), at(5)}});
  });
  const Result<void> verdict = context_.policy->notify_merge(peers);
  if (verdict) return {};
  return fail(ErrorCode::vetoed, "the merge was cancelled: " + verdict.error().message,
              verdict.error().subject);
}

/// Whoever answers is in its own answer; so if that tells of nobody but us, it has our name.
Result<void> PushPull::check_name(const wire::PushPullMessage& answer, const Address& from) {
  std::optional<Address> holder;
  bool alive = false;
  bool only_us = true;
  for_each_state(answer, [&](const wire::NodeState& state) {
    if (state.name != context_.self_name()) {
      only_us = false;
      return;
    }
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!is_live(state.state) || !ip) return;
    alive = true;
    const Address claimed{*ip, context_.port_or_default(state.port)};
    if (!is_ours(claimed, state.incarnation)) holder = claimed;
  });
  if (!holder && alive && only_us) holder = from;
  if (!holder) return {};
  return name_taken(*holder, from);
}

std::unexpected<Error> PushPull::name_taken(const Address& holder, const Address& from) {
  context_.name_holder = holder;
  return fail(ErrorCode::name_taken,
              fmt::format("the name {} is taken: {} knows it at {}, and this node is at {}",
                          context_.self_name(), from.to_string(), holder.to_string(),
                          context_.self_entry().record->address.to_string()),
              from.to_string());
}

/// Others may not have heard of our last moves, and list us where we were. With a greater
/// incarnation than ours it is somebody else who is there now.
bool PushPull::is_ours(const Address& claimed, std::uint32_t incarnation) const {
  const auto is_at = [&claimed](const Address& own) {
    return own.port == claimed.port && own.ip.bytes() == claimed.ip.bytes();  // zones stay here
  };
  const MemberEntry& self = context_.self_entry();
  if (is_at(self.record->address)) return true;
  return !is_newer(incarnation, self.incarnation) &&
         std::ranges::any_of(context_.former_addresses, is_at);
}

/// Where the member is that sent this, by its own word: at the address that was dialled, or at the
/// only one with the IP address that the stream came from. Asked for only where somebody is buried,
/// whom this could bring back.
std::optional<Address> PushPull::speaker_of(const wire::PushPullMessage& message,
                                            const Address& from) const {
  if (context_.tombstones.empty()) return std::nullopt;
  std::optional<Address> only;
  std::size_t at_this_ip = 0;
  bool dialled = false;
  for_each_state(message, [&](const wire::NodeState& state) {
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!is_live(state.state) || ip != from.ip) return;
    only = Address{*ip, context_.port_or_default(state.port)};
    dialled = dialled || *only == from;
    ++at_this_ip;
  });
  if (dialled) return from;
  return at_this_ip == 1 ? only : std::nullopt;
}

void PushPull::merge(const wire::PushPullMessage& message, const Address& from) {
  Evidence evidence;
  evidence.kind = Cause::Kind::push_pull;
  evidence.source = &from;
  const std::optional<Address> speaker = speaker_of(message, from);
  if (speaker) evidence.speaker = &*speaker;
  for_each_state(message,
                 [&](const wire::NodeState& state) { membership_.merge(state, evidence); });
  if (message.user_state.empty()) return;
  context_.out.push(Event{StateMerged{from, to_bytes(message.user_state), message.header.join}});
}

}  // namespace memberlist::swim
