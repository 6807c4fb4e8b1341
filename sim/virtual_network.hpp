#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/engine.hpp"
#include "sim/virtual_timeline.hpp"

namespace memberlist::sim {

/// Index of a host in its network.
using HostId = std::size_t;

/// How bytes fare on the way from one host to another; each direction has a rule of its own.
struct LinkRule {
  Duration latency = std::chrono::milliseconds(1);  ///< one way
  Duration jitter{};                                ///< up to this much more, drawn for each packet
  double loss = 0;           ///< of datagrams; a stream's segment is late by `kRetransmit` instead
  bool udp_cut = false;      ///< datagrams vanish
  bool udp_refused = false;  ///< sending fails at once, as for an unreachable network
  bool tcp_cut = false;      ///< segments and connection attempts vanish
  bool tcp_refused = false;  ///< connection attempts are refused
};

/// What the network tells a host. Never called from within a call of the host to the network.
class VirtualHost {
 public:
  VirtualHost() = default;
  VirtualHost(const VirtualHost&) = delete;
  VirtualHost& operator=(const VirtualHost&) = delete;
  virtual ~VirtualHost() = default;

  virtual void on_packet(const Address& from, Bytes bytes) = 0;
  virtual void on_send_error(const Address& to, const Error& error) = 0;
  virtual std::optional<StreamId> on_accept(const Address& from) = 0;
  virtual void on_stream(StreamId id, const StreamEvent& event) = 0;
};

/// A network in memory: datagrams, and connections as pairs of byte pipes, between hosts known by
/// address, in virtual time. Every fault is switched on by hand or drawn from the seed.
class VirtualNetwork {
 public:
  /// What a lost segment costs a stream.
  static constexpr Duration kRetransmit = std::chrono::milliseconds(200);
  /// Datagrams that wait for a host that is not reading, as in a socket's receive buffer.
  static constexpr std::size_t kReceiveBufferPackets = 1024;

  VirtualNetwork(VirtualTimeline& timeline, std::uint64_t seed)
      : timeline_(timeline), random_(seed) {}

  HostId attach(const Address& address, VirtualHost& host);
  /// The host is reached at another address from now on; its connections live on.
  void readdress(HostId host, const Address& address);

  // --- what a host does -------------------------------------------------------------------------
  void send(HostId from, const Address& to, BytesView bytes);
  void dial(HostId from, StreamId id, const Address& to);
  void write(HostId from, StreamId id, BytesView bytes);
  void close(HostId from, StreamId id);
  void abort(HostId from, StreamId id);

  // --- what happens to the network --------------------------------------------------------------
  void set_default_rule(const LinkRule& rule) { default_rule_ = rule; }
  /// The rule of one direction, made from the default on first use.
  LinkRule& rule(HostId from, HostId to);
  /// Changes both directions between two hosts.
  template <class Change>
  void both_ways(HostId a, HostId b, Change change) {
    change(rule(a, b));
    change(rule(b, a));
  }
  /// Only hosts of equal group reach each other; all start in group 0.
  void set_group(HostId host, int group) { hosts_.at(host).group = group; }
  void heal_partitions();
  /// Streams arrive in pieces of at most this size; 0: as they were written.
  void set_stream_piece_bytes(std::size_t bytes) noexcept { stream_piece_bytes_ = bytes; }

  /// The machine is off: what is sent to it vanishes, its connections fall silent.
  void power_off(HostId host);
  /// The process is gone, its machine is not: connections are reset, new ones refused.
  void kill(HostId host);
  /// A new process on the machine of the old one.
  void start(HostId host) { hosts_.at(host).state = State::up; }
  /// The process does not run; its machine accepts connections and keeps what comes.
  void pause(HostId host) { hosts_.at(host).state = State::paused; }
  /// Hands the process what has come meanwhile.
  void resume(HostId host);

  // --- what was seen ----------------------------------------------------------------------------
  [[nodiscard]] std::uint64_t packets_sent() const noexcept { return packets_sent_; }
  [[nodiscard]] std::uint64_t packets_lost() const noexcept { return packets_lost_; }
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
  /// Over time, sender, receiver and bytes of all that was ever sent.
  [[nodiscard]] std::uint64_t traffic_digest() const noexcept { return digest_; }
  /// What hosts did that no host may do, such as writing to a closed stream.
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }

 private:
  enum class State : std::uint8_t { up, paused, killed, off };
  struct Host {
    Address address;
    VirtualHost* process = nullptr;
    State state = State::up;
    int group = 0;
    std::size_t waiting_packets = 0;
    std::vector<VirtualTimeline::Action> waiting;
  };
  // Side 0 has dialled, side 1 was dialled.
  struct Connection {
    HostId host[2]{};
    std::optional<StreamId> id[2];
    bool wants_events[2] = {true, true};
    bool sent_end[2] = {false, false};
    bool connected = false;
    bool broken = false;              // a segment has vanished, so nothing behind it can arrive
    TimePoint arrived_until[2] = {};  // by sender, so that segments keep their order
  };
  using ConnectionId = std::uint64_t;
  struct End {
    ConnectionId connection = 0;
    int side = 0;
  };

  [[nodiscard]] std::optional<HostId> find(const Address& address) const;
  [[nodiscard]] bool apart(HostId a, HostId b) const;
  [[nodiscard]] const LinkRule& rule_of(HostId from, HostId to) const;
  [[nodiscard]] Duration draw_latency(const LinkRule& rule);
  void deliver(HostId to, bool is_packet, VirtualTimeline::Action action);
  void count(HostId from, HostId to, BytesView bytes);
  void arrive_dial(ConnectionId id);
  void tell(ConnectionId id, int side, StreamEvent event, Bytes bytes = {});
  void transmit(ConnectionId id, int sender, StreamEvent event, Bytes bytes = {});
  void drop_connections(HostId host, bool reset);
  Connection* find_connection(ConnectionId id);
  End* find_end(HostId host, StreamId id, const char* what);
  void forget_side(ConnectionId id, int side);

  VirtualTimeline& timeline_;
  Random random_;
  std::vector<Host> hosts_;
  std::map<Address, HostId> by_address_;
  LinkRule default_rule_;
  std::map<std::pair<HostId, HostId>, LinkRule> rules_;
  std::map<ConnectionId, Connection> connections_;
  std::map<std::pair<HostId, StreamId>, End> ends_;
  ConnectionId next_connection_ = 1;
  std::size_t stream_piece_bytes_ = 0;
  std::uint64_t packets_sent_ = 0;
  std::uint64_t packets_lost_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325;
  std::vector<std::string> violations_;
};

}  // namespace memberlist::sim
