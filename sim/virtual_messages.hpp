#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/member.hpp"
#include "memberlist/time.hpp"
#include "wire/messages.hpp"

// Hand-made messages as bytes, type byte first, and received ones as values.
namespace memberlist::sim {

/// The `Vsn` bytes of a member.
[[nodiscard]] Bytes versions(std::uint8_t min, std::uint8_t max, std::uint8_t current,
                             std::uint8_t delegate_min = 0, std::uint8_t delegate_max = 0,
                             std::uint8_t delegate_current = 0);

/// What a node says of a member, in gossip or in a push/pull.
struct Claim {
  std::string name;
  Address address;
  std::uint32_t incarnation = 1;
  MemberStatus status = MemberStatus::alive;
  Bytes meta = {};
  Bytes vsn = versions(1, 5, 2);
  std::optional<Bytes> raw_address = {};  ///< instead of the address's own bytes
};

[[nodiscard]] Bytes alive_message(const Claim& claim);
[[nodiscard]] Bytes suspect_message(std::string_view node, std::uint32_t incarnation,
                                    std::string_view from);
[[nodiscard]] Bytes dead_message(std::string_view node, std::uint32_t incarnation,
                                 std::string_view from);
[[nodiscard]] Bytes ping_message(std::uint32_t seq_no, std::string_view node,
                                 std::optional<Address> source = std::nullopt);
[[nodiscard]] Bytes indirect_ping_message(std::uint32_t seq_no, std::string_view node,
                                          const Address& target, bool nack,
                                          std::optional<Address> source = std::nullopt);
[[nodiscard]] Bytes ack_message(std::uint32_t seq_no, BytesView payload = {});
[[nodiscard]] Bytes user_message(std::string_view payload);
[[nodiscard]] Bytes push_pull_message(bool join, const std::vector<Claim>& claims,
                                      std::string_view user_state = {});
/// A reliable user message, as it opens a stream.
[[nodiscard]] Bytes stream_user_message(std::string_view payload);

/// Any message of wire/messages.hpp.
template <class Message>
[[nodiscard]] Bytes message_bytes(const Message& message) {
  Bytes bytes;
  ByteWriter writer(bytes);
  wire::encode(writer, message);
  return bytes;
}

/// One message that an engine sent in a packet. The accessors throw if it is of another kind, or
/// not well-formed; their views live as long as this object.
struct SeenMessage {
  TimePoint at;
  Address to;
  wire::MessageType type = wire::MessageType::ping;
  Bytes body;

  [[nodiscard]] wire::Ping ping() const;
  [[nodiscard]] wire::IndirectPing indirect_ping() const;
  [[nodiscard]] wire::Ack ack() const;
  [[nodiscard]] wire::Nack nack() const;
  [[nodiscard]] wire::Suspect suspect() const;
  [[nodiscard]] wire::Alive alive() const;
  [[nodiscard]] wire::Dead dead() const;
  [[nodiscard]] std::string_view user() const;
  /// The member that an alive, suspect or dead message is about; empty for other kinds.
  [[nodiscard]] std::string_view about() const;
};

/// The states in a push/pull, as claims.
[[nodiscard]] std::vector<Claim> claims_of(BytesView node_states, std::size_t count);

}  // namespace memberlist::sim
