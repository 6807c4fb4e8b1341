#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/keyring.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "wire/messages.hpp"
#include "wire/packet.hpp"

// What the benchmarks work on. `bench/go` makes the same bytes.
namespace memberlist::bench {

/// The moment at which every benchmark's engine lives; no timer is ever due.
inline constexpr TimePoint kNow{std::chrono::seconds(1)};

/// Incarnations start here, so that all have the same length on the wire.
inline constexpr std::uint32_t kFirstIncarnation = 1U << 20;

/// What a packet's messages and their framing take at most.
inline constexpr std::size_t kPacketBytes = 1400;

/// Meta data as services announce it.
inline constexpr std::size_t kMetaBytes = 64;
/// An alive message with so much meta data has 98 bytes.
inline constexpr std::size_t kShortMetaBytes = 26;

/// The fields of one made-up member, which the views of its messages look into.
class SampleMember {
 public:
  explicit SampleMember(std::uint32_t number, std::size_t meta_bytes = kMetaBytes);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] wire::Alive alive(std::uint32_t incarnation) const noexcept;
  /// Its state in a push/pull; odd incarnations have other meta data than even ones.
  [[nodiscard]] wire::NodeState state(std::uint32_t incarnation) const noexcept;
  [[nodiscard]] Address address() const noexcept;

 private:
  std::string name_;
  std::array<std::byte, 4> ip_;
  std::size_t meta_bytes_;
};

[[nodiscard]] std::vector<SampleMember> sample_members(std::uint32_t count,
                                                       std::size_t meta_bytes = kMetaBytes);

/// A push/pull with the states of these members, and a user state of one byte: the Go library tells
/// its delegate of that when it has merged.
[[nodiscard]] Bytes push_pull(const std::vector<SampleMember>& members, std::uint32_t incarnation);

/// What the packets of both sides are wrapped in: how the engine is configured, and how to seal
/// what it is given.
class Layers {
 public:
  explicit Layers(bool compress, bool encrypt = false, std::string label = {});
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;

  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] const wire::Sealing& sealing() const noexcept { return sealing_; }

 private:
  Config config_;
  std::optional<crypto::Keyring> keyring_;
  wire::Sealing sealing_;
};

/// Makes one 1,400-byte compound of alive messages after another: round after round through the
/// members, each message newer than the last one about its member. With a checksum.
class AlivePackets {
 public:
  AlivePackets(const std::vector<SampleMember>& members, const wire::Sealing& sealing);

  /// The next packet, sealed.
  [[nodiscard]] Bytes next();
  [[nodiscard]] std::size_t parts() const noexcept { return parts_per_packet_; }
  /// Size of the compound before compression and encryption.
  [[nodiscard]] std::size_t plain_bytes() const noexcept { return plain_bytes_; }
  /// What the member of the last message must have now.
  [[nodiscard]] const SampleMember& last_member() const noexcept;
  [[nodiscard]] std::uint32_t last_incarnation() const noexcept;

 private:
  const std::vector<SampleMember>& members_;
  const wire::Sealing& sealing_;
  wire::PacketSealer sealer_;
  std::size_t parts_per_packet_ = 0;
  std::size_t plain_bytes_ = 0;
  std::uint64_t messages_ = 0;
};

/// An engine that knows no other member yet.
[[nodiscard]] Engine make_engine(Config config, bool with_metrics = false);

}  // namespace memberlist::bench
