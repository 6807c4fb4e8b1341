#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "memberlist/output.hpp"
#include "memberlist/stream.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// One address to join through.
struct JoinTarget {
  std::string name{};  ///< of the member expected there; may be empty
  Address address{};   ///< where to dial
};

/// What a join may take.
struct JoinLimits {
  std::uint32_t enough = 0;     ///< the join ends after this many merges; 0: all are tried
  std::uint32_t parallel = 16;  ///< exchanges at once, 1 to 16
  /// For the whole join; unset: only the `tcp_timeout` of each exchange.
  std::optional<Duration> timeout = std::nullopt;
};

/// What can happen to an engine. `memberlist/input.hpp` defines these types: a program that uses
/// only the named functions of Engine need not compile them.
namespace input {
struct Packet;
struct SendError;
struct Accept;
struct Stream;
struct Deadline;
struct Join;
struct Leave;
struct UpdateMeta;
struct Advertise;
struct SendBestEffort;
struct SendReliable;
struct Broadcast;
struct Ping;
struct Cancel;
struct AddKey;
struct UseKey;
struct RemoveKey;
struct SetGossipVerify;
}  // namespace input

/// One thing that happens to an engine (`memberlist/input.hpp`).
using Input = std::variant<input::Packet, input::SendError, input::Accept, input::Stream,
                           input::Deadline, input::Join, input::Leave, input::UpdateMeta,
                           input::Advertise, input::SendBestEffort, input::SendReliable,
                           input::Broadcast, input::Ping, input::Cancel, input::AddKey,
                           input::UseKey, input::RemoveKey, input::SetGossipVerify>;

/// What an input gives back at once: nothing, the id of an accepted stream (`std::nullopt`: refuse
/// it), whether a command could be carried out, or the operation whose outcome comes later.
using Answer =
    std::variant<std::monostate, std::optional<StreamId>, Result<void>, Result<OperationId>>;

}  // namespace memberlist
