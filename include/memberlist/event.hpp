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
  /// The sort of evidence.
  enum class Kind : std::uint8_t {
    gossip,             ///< a message in a packet
    push_pull,          ///< a state in somebody's push/pull
    probe_failed,       ///< our own probe had no answer, neither direct, nor indirect, nor by TCP
    suspicion_expired,  ///< nobody refuted in time
    command,            ///< the application asked for it
  };
  Kind kind = Kind::command;        ///< says which of the fields below are set
  std::string accuser;              ///< `From` of the message that says so; empty if there is none
  std::optional<Address> source;    ///< where the packet or stream came from
  std::uint32_t confirmations = 0;  ///< of an expired suspicion, by distinct others
  std::vector<std::string> accusers;  ///< of an expired suspicion: who suspected, in order
  std::uint32_t indirect_probes = 0;  ///< of a failed probe: peers that were asked
  std::uint32_t nacks = 0;            ///< of a failed probe: peers that answered 'no answer here'
};

/// The kind as it is spelled above.
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

/// The kind as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(MemberEventKind kind) noexcept;

/// One change of one member, with its evidence (protocol 6).
struct MemberEvent {
  MemberEventKind kind = MemberEventKind::update;  ///< what happened
  Member member;                                   ///< after the change
  std::optional<Address> other;                    ///< `conflict` only
  Cause cause;                                     ///< why this node believes it
};

/// A user message that somebody sent to this node, or broadcast (protocol 4, type 8).
struct UserMessage {
  Address source;         ///< the packet's or stream's sender; by gossip, who passed it on
  std::string from;       ///< name of the member at `source`, empty if there is none
  Bytes payload;          ///< as it was sent; may be empty
  bool reliable = false;  ///< it came by stream
};

/// The user state of a peer's push/pull (protocol 6); not told if the peer sent none.
struct StateMerged {
  Address source;     ///< the peer's end of the stream, or where we dialled
  Bytes state;        ///< what the peer's application handed out, at most 20 MiB
  bool join = false;  ///< one of the two is joining
};

/// This node's health score changed (Lifeguard: local health; 0 is healthy).
struct HealthChanged {
  std::uint32_t score = 0;  ///< 0 to `awareness_max_multiplier` - 1
};

/// A join, or one try of it, has ended.
struct JoinFinished {
  std::uint32_t contacted = 0;  ///< others whose state was merged
  std::vector<Error> failures;  ///< one for each address that did not answer, as its subject
};

/// A join has failed and is tried again (`JoinOptions::retry`). Told by a Memberlist, behind the
/// JoinFinished of that try.
struct JoinRetrying {
  std::uint32_t attempt = 0;  ///< the one that has failed; the first is 1
  Duration pause{};           ///< until the next one begins
  Error error;                ///< why it failed
};

/// This node has left, and its leave message was sent (or its time ran out).
struct LeaveFinished {};

/// Something failed that no call is waiting for.
struct Failure {
  Error error;  ///< what failed, and why
};

/// What the application hears, in the order in which it happened.
using Event = std::variant<MemberEvent, UserMessage, StateMerged, HealthChanged, JoinFinished,
                           LeaveFinished, Failure, JoinRetrying>;

/// How much a log record matters.
enum class LogLevel : std::uint8_t {
  debug,    ///< for who looks for a fault
  info,     ///< what happens now and then in a healthy cluster
  warning,  ///< something that an operator may want to change
  error,    ///< something that does not work
};

/// The level as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(LogLevel level) noexcept;

/// One thing that a log line tells, for programs that read it. docs/logging.md lists the names.
struct LogField {
  std::string_view name;  ///< lower case, of static life
  std::string value;      ///< escaped as the text is; numbers in decimal

  /// Equal in both.
  friend bool operator==(const LogField&, const LogField&) = default;
};

/// A line for the log. Text from peers is escaped: it holds no control characters.
struct LogRecord {
  LogLevel level = LogLevel::info;  ///< how much it matters
  std::string text;                 ///< one sentence, without a line break
  std::string peer;                 ///< address or name of the peer that it is about; may be empty
  std::vector<LogField> fields = {};  ///< what the text says, again; each name at most once

  /// The value of a field, or empty if there is no such field.
  [[nodiscard]] MEMBERLIST_API std::string_view field(std::string_view name) const noexcept;
};

}  // namespace memberlist
