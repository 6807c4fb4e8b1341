#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/export.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// A set of timings (protocol 8).
enum class Profile : std::uint8_t { lan, wan, local };

/// Everything that can be chosen about a member. The defaults are the LAN profile of protocol 8,
/// which is also that of the Go library. Plain data: copy it, change it, hand it to
/// `Memberlist::create` or `Engine::create`, which validate it.
struct Config {
  // --- who and where ---------------------------------------------------------------------------
  /// The member's name, unique in the cluster, 1 to 255 bytes. Empty: the host name (facade only).
  std::string name;
  /// Address to listen on, for UDP and TCP alike; port 0 lets the kernel choose one for both.
  Address bind{IpAddress::v4(0, 0, 0, 0), 7946};
  /// What others are told. Unset: the bind address, or, where that is unspecified, the host's
  /// first private address. Port 0: the bound port.
  std::optional<Address> advertise;
  /// Initial meta data, at most 512 bytes (protocol 4).
  Bytes meta;
  /// Cluster label, at most 255 bytes; members with another label are not heard (protocol 2).
  std::string label;
  /// Encryption keys of 16, 24 or 32 bytes, at most 16; the first encrypts, all decrypt. Empty: no
  /// encryption. The engine takes them over, and wipes them when they are dropped.
  std::vector<Bytes> keys;
  /// Networks that members may be in (protocol 10). Unset: all; an empty list: none.
  std::optional<std::vector<Network>> allowed_networks;

  // --- timings and amounts (protocol 8); 0 turns an interval off --------------------------------
  Duration tcp_timeout = std::chrono::seconds(10);
  std::uint32_t indirect_checks = 3;
  std::uint32_t retransmit_mult = 4;
  std::uint32_t suspicion_mult = 4;
  std::uint32_t suspicion_max_timeout_mult = 6;
  Duration push_pull_interval = std::chrono::seconds(30);
  Duration probe_timeout = std::chrono::milliseconds(500);
  Duration probe_interval = std::chrono::seconds(1);
  std::uint32_t awareness_max_multiplier = 8;
  std::uint32_t gossip_nodes = 3;
  Duration gossip_interval = std::chrono::milliseconds(200);
  Duration gossip_to_the_dead_time = std::chrono::seconds(30);
  Duration dead_node_reclaim_time = Duration::zero();
  Duration queue_check_interval = std::chrono::seconds(30);
  std::uint32_t handoff_queue_depth = 1024;
  std::uint32_t udp_buffer_size = 1400;
  /// Members remembered, the dead and left included; further ones are refused (docs/limits.md).
  std::uint32_t max_members = 262'144;

  // --- protocol ---------------------------------------------------------------------------------
  std::uint8_t protocol_version = 2;           ///< 1 to 5
  std::uint8_t delegate_protocol_min = 0;      ///< of the application on top, e.g. Serf: 2
  std::uint8_t delegate_protocol_max = 0;      ///< e.g. Serf: 5
  std::uint8_t delegate_protocol_version = 0;  ///< e.g. Serf: 4
  bool enable_compression = true;
  bool gossip_verify_incoming = true;
  bool gossip_verify_outgoing = true;
  bool skip_inbound_label_check = false;
  bool disable_tcp_pings = false;
  bool require_node_names = false;

  [[nodiscard]] static MEMBERLIST_API Config for_profile(Profile profile);
  [[nodiscard]] static Config lan() { return for_profile(Profile::lan); }
  [[nodiscard]] static Config wan() { return for_profile(Profile::wan); }
  [[nodiscard]] static Config local() { return for_profile(Profile::local); }

  /// Checks every field. The error names the knob, its value and its limits, and has the knob's
  /// name as its subject.
  [[nodiscard]] MEMBERLIST_API Result<void> validate() const;

  /// Sets one knob from text: times as `250ms`, `5s`, `2m`, `0`; booleans as `true` or `false`.
  /// An unknown name, a text that does not parse or a value outside the knob's limits is an error
  /// and changes nothing.
  [[nodiscard]] MEMBERLIST_API Result<void> set(std::string_view knob, std::string_view value);
};

/// One knob as `Config::set` knows it.
struct KnobInfo {
  std::string_view name;
  std::string_view limits;   ///< e.g. `1ms to 1h`, `1 to 255`, `true or false`
  std::string_view meaning;  ///< one line
};

/// All knobs, in the order of the documentation.
[[nodiscard]] MEMBERLIST_API std::span<const KnobInfo> knobs() noexcept;

/// Parses `250ms`, `1.5s`, `2m`, `1h`, `0` (units h, m, s, ms, us, ns); exact or an error.
[[nodiscard]] MEMBERLIST_API Result<Duration> parse_duration(std::string_view text);

/// The shortest exact text of a duration, as `parse_duration` reads it, in a unit of which it has
/// at least one: `500ms`, `1.5s`, `90s`, `2m`.
[[nodiscard]] MEMBERLIST_API std::string format_duration(Duration duration);

}  // namespace memberlist
