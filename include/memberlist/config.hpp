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
enum class Profile : std::uint8_t {
  lan,    ///< one data centre: the defaults
  wan,    ///< slow lines between the members: slower probes, longer suspicions
  local,  ///< one machine: quick probes and gossip
};

/// Everything that can be chosen about a member. The defaults are the LAN profile of protocol 8,
/// which is also that of the Go library. Plain data: copy it, change it, hand it to
/// `Memberlist::create` or `Engine::create`, which validate it.
struct Config {
  // --- who and where ---------------------------------------------------------------------------
  /// The member's name, unique in the cluster, 1 to 255 bytes. Empty: the host name (facade only).
  std::string name;
  /// Address to listen on, for UDP and TCP alike; port 0 lets the kernel choose one for both.
  Address bind{IpAddress::v4(0, 0, 0, 0), 7946};
  /// What others are told. Unset: the bind address, or, where that is unspecified, a private
  /// address of the host, that of the interface with the default route first (protocol 8). Port 0:
  /// the bound port.
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
  /// Name servers that are asked for the host names to join through, at most 16, the first one
  /// first; port 0 means 53. The hosts file comes before them. Empty: the system's own resolver,
  /// with the configuration that the machine has at each join (facade only).
  std::vector<Address> dns_servers;

  // --- timings and amounts (protocol 8) ---------------------------------------------------------
  // Limits are those of `knobs()`. 0 turns an interval off. docs/guide/knobs.md says of each what
  // it trades, and what goes wrong at either end.

  /// Deadline of a dial, and again of the exchange on the stream; also of a host name's look-up.
  Duration tcp_timeout = std::chrono::seconds(10);
  /// Members that are asked to ping one that did not answer us.
  std::uint32_t indirect_checks = 3;
  /// News about members are sent this many times ceil(log10(members + 1)).
  std::uint32_t retransmit_mult = 4;
  /// A suspicion lives this many probe intervals, times log10(members), at least.
  std::uint32_t suspicion_mult = 4;
  /// A suspicion that nobody confirms lives this many times longer (Lifeguard).
  std::uint32_t suspicion_max_timeout_mult = 6;
  /// Between exchanges of the whole state with one random member; longer above 32 members.
  Duration push_pull_interval = std::chrono::seconds(30);
  /// How long a probe waits for a direct answer; not above `probe_interval`.
  Duration probe_timeout = std::chrono::milliseconds(500);
  /// Between probes of one member after another.
  Duration probe_interval = std::chrono::seconds(1);
  /// A node that is itself slow probes up to this many times more slowly (Lifeguard).
  std::uint32_t awareness_max_multiplier = 8;
  /// Random members that each round of gossip goes to.
  std::uint32_t gossip_nodes = 3;
  /// Between rounds of gossip.
  Duration gossip_interval = std::chrono::milliseconds(200);
  /// How long the dead still get gossip, and the dead and left are remembered.
  Duration gossip_to_the_dead_time = std::chrono::seconds(30);
  /// After so long a dead member's name may come back at another address; 0: never.
  Duration dead_node_reclaim_time = Duration::zero();
  /// Between looks at the broadcast queues, whose lengths are logged (debug).
  Duration queue_check_interval = std::chrono::seconds(30);
  /// User messages and states that may wait for `Handlers::on_event`.
  std::uint32_t handoff_queue_depth = 1024;
  /// Largest packet that is sent, in bytes, with all its layers.
  std::uint32_t udp_buffer_size = 1400;
  /// Members remembered, the dead and left included; further ones are refused (docs/limits.md).
  std::uint32_t max_members = 262'144;

  // --- protocol ---------------------------------------------------------------------------------
  std::uint8_t protocol_version = 2;           ///< 1 to 5
  std::uint8_t delegate_protocol_min = 0;      ///< of the application on top, e.g. Serf: 2
  std::uint8_t delegate_protocol_max = 0;      ///< e.g. Serf: 5
  std::uint8_t delegate_protocol_version = 0;  ///< e.g. Serf: 4
  /// Compress what gets smaller by it (protocol 2).
  bool enable_compression = true;
  /// With keys: refuse what is not encrypted.
  bool gossip_verify_incoming = true;
  /// With keys: encrypt what is sent.
  bool gossip_verify_outgoing = true;
  /// Something in front of this node checks and removes the label of what comes in.
  bool skip_inbound_label_check = false;
  /// Do not try TCP when UDP has no answer (protocol 5).
  bool disable_tcp_pings = false;
  /// Refuse to send to an address that comes without its member's name (protocol 9).
  bool require_node_names = false;

  /// The defaults, with the timings of a profile.
  [[nodiscard]] static MEMBERLIST_API Config for_profile(Profile profile);
  /// For one data centre.
  [[nodiscard]] static Config lan() { return for_profile(Profile::lan); }
  /// For members with slow lines between them.
  [[nodiscard]] static Config wan() { return for_profile(Profile::wan); }
  /// For members on one machine.
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
  std::string_view name;     ///< of the field of Config, e.g. `probe_interval`
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
