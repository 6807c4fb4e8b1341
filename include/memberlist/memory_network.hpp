#pragma once

#include <cstdint>
#include <memory>

#include "memberlist/address.hpp"
#include "memberlist/export.hpp"
#include "memberlist/transport.hpp"

namespace memberlist {

/// A network in memory, for the tests of applications: members that are made with its transport see
/// each other, and nobody else; no socket is opened, no port is taken, and links can be cut.
///
/// Members may be on any threads of one process. A member whose `Config::bind` names no address
/// gets one of the network's own: 10.0.0.1, 10.0.0.2 and so on (fd00::1 and so on for `::`), at the
/// port that it asks for, so that all can have the default one.
///
/// A handle: copies mean the same network, which lives for as long as a handle or a member of it.
/// All calls from all threads; they affect what is sent from now on.
class MEMBERLIST_API MemoryNetwork {
 public:
  /// `seed` decides which packets are lost, if some are to be.
  explicit MemoryNetwork(std::uint64_t seed = 0);

  /// For `Hosting::transport`, for any number of members. Error of a member's creation:
  /// `address_in_use`.
  [[nodiscard]] TransportFactory transport() const;

  /// Cuts the link between two members, both ways: datagrams vanish, streams break, dials fail.
  void cut(const Address& one, const Address& other);
  /// Mends a link that was cut.
  void mend(const Address& one, const Address& other);
  /// Cuts all links of one member, also to members to come.
  void isolate(const Address& member);
  /// Takes back `isolate`; links that were cut one by one stay so.
  void reconnect(const Address& member);
  /// Loses this share of all datagrams, 0 to 1 (others count as the nearest of these); streams lose
  /// nothing.
  void lose_packets(double share);

 private:
  class State;
  class Endpoint;
  class EndpointTransport;
  using EndpointPointer = std::shared_ptr<Endpoint>;
  std::shared_ptr<State> state_;
};

}  // namespace memberlist
