#pragma once

#include <cstdint>
#include <memory>

#include "memberlist/address.hpp"
#include "memberlist/export.hpp"
#include "memberlist/transport.hpp"

namespace memberlist {

/// An in-memory network for application tests: members created with its transport see only each
/// other; no socket is opened, no port is used, and links can be cut.
///
/// Members may be on any threads of one process. A member with an unspecified `Config::bind`
/// address gets one from the network: 10.0.0.1, 10.0.0.2 and so on (fd00::1 and so on for `::`), at
/// the requested port, so that all can use the default one.
///
/// A handle: copies refer to the same network, which lives as long as a handle or a member of it.
/// Moving one copies it.
/// Thread-safe; calls affect what is sent from then on.
class MEMBERLIST_API MemoryNetwork {
 public:
  /// `seed` determines which packets are lost, if `lose_packets` is used.
  explicit MemoryNetwork(std::uint64_t seed = 0);
  MemoryNetwork(const MemoryNetwork&) = default;             ///< the same network
  MemoryNetwork& operator=(const MemoryNetwork&) = default;  ///< the same network
  ~MemoryNetwork() = default;                                ///< its members stay connected

  /// For `Hosting::transport`, for any number of members. `Memberlist::create` then fails with
  /// `address_in_use` if the address is taken.
  [[nodiscard]] TransportFactory transport() const;

  /// Cuts the link between two members in both directions: datagrams are lost, streams break, dials
  /// fail.
  void cut(const Address& one, const Address& other);
  /// Restores a link that was cut.
  void mend(const Address& one, const Address& other);
  /// Cuts all links of one member, including those to future members.
  void isolate(const Address& member);
  /// Reverts `isolate`; links that were cut individually stay cut.
  void reconnect(const Address& member);
  /// Drops this fraction of all datagrams, 0 to 1 (values outside are clamped); streams lose
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
