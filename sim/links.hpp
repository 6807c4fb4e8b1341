#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "memberlist/sim/link.hpp"
#include "memberlist/sim/world.hpp"
#include "memberlist/time.hpp"
#include "sim/draws.hpp"

namespace memberlist::sim {

/// Index of a host in its network: that of its node.
using HostId = NodeId;

/// What a link remembers.
struct LinkState {
  bool bad = false;     // within a burst of losses
  TimePoint free_at{};  // when what waits has been sent
};
/// What is wrong with the links of one host, on top of them.
struct Impairment {
  Link outgoing = Link::perfect();
  Link incoming = Link::perfect();
  LinkState outgoing_state{};
  LinkState incoming_state{};
};

/// The links between all hosts, and what becomes of what is sent over them. A packet passes up to
/// three stages: the link itself, the impairment of its sender, and that of its receiver.
class Links {
 public:
  explicit Links(std::uint64_t seed) : draws_(seed) {}

  void add_host() { hosts_.emplace_back(); }
  void set_default(const Link& link) { default_ = link; }
  void set_zone(HostId host, std::size_t zone) { hosts_.at(host).zone = zone; }
  void set_zone_link(std::size_t from, std::size_t to, const Link& link) {
    zones_[{from, to}] = link;
  }
  /// The link of one direction, made from the one that is in force on first use.
  Link& link(HostId from, HostId to);
  void impair(HostId host, const Link& outgoing, const Link& incoming);
  void set_group(HostId host, int group) { hosts_.at(host).group = group; }
  /// No impairments, no groups, no links of pairs.
  void heal();
  void join_groups();
  void reseed(std::uint64_t seed) { draws_ = Draws(seed); }

  /// What becomes of one datagram.
  struct Fate {
    bool refused = false;  ///< sending fails
    bool arrives = true;
    Duration delay{};
    std::optional<Duration> second{};        ///< when a copy arrives, too
    std::optional<std::uint64_t> flipped{};  ///< a number for the bit that is wrong
  };
  [[nodiscard]] Fate datagram(HostId from, HostId to, std::size_t bytes, TimePoint now);

  /// What becomes of one segment of a stream, or of a connection attempt.
  struct SegmentFate {
    bool arrives = true;
    bool reset = false;       ///< the connection is, in place of this segment
    bool half_close = false;  ///< the direction ends with this segment
    Duration delay{};
  };
  /// `is_handshake`: it begins a connection, or answers that.
  [[nodiscard]] SegmentFate segment(HostId from, HostId to, std::size_t bytes, TimePoint now,
                                    bool is_handshake);
  /// Whether a connection attempt is refused on the way.
  [[nodiscard]] bool refuses_streams(HostId from, HostId to);
  /// Whether a connection that was made will carry nothing.
  [[nodiscard]] bool stalls_stream(HostId from, HostId to);

 private:
  struct Host {
    std::size_t zone = 0;
    int group = 0;
    std::uint64_t packets = 0;  // that it has sent, by whatever way
    std::optional<Impairment> impairment{};
  };
  struct Stage {
    const Link* link = nullptr;
    LinkState* state = nullptr;  // null: nothing to remember
    std::uint64_t salt = 0;      // so that the stages draw different numbers
  };
  using Stages = std::array<Stage, 3>;

  [[nodiscard]] const Link& in_force(HostId from, HostId to) const;
  std::size_t stages(HostId from, HostId to, Stages& out);
  LinkState* state_of(HostId from, HostId to, const Link& link);
  [[nodiscard]] Duration latency(const Stage& stage, HostId from, std::uint64_t packet) const;
  bool is_lost(const Stage& stage, HostId from, std::uint64_t packet) const;
  Duration retransmission(const Stage& stage, HostId from, std::uint64_t packet, Duration again);
  static std::optional<Duration> queued(const Stage& stage, std::size_t bytes, TimePoint now,
                                        bool drops);
  void pass(const Stage& stage, HostId from, std::uint64_t packet, std::size_t bytes, TimePoint now,
            Fate& fate) const;

  Draws draws_;
  Link default_{};
  std::vector<Host> hosts_;
  std::map<std::pair<std::size_t, std::size_t>, Link> zones_;
  std::map<std::pair<HostId, HostId>, Link> pairs_;
  std::map<std::pair<HostId, HostId>, LinkState> states_;
};

}  // namespace memberlist::sim
