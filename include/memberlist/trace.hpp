#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/event.hpp"
#include "memberlist/export.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// What an engine can put out about its own decisions (`EngineEnvironment::trace`), one type for
/// each kind of step. Probes are named by the input that began them.
namespace trace {

/// A probe began: a ping was sent.
struct ProbeBegan {
  std::uint64_t probe = 0;        ///< the number of this input, which names the probe
  std::string member{};           ///< its target
  Address address{};              ///< where the target was pinged
  std::uint32_t incarnation = 0;  ///< of the target, as it was known then
};
/// This node stood still, and pings the target again.
struct ProbeRepeated {
  std::uint64_t probe = 0;  ///< which probe
};
/// The direct ping was not answered in time, so a helper was asked to ping the target.
struct HelperAsked {
  std::uint64_t probe = 0;  ///< which probe
  std::string helper{};     ///< the helper's name
};
/// The target is pinged by TCP as well.
struct TcpPing {
  std::uint64_t probe = 0;  ///< which probe
};
/// Something was heard about a probe.
struct ProbeAnswer {
  /// What was heard.
  enum class Kind : std::uint8_t {
    ack,   ///< the target answered, directly or through a helper
    nack,  ///< a helper got no answer either
    tcp,   ///< the target answered by TCP
  };
  std::uint64_t probe = 0;  ///< which probe
  Kind kind = Kind::ack;    ///< what was heard
};
/// A probe is over.
struct ProbeEnded {
  /// How it ended.
  enum class Result : std::uint8_t {
    answered,  ///< directly
    helped,    ///< after helpers were asked
    tcp_only,  ///< by TCP, while no packet was answered
    failed,    ///< not at all: the target is accused
  };
  std::uint64_t probe = 0;          ///< which probe
  std::string member{};             ///< its target
  Result result = Result::failed;   ///< how it ended
  std::uint32_t helpers_asked = 0;  ///< indirect pings that were sent
  std::uint32_t nacks = 0;          ///< helpers that got no answer either
};

/// What a claim says about a member.
enum class ClaimKind : std::uint8_t { alive, suspect, dead };

/// What became of a claim.
enum class Verdict : std::uint8_t {
  believed,   ///< it changed what this node holds of the member
  confirmed,  ///< one more accuser of a suspect member
  refuted,    ///< it was about this node, which contradicts it
  same,       ///< known already
  older,      ///< its incarnation is older than what is known
  repeated,   ///< the member is suspect already, and the accuser counted
  not_live,   ///< an accusation of a member that is dead or has left
  unknown,    ///< an accusation of a member that this node does not know
  buried,     ///< of a forgotten member, with nothing newer
  conflict,   ///< the name belongs to a member at another address
  vetoed,     ///< `Policy::notify_alive` refused the member
  poison,     ///< it has no valid name, address or versions
  full,       ///< the table has `max_members` members
  network,    ///< the address is in none of the allowed networks
  limit,      ///< its name or meta data is too long
  absent,     ///< it was about this node, which has left or is moving
};

/// A claim about a member was judged.
struct Claim {
  ClaimKind kind = ClaimKind::alive;     ///< what it says
  std::string member{};                  ///< about whom
  std::uint32_t incarnation = 0;         ///< of the member, as claimed
  std::string accuser{};                 ///< who says so; empty if unknown
  std::optional<Address> source{};       ///< where it came from; none: from this node
  Cause::Kind by = Cause::Kind::gossip;  ///< in which way it came
  std::uint64_t began = 0;               ///< the input at which that began (`Cause::began`)
  Verdict verdict = Verdict::believed;   ///< what became of it
};

/// A suspicion changed.
struct SuspicionChanged {
  /// How.
  enum class Step : std::uint8_t {
    started,    ///< the member is suspect now
    confirmed,  ///< one more accuser: it expires earlier
    refuted,    ///< the member contradicted it
    expired,    ///< nobody did: the member is dead
    ended,      ///< a claim that the member is dead was believed first
  };
  std::string member{};             ///< whose
  Step step = Step::started;        ///< how it changed
  std::uint64_t began = 0;          ///< the input that started it
  std::uint32_t confirmations = 0;  ///< so far
  Duration left{};                  ///< until it expires
};

/// This node stood still, and gives others time (protocol 5, Stalls).
struct Stall {
  Duration paused{};  ///< for how long
};

/// A packet carried updates about members.
struct PacketSent {
  Address to{};                          ///< the receiver
  std::vector<std::uint64_t> updates{};  ///< the inputs that queued them
};

}  // namespace trace

/// One step of an engine: which input caused it, and what it was.
struct TraceRecord {
  /// What can be traced.
  using Step = std::variant<trace::ProbeBegan, trace::ProbeRepeated, trace::HelperAsked,
                            trace::TcpPing, trace::ProbeAnswer, trace::ProbeEnded, trace::Claim,
                            trace::SuspicionChanged, trace::Stall, trace::PacketSent>;
  std::uint64_t input = 0;  ///< the number of the input (`Engine::input_number`)
  TimePoint at{};           ///< the engine's time
  Step step{};              ///< what happened
};

/// The verdict as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(trace::Verdict verdict) noexcept;

/// One line for people, without a line break, such as
/// `#42 probe #42 of b at 10.0.0.2:7946 began (incarnation 1)`. Names of members are escaped. Its
/// wording may change.
[[nodiscard]] MEMBERLIST_API std::string to_string(const TraceRecord& record);

}  // namespace memberlist
