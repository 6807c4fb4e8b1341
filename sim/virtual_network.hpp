#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/sim/link.hpp"
#include "sim/links.hpp"
#include "sim/mixer.hpp"
#include "sim/virtual_timeline.hpp"

namespace memberlist::sim {

/// What the network tells a host. Never called from within a call of the host to the network.
class VirtualHost {
 public:
  VirtualHost() = default;
  VirtualHost(const VirtualHost&) = delete;
  VirtualHost& operator=(const VirtualHost&) = delete;
  virtual ~VirtualHost() = default;

  /// What `on_packet` will read.
  [[nodiscard]] virtual BytesView memory() const { return {}; }
  /// Handles what is due by its clock; false if nothing is.
  virtual bool handle_due() { return false; }
  virtual void on_packet(const Address& from, BytesView bytes) = 0;
  virtual void on_send_error(const Address& to, const Error& error) = 0;
  virtual std::optional<StreamId> on_accept(const Address& from) = 0;
  virtual void on_stream(StreamId id, const StreamEvent& event) = 0;
};

/// A network in memory: datagrams, and connections as pairs of byte pipes, between hosts known by
/// address, in virtual time. Every fault is switched on by hand or drawn from the seed.
class VirtualNetwork {
 public:
  VirtualNetwork(VirtualTimeline& timeline, std::uint64_t seed)
      : timeline_(timeline), links_(seed) {}

  HostId attach(const Address& address, VirtualHost& host);
  /// The host is reached at another address from now on; its connections live on.
  void readdress(HostId host, const Address& address);
  void swap_addresses(HostId a, HostId b);

  // --- what a host does -------------------------------------------------------------------------
  void send(HostId from, const Address& to, BytesView bytes);
  void dial(HostId from, StreamId id, const Address& to);
  void write(HostId from, StreamId id, BytesView bytes);
  void close(HostId from, StreamId id);
  void abort(HostId from, StreamId id);

  // --- what happens to the network --------------------------------------------------------------
  [[nodiscard]] Links& links() noexcept { return links_; }
  /// The link of one direction, made from the default on first use.
  Link& rule(HostId from, HostId to) { return links_.link(from, to); }
  /// Changes both directions between two hosts.
  template <class Change>
  void both_ways(HostId a, HostId b, Change change) {
    change(rule(a, b));
    change(rule(b, a));
  }
  /// Only hosts of equal group reach each other; all start in group 0.
  void set_group(HostId host, int group) { links_.set_group(host, group); }
  void heal_partitions() { links_.join_groups(); }
  /// Streams arrive in pieces of at most this size; 0: as they were written.
  void set_stream_piece_bytes(std::size_t bytes) noexcept { stream_piece_bytes_ = bytes; }
  /// Datagrams that wait for a host that is not reading, as in a socket's receive buffer.
  void set_receive_buffer(std::size_t packets) noexcept { receive_buffer_packets_ = packets; }

  /// The machine is off: what is sent to it vanishes, its connections fall silent.
  void power_off(HostId host);
  /// The process is gone, its machine is not: connections are reset, new ones refused.
  void kill(HostId host);
  /// A new process on the machine of the old one.
  void start(HostId host);
  /// The process reads nothing; its machine accepts connections and keeps what comes.
  void hold(HostId host) { hosts_.at(host).state = State::held; }
  /// Hands the process what has come meanwhile.
  void release(HostId host);
  /// Each input keeps the process busy for this time; zero: none does.
  void set_service_time(HostId host, Duration time) { hosts_.at(host).service_time = time; }
  /// When the process is done with what it does.
  [[nodiscard]] TimePoint free_at(HostId host) const { return hosts_[host].free_at; }
  /// The process has begun something else than what came from the network.
  void spend(HostId host);

  // --- what was seen ----------------------------------------------------------------------------
  [[nodiscard]] std::uint64_t packets_sent() const noexcept { return packets_sent_; }
  [[nodiscard]] std::uint64_t packets_lost() const noexcept { return packets_lost_; }
  [[nodiscard]] std::uint64_t packets_overflowed() const noexcept { return packets_overflowed_; }
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
  /// Over time, sender, receiver and bytes of all that was ever sent.
  [[nodiscard]] std::uint64_t traffic_digest() const noexcept { return digest_.state(); }
  /// What hosts did that no host may do, such as writing to a closed stream.
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }

 private:
  enum class State : std::uint8_t { up, held, killed, off };
  struct Waiting {
    bool is_packet = false;
    VirtualTimeline::Action action;
  };
  struct Host {
    Address address;
    VirtualHost* process = nullptr;
    State state = State::up;
    std::size_t waiting_packets = 0;
    std::deque<Waiting> waiting{};  // for a process that is held or busy
    Duration service_time{};
    TimePoint free_at{};
    bool serving = false;      // the next one that waits is planned
    bool handled_due = false;  // its last turn was for its deadlines
  };
  /// A datagram on its way.
  struct Flight {
    HostId from = 0;
    HostId to = 0;
    Bytes bytes;
  };
  using FlightId = std::uint32_t;
  // Side 0 has dialled, side 1 was dialled.
  struct Connection {
    HostId host[2]{};
    std::optional<StreamId> id[2];
    bool wants_events[2] = {true, true};
    bool connected = false;
    bool broken = false;              // a segment has vanished, so nothing behind it can arrive
    bool ended_early[2] = {};         // by sender: a half close on the way
    TimePoint arrived_until[2] = {};  // by sender, so that segments keep their order
  };
  using ConnectionId = std::uint64_t;
  struct End {
    ConnectionId connection = 0;
    int side = 0;
  };
  struct AddressHash {
    [[nodiscard]] std::size_t operator()(const Address& address) const noexcept;
  };

  [[nodiscard]] std::optional<HostId> find(const Address& address) const;
  [[nodiscard]] bool runs_now(const Host& host) const noexcept;
  void deliver(HostId to, bool is_packet, VirtualTimeline::Action action);
  void serve(HostId host);
  void serve_later(HostId host);
  FlightId take_off(HostId from, HostId to, BytesView bytes);
  void arrive(FlightId id);
  void land(FlightId id);
  void count(HostId from, HostId to, BytesView bytes);
  void arrive_dial(ConnectionId id);
  void tell(ConnectionId id, int side, StreamEvent event, Bytes bytes = {});
  void transmit(ConnectionId id, int sender, StreamEvent event, Bytes bytes = {});
  void plan_segment(ConnectionId id, int side, TimePoint when, StreamEvent event, Bytes bytes);
  void reset_on_the_way(ConnectionId id);
  void drop_connections(HostId host, bool reset);
  Connection* find_connection(ConnectionId id);
  End* find_end(HostId host, StreamId id, const char* what);
  void forget_side(ConnectionId id, int side);

  VirtualTimeline& timeline_;
  Links links_;
  std::deque<Host> hosts_;  // references stay valid while hosts are attached
  std::unordered_map<Address, HostId, AddressHash> by_address_;
  std::vector<Flight> flights_;
  std::vector<FlightId> landed_;  // places of flights that are free
  std::map<ConnectionId, Connection> connections_;
  std::map<std::pair<HostId, StreamId>, End> ends_;
  ConnectionId next_connection_ = 1;
  std::size_t stream_piece_bytes_ = 0;
  std::size_t receive_buffer_packets_ = 1024;
  std::uint64_t packets_sent_ = 0;
  std::uint64_t packets_lost_ = 0;
  std::uint64_t packets_overflowed_ = 0;
  std::uint64_t bytes_sent_ = 0;
  Mixer digest_{0xcbf29ce484222325};
  std::vector<std::string> violations_;
};

}  // namespace memberlist::sim
