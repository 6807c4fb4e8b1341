#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/export.hpp"
#include "memberlist/member.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// Why a member's state changed: the evidence behind each MemberEvent.
struct Cause {
  enum class Kind : std::uint8_t {
    gossip,             ///< a message in a packet
    push_pull,          ///< a state in somebody's push/pull
    probe_failed,       ///< our own probe had no answer, neither direct, nor indirect, nor by TCP
    suspicion_expired,  ///< nobody refuted in time
    command,            ///< the application asked for it
  };
  Kind kind = Kind::command;
  std::string accuser;              ///< `From` of the message that says so; empty if there is none
  std::optional<Address> source;    ///< where the packet or stream came from
  std::uint32_t confirmations = 0;  ///< of an expired suspicion, by distinct others
  std::vector<std::string> accusers;  ///< of an expired suspicion: who suspected, in order
  std::uint32_t indirect_probes = 0;  ///< of a failed probe: peers that were asked
  std::uint32_t nacks = 0;            ///< of a failed probe: peers that answered 'no answer here'
};

[[nodiscard]] MEMBERLIST_API std::string_view to_string(Cause::Kind kind) noexcept;

/// What happened to a member's place in the table.
enum class MemberEventKind : std::uint8_t {
  join,      ///< it was unknown, dead or left, and is alive now
  leave,     ///< it is dead or has left; `member.status` says which. Once for each death
  update,    ///< its meta data changed
  suspect,   ///< it is suspected from now on
  alive,     ///< it refuted a suspicion, or came back from the dead
  dead,      ///< its suspicion ran out, or somebody else's did; `leave` follows at once
  conflict,  ///< another member claims its name; `other` is the claimed address
};

[[nodiscard]] MEMBERLIST_API std::string_view to_string(MemberEventKind kind) noexcept;

struct MemberEvent {
  MemberEventKind kind = MemberEventKind::update;
  Member member;                 ///< after the change
  std::optional<Address> other;  ///< `conflict` only
  Cause cause;
};

/// A user message that somebody sent to this node, or broadcast (protocol 4, type 8).
struct UserMessage {
  Address source;    ///< the packet's or stream's sender; by gossip, who passed it on
  std::string from;  ///< name of the member at `source`, empty if there is none
  Bytes payload;
  bool reliable = false;  ///< it came by stream
};

/// The user state of a peer's push/pull.
struct StateMerged {
  Address source;
  Bytes state;
  bool join = false;
};

/// This node's health score changed (Lifeguard: local health; 0 is healthy).
struct HealthChanged {
  std::uint32_t score = 0;
};

/// A join has ended.
struct JoinFinished {
  std::uint32_t contacted = 0;
  std::vector<Error> failures;  ///< one for each address that did not answer, as its subject
};

/// This node has left, and its leave message was sent (or its time ran out).
struct LeaveFinished {};

/// Something failed that no call is waiting for.
struct Failure {
  Error error;
};

/// What the application hears, in the order in which it happened.
using Event = std::variant<MemberEvent, UserMessage, StateMerged, HealthChanged, JoinFinished,
                           LeaveFinished, Failure>;

enum class LogLevel : std::uint8_t { debug, info, warning, error };

[[nodiscard]] MEMBERLIST_API std::string_view to_string(LogLevel level) noexcept;

/// A line for the log. Text from peers is escaped: it holds no control characters.
struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string text;
  std::string peer;  ///< address or name of the peer that it is about; may be empty
};

}  // namespace memberlist
