#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/engine.hpp"
#include "sim/ledger.hpp"
#include "sim/peer_knowledge.hpp"
#include "sim/reporter.hpp"
#include "wire/packet.hpp"

namespace memberlist::sim {

/// What a node says of a member is fit to be believed by others (protocol 6, 'Poison').
void require_sound(const Reporter& reporter, std::string_view name, BytesView address,
                   BytesView meta, BytesView versions);

/// Everything that holds of an engine at all times, whatever is done to it, as far as it shows from
/// outside. Follows the outputs in order with a model of its own, and compares it with the views.
class Invariants {
 public:
  /// `opening` is how a member reads what the engine sends. All must outlive this.
  Invariants(const Reporter& reporter, const Engine& engine, const wire::Sealing& opening,
             PeerKnowledge& known);

  /// The engine was created with these members: no event tells of them.
  void know(std::span<const Member> members);
  /// Every output, in order.
  void take(const Output& output);
  /// One output of many, where only this kind is of interest: peers learn from packets.
  void take_packet(const SendPacket& packet);
  /// After each step: what the engine shows fits what it has said.
  void after_step(const Engine& engine, const Ledger& ledger);
  /// After `handle_deadline(now)`.
  void after_deadline(const Engine& engine, TimePoint now) const;
  /// Leave was accepted.
  void leaving() noexcept { leaving_ = true; }

 private:
  struct Known {
    MemberStatus status = MemberStatus::dead;
    std::uint32_t incarnation = 0;
    bool in_table = false;
    bool returning = false;  // `alive` was said of who was gone, `join` has to follow
  };

  void take_member(const MemberEvent& event);
  void take_state(const MemberEvent& event, Known& known);
  void take_messages(const SendPacket& packet);
  void take_message(const wire::MessageView& message);
  [[nodiscard]] bool allowed(const IpAddress& ip) const;
  void require_text(std::string_view text, const char* what) const;
  void check_members(const Engine& engine);
  void check_member(const Member& member);
  void check_self(const Engine& engine, bool moving);
  void check_counters(const Engine& engine);

  const Reporter& reporter_;
  const wire::Sealing& opening_;
  wire::PacketOpener opener_;
  PeerKnowledge& known_;
  std::string self_name_;
  std::size_t udp_buffer_size_;
  std::size_t max_members_;
  const std::optional<std::vector<Network>>& allowed_networks_;
  bool checked_takeover_;
  std::map<std::string, Known, std::less<>> members_;
  std::string dying_;  // whose `dead` event came last
  EngineCounters counters_;
  std::uint64_t user_messages_ = 0;
  std::uint64_t leaves_finished_ = 0;
  std::uint32_t health_score_ = 0;
  std::uint32_t own_incarnation_ = 0;
  bool leaving_ = false;
  MemberSnapshot snapshot_;
  std::uint64_t packets_ = 0;
  std::uint64_t packet_bytes_ = 0;
};

}  // namespace memberlist::sim
