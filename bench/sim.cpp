// bench/sim.cpp
//
// How fast the simulator is, and what a node takes in it: a healthy, idle cluster at LAN timing.
//   memberlist_sim_bench [nodes] [virtual seconds] [formed|joined]
// `joined`: they start one after another, and join through the first. Prints JSON.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "memberlist/sim/world.hpp"

namespace {

using memberlist::Duration;
using memberlist::sim::CheckLevel;
using memberlist::sim::NodeId;
using memberlist::sim::World;
using Seconds = std::chrono::duration<double>;

struct Usage {
  double seconds = 0;  // of the processor
  double peak_mib = 0;
};

Usage usage() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return {seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<double>(used.ru_maxrss) / 1024};
}

void join_all(World& world, std::size_t nodes) {
  // Each join is news for all, of which a packet carries some thirty: so that gossip keeps up.
  constexpr std::size_t kMany = 1000;
  const Duration apart = std::chrono::milliseconds(nodes > kMany ? 100 : 10);
  for (NodeId node = 0; node < nodes; ++node) {
    world.add();
    if (node > 0 && !world.join(node, {0})) std::abort();
    world.run_for(apart);
  }
}

}  // namespace

// In which each node has sent its whole state once: it keeps what it has encoded (protocol 6).
Duration first_push_pulls(std::size_t nodes) {
  constexpr double kFew = 32;
  const double doublings = std::max(0.0, std::ceil(std::log2(static_cast<double>(nodes) / kFew)));
  return memberlist::Config::lan().push_pull_interval * (1 + static_cast<int>(doublings));
}

int main(int argc, char** argv) {
  const std::size_t nodes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const double span = argc > 2 ? std::strtod(argv[2], nullptr) : 300;
  const std::string_view way = argc > 3 ? argv[3] : "formed";
  const bool joined = way == "joined";
  if (nodes == 0 || !(span > 0) || (!joined && way != "formed")) {
    fmt::print(stderr, "usage: memberlist_sim_bench [nodes] [virtual seconds] [formed|joined]\n");
    return 2;
  }
  World world({.seed = 1, .checks = CheckLevel::none});
  if (joined) {
    join_all(world, nodes);
  } else {
    world.add_cluster(nodes);
  }
  const bool agreed = world.run_until([&] { return world.converged(); }, std::chrono::minutes(30),
                                      std::chrono::seconds(1));
  world.run_for(first_push_pulls(nodes));
  const Usage before = usage();
  const double made_at = Seconds(world.elapsed()).count();
  const double node_seconds = world.stats().node_seconds;
  world.run_for(std::chrono::duration_cast<Duration>(Seconds(span)));
  const Usage after = usage();
  const double taken = after.seconds - before.seconds;
  fmt::print(
      R"({{"nodes": {}, "agreed": {}, "made_in_processor_seconds": {:.2f}, "made_in_virtual_seconds": {:.1f}, )"
      R"("virtual_seconds": {}, "processor_seconds": {:.3f}, "times_real_time": {:.1f}, )"
      R"("node_seconds_a_core_second": {:.0f}, "events": {}, "packets": {}, "peak_mib": {:.0f}, )"
      R"("kib_a_node": {:.1f}, "trace": "{:016x}"}})"
      "\n",
      nodes, agreed, before.seconds, made_at, span, taken, span / taken,
      (world.stats().node_seconds - node_seconds) / taken, world.stats().events,
      world.stats().packets_sent, after.peak_mib,
      after.peak_mib * 1024 / static_cast<double>(nodes), world.trace_hash());
  return agreed ? 0 : 1;
}
