#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/virtual_cluster.hpp"
#include "sim/virtual_peer.hpp"
#include "sim/virtual_policy.hpp"

// What the engine's scenario tests share.
namespace memberlist::testing {

using namespace std::chrono_literals;
using namespace sim;  // NOLINT(google-build-using-namespace): the world that tests act in
using Kinds = std::vector<MemberEventKind>;
using Type = wire::MessageType;
using Tcp = ScriptedPeer::Tcp;

/// Somebody who sends what a test wants to be heard, and is not in the table.
inline const Address kPeer{IpAddress::v4(10, 9, 7, 7), 7946};
/// Where `m` is, the member that messages are about.
inline const Address kAddress{IpAddress::v4(10, 9, 3, 3), 3333};

inline void PrintTo(Duration duration, std::ostream* out) {
  *out << std::chrono::duration<double, std::milli>(duration).count() << " ms";
}

/// An EngineBench that fails the test if the engine broke its contract.
class Bench : public EngineBench {
 public:
  using EngineBench::EngineBench;
  ~Bench() {
    for (const std::string& violation : violations()) ADD_FAILURE() << violation;
  }
};

/// A Bench where no member is suspected unless a message says so: every ping is answered.
class AnsweringBench : public Bench {
 public:
  explicit AnsweringBench(Config config = quiet_config()) : Bench(std::move(config)) {
    let_strangers_answer();
  }
};

/// A VirtualCluster that fails the test if an engine broke its contract.
class Cluster : public VirtualCluster {
 public:
  using VirtualCluster::VirtualCluster;
  ~Cluster() {
    for (const std::string& violation : violations()) ADD_FAILURE() << violation;
  }
};

/// Protocol 6, 'Suspicion timer': the least and greatest time, and that after `confirmations`.
struct SuspicionFormula {
  std::uint32_t mult = 4;
  std::uint32_t max_mult = 6;
  Duration probe_interval = 1s;
  std::size_t members = 1;

  [[nodiscard]] std::uint32_t k() const {
    const std::uint32_t wanted = mult - 2;
    return members < wanted + 2 ? 0 : wanted;
  }
  [[nodiscard]] Duration min() const {
    const double factor = std::max(1.0, std::log10(std::max(1.0, static_cast<double>(members))));
    const auto thousandths = static_cast<std::int64_t>(factor * 1000);
    return mult * thousandths * probe_interval / 1000;
  }
  [[nodiscard]] Duration max() const { return max_mult * min(); }
  [[nodiscard]] Duration after(std::uint32_t confirmations) const {
    if (k() == 0) return min();
    const double share = std::log(confirmations + 1.0) / std::log(k() + 1.0);
    const double low = std::chrono::duration<double>(min()).count();
    const double high = std::chrono::duration<double>(max()).count();
    const auto ms = static_cast<std::int64_t>(std::floor(1000 * (high - share * (high - low))));
    return std::max<Duration>(min(), std::chrono::milliseconds(ms));
  }
};

/// Runs until the engine pings `peer` once more; false if it does not within `limit`.
inline bool wait_for_ping(EngineBench& bench, const ScriptedPeer& peer, Duration limit = 60s) {
  const std::size_t before = peer.pings_seen;
  return bench.run_until([&] { return peer.pings_seen > before; }, limit);
}

/// An engine that does not probe: it sends nothing but what a test is about.
inline Config no_probes() {
  Config config = EngineBench::quiet_config();
  config.probe_interval = Duration::zero();
  return config;
}

/// An engine that sends nothing by itself.
inline Config silent() {
  Config config = no_probes();
  config.gossip_interval = Duration::zero();
  return config;
}

inline Config with_keys(std::vector<Bytes> keys) {
  Config config = no_probes();
  config.keys = std::move(keys);
  return config;
}

inline Result<OperationId> join_through(EngineBench& bench, const std::vector<Address>& addresses) {
  std::vector<JoinTarget> targets;
  for (const Address& address : addresses) targets.push_back({"", address});
  return bench.act([&](Engine& engine, TimePoint now) { return engine.join(now, targets); });
}

inline Bytes alive_m(std::uint32_t incarnation, const Address& address = kAddress) {
  return alive_message({.name = "m", .address = address, .incarnation = incarnation});
}

inline bool wait_for(EngineBench& bench, std::string_view member, MemberEventKind kind,
                     Duration limit = 60s) {
  return bench.run_until([&] { return bench.change(member, kind).has_value(); }, limit);
}

}  // namespace memberlist::testing
