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
  /// The kind of evidence.
  enum class Kind : std::uint8_t {
    gossip,             ///< a message in a packet
    push_pull,          ///< a state in a push/pull
    probe_failed,       ///< a probe by this node had no answer: direct, indirect, or by TCP
    suspicion_expired,  ///< the member did not refute in time
    command,            ///< the application requested it
  };
  Kind kind = Kind::command;            ///< determines which of the fields below are set
  std::string accuser{};                ///< `From` of the message; empty if there is none
  std::optional<Address> source{};      ///< where the packet or stream came from
  std::uint32_t confirmations = 0;      ///< of an expired suspicion, by distinct members
  std::vector<std::string> accusers{};  ///< of an expired suspicion: its accusers, in order
  std::uint32_t indirect_probes = 0;    ///< of a failed probe: helpers asked
  std::uint32_t nacks = 0;              ///< of a failed probe: helpers that reported no answer
  /// The number of the input that caused it (`Engine::input_number`).
  std::uint64_t input = 0;
  /// The number of the input at which it began: the start of the failed probe or of the expired
  /// suspicion; of anything else `input`.
  std::uint64_t began = 0;
};

/// The kind as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(Cause::Kind kind) noexcept;

/// What happened to a member's place in the table.
enum class MemberEventKind : std::uint8_t {
  join,      ///< it was unknown, dead or left, and is alive now
  leave,     ///< it is dead or has left; `member.status` says which. Once for each death
  update,    ///< its meta data changed
  suspect,   ///< it is suspected
  alive,     ///< it refuted a suspicion, or came back from the dead
  dead,      ///< a suspicion expired here or at another member; `leave` follows at once
  conflict,  ///< another member claims its name; `other` is the claimed address
};

/// The kind as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(MemberEventKind kind) noexcept;

/// One change of one member, with its evidence (protocol 6). This node's own changes are reported,
/// too: its `join` when it is created, `update`, `leave`, and, when it moves to another address,
/// `leave` and `join`.
struct MemberEvent {
  MemberEventKind kind = MemberEventKind::update;  ///< what happened
  Member member{};                                 ///< after the change
  std::optional<Address> other{};                  ///< `conflict` only
  Cause cause{};                                   ///< why this node believes it
  bool self = false;                               ///< `member` is this node itself
};

/// A user message to this node, or a broadcast (protocol 4, type 8).
struct UserMessage {
  Address source{};       ///< the sender of the packet or stream
  std::string from{};     ///< name of the member at `source`, empty if there is none
  Bytes payload{};        ///< as sent; may be empty
  bool reliable = false;  ///< received over a stream
};

/// The user state of a peer's push/pull (protocol 6); not reported if the peer sent none.
struct StateMerged {
  Address source{};    ///< the peer's end of the stream, or the dialled address
  Bytes state{};       ///< the peer application's state, at most 20 MiB
  bool join = false;   ///< one of the two is joining
  std::string from{};  ///< name of the peer; empty if unknown (several members share its IP)
};

/// This node's health score changed (Lifeguard: local health; 0 is healthy).
struct HealthChanged {
  std::uint32_t score = 0;  ///< 0 to `awareness_max_multiplier` - 1
};

/// A join, or one attempt of it, has ended.
struct JoinFinished {
  std::uint32_t contacted = 0;    ///< other members whose state was merged
  std::vector<Error> failures{};  ///< one for each address that did not answer, as its subject
};

/// A join attempt has failed and will be retried (`JoinOptions::retry`). Reported by a Memberlist,
/// after the JoinFinished of that attempt.
struct JoinRetrying {
  std::uint32_t attempt = 0;  ///< the failed attempt; the first is 1
  Duration pause{};           ///< until the next attempt
  Error error{};              ///< why it failed
};

/// This node has left, and its leave message has been sent (or the timeout expired).
struct LeaveFinished {};

/// A failure that no call is waiting for.
struct Failure {
  Error error{};  ///< what failed, and why
};

/// An event for the application. Events are delivered in the order in which they happened.
using Event = std::variant<MemberEvent, UserMessage, StateMerged, HealthChanged, JoinFinished,
                           LeaveFinished, Failure, JoinRetrying>;

/// The severity of a log record.
enum class LogLevel : std::uint8_t {
  debug,    ///< details for troubleshooting
  info,     ///< normal events of a healthy cluster
  warning,  ///< something that an operator may want to fix
  error,    ///< something that does not work
};

/// The level as it is spelled above.
[[nodiscard]] MEMBERLIST_API std::string_view to_string(LogLevel level) noexcept;

/// A structured field of a log line, for programs. docs/logging.md lists the names.
struct LogField {
  std::string_view name{};  ///< lower case, with static lifetime
  std::string value{};      ///< escaped like the text; numbers in decimal

  /// Equal in both.
  friend bool operator==(const LogField&, const LogField&) = default;
};

/// A log line. Text from peers is escaped: it contains no control characters.
struct LogRecord {
  LogLevel level = LogLevel::info;    ///< the severity
  std::string text{};                 ///< one sentence, without a line break
  std::string peer{};                 ///< address or name of the peer it concerns; may be empty
  std::vector<LogField> fields = {};  ///< repeat what the text says; each name at most once

  /// The value of a field, or empty if there is no such field.
  [[nodiscard]] MEMBERLIST_API std::string_view field(std::string_view name) const noexcept;
};

}  // namespace memberlist
