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
#include "swim/metrics.hpp"
#include "swim/versions.hpp"
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

MemberVersions versions_of(const wire::NodeState& state) {
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(state.vsn[i]); };
  return {{at(0), at(1), at(2)}, {at(3), at(4), at(5)}};
}

bool is_live(std::int64_t state) {
  return state == static_cast<int>(MemberStatus::alive) ||
         state == static_cast<int>(MemberStatus::suspect);
}

/// What the members of a cluster understand, and what they speak.
struct Spread {
  std::uint8_t understood_from = 0;
  std::uint8_t understood_to = std::numeric_limits<std::uint8_t>::max();
  std::uint8_t spoken_from = std::numeric_limits<std::uint8_t>::max();
  std::uint8_t spoken_to = 0;

  void add(const VersionRange& range) {
    understood_from = std::max(understood_from, range.min);
    understood_to = std::min(understood_to, range.max);
    spoken_from = std::min(spoken_from, range.current);
    spoken_to = std::max(spoken_to, range.current);
  }
  [[nodiscard]] bool fits(const VersionRange& range) const {
    return is_sound(range) && understood_from <= range.current && range.current <= understood_to &&
           range.min <= spoken_from && spoken_to <= range.max;
  }
};

struct ClusterVersions {
  Spread protocol;
  Spread delegate_protocol;

  [[nodiscard]] bool fits(const MemberVersions& versions) const {
    return protocol.fits(versions.protocol) && delegate_protocol.fits(versions.delegate_protocol);
  }
};

Result<void> unfit(const wire::NodeState& speaker, const ClusterVersions& ours) {
  const MemberVersions versions = versions_of(speaker);
  const bool protocol = !ours.protocol.fits(versions.protocol);
  const VersionRange& range = protocol ? versions.protocol : versions.delegate_protocol;
  const Spread& spread = protocol ? ours.protocol : ours.delegate_protocol;
  return fail(
      ErrorCode::incompatible,
      fmt::format("{} {} (of {} to {}) of {} does not fit the members here: they speak {} "
                  "to {}, and all understand {} to {}",
                  protocol ? "protocol version" : "delegate protocol version", range.current,
                  range.min, range.max, escape_for_log(speaker.name), spread.spoken_from,
                  spread.spoken_to, spread.understood_from, spread.understood_to),
      std::string(speaker.name));
}

/// Who may have sent a push/pull, of those who stand equally near to it.
struct Speakers {
  bool any = false;
  bool one_fits = false;
  wire::NodeState first_unfit{};

  void add(const wire::NodeState& state, bool fits) {
    if (!any && !fits) first_unfit = state;
    any = true;
    one_fits = one_fits || fits;
  }
};

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

Result<void> PushPull::check(const wire::PushPullMessage& message, const Address& from) {
  if (auto fits = check_versions(message, from); !fits) return fits;
  if (message.header.join && context_.policy != nullptr) return ask_policy(message);
  return {};
}

/// Clusters that do not understand each other stay apart (protocol 6, Versions). It is the member
/// that sent this which has to fit, to all live members here. Others in its state that do not are
/// refused one by one as they are merged (Poison): whoever invents one keeps nobody out. The wire
/// does not say who the sender is; if none of those who may be it fits, it does not.
Result<void> PushPull::check_versions(const wire::PushPullMessage& message,
                                      const Address& from) const {
  ClusterVersions ours;
  for (const MemberIndex index : context_.table.probe_list()) {
    const MemberEntry& entry = context_.table.at(index);
    if (!entry.live()) continue;
    ours.protocol.add(entry.record->protocol);
    ours.delegate_protocol.add(entry.record->delegate_protocol);
  }
  std::array<Speakers, 3> nearness;  // at the address, at its IP address, anywhere
  for_each_state(message, [&](const wire::NodeState& state) {
    if (!is_live(state.state) || state.vsn.size() < 6 || state.name == context_.self_name()) return;
    const bool fits = ours.fits(versions_of(state));
    nearness[2].add(state, fits);
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!ip) return;
    const Address address = context_.member_address(*ip, state.port);
    if (address.ip != from.ip) return;
    nearness[1].add(state, fits);
    if (address == from) nearness[0].add(state, fits);
  });
  for (const Speakers& speakers : nearness) {
    if (!speakers.any) continue;
    return speakers.one_fits ? Result<void>{} : unfit(speakers.first_unfit, ours);
  }
  return {};
}

/// What no merge would take is not offered.
Result<void> PushPull::ask_policy(const wire::PushPullMessage& message) {
  std::vector<MemberRecord> peers;
  const MemberVersions own = swim::versions_of(*context_.self_entry().record);
  for_each_state(message, [&](const wire::NodeState& state) {
    const std::optional<IpAddress> ip = IpAddress::from_bytes(state.addr);
    if (!ip || state.vsn.size() < 6) return;
    const MemberVersions versions = versions_of(state);
    if (is_live(state.state) && !(versions.sound() && versions.fit(own))) return;
    peers.push_back({std::string(state.name), context_.member_address(*ip, state.port),
                     to_bytes(state.meta), versions.protocol, versions.delegate_protocol});
  });
  const Result<void> verdict = context_.policy->notify_merge(peers);
  if (verdict) return {};
  return fail(ErrorCode::vetoed, "the merge was cancelled: " + verdict.error().message,
              verdict.error().subject);
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
    if (!is_live(state.state) || !ip) return;
    const Address address = context_.member_address(*ip, state.port);
    if (address.ip != from.ip) return;
    only = address;
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
