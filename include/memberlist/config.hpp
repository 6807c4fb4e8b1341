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

/// A set of timing defaults (protocol 8).
enum class Profile : std::uint8_t {
  lan,    ///< one data centre (default)
  wan,    ///< slow links between members: slower probes, longer suspicions
  local,  ///< one machine: fast probes and gossip
};

/// The configuration of a member. The defaults are the LAN profile of protocol 8, which is also the
/// Go library's default. Plain data: copy it, change it, pass it to `Memberlist::create` or
/// `Engine::create`, which validate it.
struct Config {
  // --- identity and addresses ------------------------------------------------------------------
  /// The member's name, unique in the cluster, 1 to 255 bytes. Empty: the host name (facade only).
  std::string name{};
  /// Address to listen on, for both UDP and TCP; port 0 lets the kernel choose one port for both.
  Address bind{IpAddress::v4(0, 0, 0, 0), 7946};
  /// Address announced to the others. Unset: the bind address, or, if that is unspecified, a
  /// private address of the host, preferably that of the interface with the default route (protocol
  /// 8). Port 0: the bound port.
  std::optional<Address> advertise{};
  /// Initial meta data, at most 512 bytes (protocol 4).
  Bytes meta{};
  /// Cluster label, at most 255 bytes; traffic with another label is dropped (protocol 2).
  std::string label{};
  /// Encryption keys of 16, 24 or 32 bytes, at most 16; the first encrypts, all decrypt. Empty: no
  /// encryption. The engine takes ownership and wipes keys when they are removed.
  std::vector<Bytes> keys{};
  /// Networks that members may be in (protocol 10). Unset: all; an empty list: none.
  std::optional<std::vector<Network>> allowed_networks{};
  /// Name servers for the host names to join, at most 16, tried in order; port 0 means 53. The
  /// hosts file takes precedence. Empty: the system's resolver, with the configuration of the
  /// machine at each join (facade only).
  std::vector<Address> dns_servers{};

  // --- timings and amounts (protocol 8) ---------------------------------------------------------
  // Limits are those of `knobs()`. 0 turns an interval off. docs/guide/knobs.md says of each what
  // it trades, and what goes wrong at either end.

  /// Timeout for connecting, again for the exchange on the stream, and for resolving a host name.
  Duration tcp_timeout = std::chrono::seconds(10);
  /// Members that are asked to ping a member that did not answer this node.
  std::uint32_t indirect_checks = 3;
  /// Updates about members are sent this many times ceil(log10(members + 1)).
  std::uint32_t retransmit_mult = 4;
  /// Minimum duration of a suspicion, in probe intervals, times log10(members).
  std::uint32_t suspicion_mult = 4;
  /// A suspicion without confirmations lasts this many times longer (Lifeguard).
  std::uint32_t suspicion_max_timeout_mult = 6;
  /// Time between full state exchanges with one random member; longer above 32 members.
  Duration push_pull_interval = std::chrono::seconds(30);
  /// How long a probe waits for a direct answer; at most `probe_interval`.
  Duration probe_timeout = std::chrono::milliseconds(500);
  /// Time between probes.
  Duration probe_interval = std::chrono::seconds(1);
  /// A node that is itself slow increases its probe interval by up to this factor (Lifeguard).
  std::uint32_t awareness_max_multiplier = 8;
  /// Random members that each gossip round sends to.
  std::uint32_t gossip_nodes = 3;
  /// Time between gossip rounds.
  Duration gossip_interval = std::chrono::milliseconds(200);
  /// How long dead members keep receiving gossip, and how long dead and left members stay in the
  /// table.
  Duration gossip_to_the_dead_time = std::chrono::seconds(30);
  /// Time after which a dead member's name may return at another address; 0: never.
  Duration dead_node_reclaim_time = Duration::zero();
  /// Time between log lines (debug) with the lengths of the broadcast queues.
  Duration queue_check_interval = std::chrono::seconds(30);
  /// Maximum number of user messages and states that wait for `Handlers::on_events`.
  std::uint32_t handoff_queue_depth = 1024;
  /// Maximum size of a packet in bytes, including all layers.
  std::uint32_t udp_buffer_size = 1400;
  /// Maximum number of members in the table, including dead and left ones; further ones are refused
  /// (docs/limits.md).
  std::uint32_t max_members = 262'144;

  // --- protocol ---------------------------------------------------------------------------------
  std::uint8_t protocol_version = 2;           ///< 1 to 5
  std::uint8_t delegate_protocol_min = 0;      ///< of the application's protocol, e.g. Serf: 2
  std::uint8_t delegate_protocol_max = 0;      ///< e.g. Serf: 5
  std::uint8_t delegate_protocol_version = 0;  ///< e.g. Serf: 4
  /// Compress packets that become smaller, and all streams (protocol 2).
  bool enable_compression = true;
  /// With keys: reject plaintext.
  bool gossip_verify_incoming = true;
  /// With keys: encrypt outgoing traffic.
  bool gossip_verify_outgoing = true;
  /// A proxy in front of this node checks and removes the label of incoming traffic.
  bool skip_inbound_label_check = false;
  /// Do not ping over TCP when there is no answer by UDP (protocol 5).
  bool disable_tcp_pings = false;
  /// Refuse to send to an address without its member's name (protocol 9).
  bool require_node_names = false;

  /// The defaults, with the timings of a profile.
  [[nodiscard]] static MEMBERLIST_API Config for_profile(Profile profile);
  /// For one data centre.
  [[nodiscard]] static Config lan() { return for_profile(Profile::lan); }
  /// For members with slow links between them.
  [[nodiscard]] static Config wan() { return for_profile(Profile::wan); }
  /// For members on one machine.
  [[nodiscard]] static Config local() { return for_profile(Profile::local); }

  /// Checks every field. The error names the knob, its value and its limits, and has the knob's
  /// name as its subject. Errors: `invalid_argument`; as later calls have them: `crypto` (the
  /// length of a key), `too_large` (meta data), `no_address` (an address to advertise that nobody
  /// reaches).
  [[nodiscard]] MEMBERLIST_API Result<void> validate() const;

  /// Sets one knob from text: times as `250ms`, `5s`, `2m`, `0`; booleans as `true` or `false`. For
  /// an unknown name, a text that does not parse or a value outside the limits it returns an error
  /// and changes nothing. Error: `invalid_argument`.
  [[nodiscard]] MEMBERLIST_API Result<void> set(std::string_view knob, std::string_view value);
};

/// Describes one knob of `Config::set`.
struct KnobInfo {
  std::string_view name{};     ///< of the field of Config, e.g. `probe_interval`
  std::string_view limits{};   ///< e.g. `1ms to 1h`, `1 to 255`, `true or false`
  std::string_view meaning{};  ///< one line
};

/// All knobs, in the order of the documentation.
[[nodiscard]] MEMBERLIST_API std::span<const KnobInfo> knobs() noexcept;

/// Parses `250ms`, `1.5s`, `2m`, `1h`, `0` (units h, m, s, ms, us, ns); the result is exact, or an
/// error. Error: `invalid_argument`.
[[nodiscard]] MEMBERLIST_API Result<Duration> parse_duration(std::string_view text);

/// The shortest exact text of a duration that `parse_duration` accepts, in a unit of which it has
/// at least one: `500ms`, `1.5s`, `90s`, `2m`.
[[nodiscard]] MEMBERLIST_API std::string format_duration(Duration duration);

}  // namespace memberlist
