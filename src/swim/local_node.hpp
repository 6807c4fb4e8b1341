#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "base/secrets.hpp"
#include "memberlist/behaviour.hpp"
#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/policy.hpp"
#include "memberlist/record_store.hpp"

namespace memberlist::swim {

/// Whether this node takes part in the cluster.
enum class Life : std::uint8_t {
  here,
  moving,  ///< between two addresses: it has left for the others, and comes back soon
  left,    ///< `Engine::leave` was called
};

/// This node itself: how it is configured, where it is, and whether it takes part.
struct LocalNode {
  Config config;
  Behaviour behaviour;
  Address advertise;
  Secrets secrets;
  Random random{secrets.choices};
  Policy* policy = nullptr;
  std::shared_ptr<RecordStore> records;  // may be null
  Life life = Life::here;
  // Where this node was before, the latest last.
  std::vector<Address> former_addresses;
  // The member that has this node's name at another address, according to the answer to a join of
  // this node, and when that came last. The next successful join clears it; so does the next join
  // through this node, once it is old.
  struct NameHolder {
    Address address;
    TimePoint told_at;
  };
  std::optional<NameHolder> name_holder;

  LocalNode(Config chosen, const EngineEnvironment& environment)
      : config(std::move(chosen)),
        behaviour(environment.behaviour),
        advertise(environment.advertise),
        secrets(environment.seed, environment.secret),
        policy(environment.policy),
        records(environment.records) {}

  /// What a member says of itself.
  [[nodiscard]] std::shared_ptr<const MemberRecord> record(
      std::string_view name, const Address& address, BytesView meta, const VersionRange& protocol,
      const VersionRange& delegate_protocol) const {
    if (records != nullptr) {
      return records->record(name, address, meta, protocol, delegate_protocol);
    }
    return std::make_shared<const MemberRecord>(
        MemberRecord{std::string(name), address, to_bytes(meta), protocol, delegate_protocol});
  }

  [[nodiscard]] bool allowed(const IpAddress& ip) const noexcept {
    if (!config.allowed_networks) return true;
    for (const Network& network : *config.allowed_networks) {
      if (network.contains(ip)) return true;
    }
    return false;
  }
  /// The port that a peer means when it says 0, or when we speak protocol 1 (protocol 4).
  [[nodiscard]] std::uint16_t port_or_default(std::uint16_t port) const noexcept {
    if (port != 0 && config.protocol_version > 1) return port;
    return config.bind.port != 0 ? config.bind.port : advertise.port;
  }
  /// An IP address from a message. The zone of a link-local one is never sent: it is that of this
  /// node, because other nodes are reachable at such an address only on the same link.
  [[nodiscard]] IpAddress on_this_link(IpAddress ip) const noexcept {
    if (ip.is_link_local() && !ip.is_v4()) ip.set_scope_id(advertise.ip.scope_id());
    return ip;
  }
  /// Where a member is, by what a message says of it.
  [[nodiscard]] Address member_address(const IpAddress& ip, std::uint16_t port) const noexcept {
    return {on_this_link(ip), port_or_default(port)};
  }
  /// What times of others are measured by: the probe interval, and where this node does not probe,
  /// that of the LAN profile.
  [[nodiscard]] Duration probe_interval() const noexcept {
    constexpr Duration kWithoutProbes = std::chrono::seconds(1);
    return config.probe_interval > Duration::zero() ? config.probe_interval : kWithoutProbes;
  }
  /// How many times as long the worst health score makes times of probes.
  [[nodiscard]] std::uint32_t health_multiplier() const noexcept {
    return behaviour.lha_probe ? config.awareness_max_multiplier : 1;
  }
};

}  // namespace memberlist::swim
