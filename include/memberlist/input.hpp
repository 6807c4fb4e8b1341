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
#include "memberlist/input_names.hpp"
#include "memberlist/output.hpp"
#include "memberlist/stream.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// Everything that can happen to an engine, one type for each of its inputs and commands
/// (`Engine::apply`). What is a view is valid during the call.
namespace input {

/// A datagram: `Engine::handle_packet`.
struct Packet {
  Address from{};     ///< the address that an answer goes to
  BytesView bytes{};  ///< the whole datagram
  IpAddress asked{};  ///< the local address that it was sent to; unspecified: not known
};
/// A datagram could not be sent: `Engine::handle_send_error`.
struct SendError {
  Address to{};   ///< its destination
  Error error{};  ///< why not
};
/// A peer connected: `Engine::handle_accept`.
struct Accept {
  Address from{};  ///< the peer
};
/// Something happened to a stream: `Engine::handle_stream`.
struct Stream {
  StreamId id{};        ///< which stream
  StreamEvent event{};  ///< what happened
};
/// Time has passed: `Engine::handle_deadline`.
struct Deadline {};
/// `Engine::join`
struct Join {
  std::vector<JoinTarget> targets{};  ///< whom to join through
  JoinLimits limits{};                ///< what it may take
};
/// `Engine::leave`
struct Leave {
  Duration timeout{};  ///< after which it completes anyway
};
/// `Engine::update_meta`
struct UpdateMeta {
  BytesView meta{};    ///< the new meta data
  Duration timeout{};  ///< after which it completes anyway
};
/// `Engine::advertise`
struct Advertise {
  Address address{};   ///< the new address
  Duration timeout{};  ///< after which it completes anyway
};
/// `Engine::send_best_effort`
struct SendBestEffort {
  Address to{};         ///< to whom
  BytesView payload{};  ///< the message
};
/// `Engine::send_reliable`
struct SendReliable {
  Address to{};                                    ///< to whom
  BytesView payload{};                             ///< the message
  std::optional<Duration> timeout = std::nullopt;  ///< unset: `tcp_timeout`
};
/// `Engine::broadcast`
struct Broadcast {
  BytesView payload{};      ///< the message
  std::string_view name{};  ///< of the queued message that it replaces; may be empty
};
/// `Engine::ping`
struct Ping {
  std::string_view member{};                       ///< whom, by name
  std::optional<Duration> timeout = std::nullopt;  ///< unset: `probe_timeout`
};
/// `Engine::cancel`
struct Cancel {
  OperationId operation{};  ///< which operation
  Error why{};              ///< its error
};
/// A key, or the fingerprint of one.
using KeyChoice = std::variant<BytesView, std::string_view>;
/// `Engine::add_key`
struct AddKey {
  BytesView key{};  ///< 16, 24 or 32 bytes
};
/// `Engine::use_key`
struct UseKey {
  KeyChoice key{};  ///< which key
};
/// `Engine::remove_key`
struct RemoveKey {
  KeyChoice key{};  ///< which key
};
/// `Engine::set_gossip_verify`
struct SetGossipVerify {
  std::optional<bool> incoming{};  ///< unset: stays as it is
  std::optional<bool> outgoing{};  ///< unset: stays as it is
};

}  // namespace input

}  // namespace memberlist
