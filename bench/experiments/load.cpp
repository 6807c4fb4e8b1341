// What a quiet cluster sends, for each member and period (SWIM, section 5.1).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "experiments.hpp"
#include "memberlist/config.hpp"
#include "memberlist/counters.hpp"
#include "memberlist/sim/world.hpp"

namespace memberlist::bench {
namespace {

using sim::NodeId;
using sim::World;

constexpr Duration kQuiet = std::chrono::seconds(5);
constexpr Duration kCounted = std::chrono::seconds(60);

struct Traffic {
  double packets_sent = 0;
  double packets_received = 0;
  double packet_bytes = 0;
  double stream_bytes = 0;
};

Traffic traffic_of(const World& world) {
  Traffic sum;
  for (NodeId node = 0; node < world.size(); ++node) {
    const EngineCounters counters = world.engine(node).counters();
    sum.packets_sent += static_cast<double>(counters.packets_sent);
    sum.packets_received += static_cast<double>(counters.packets_received);
    sum.packet_bytes += static_cast<double>(counters.packet_bytes_sent);
    sum.stream_bytes += static_cast<double>(counters.stream_bytes_sent);
  }
  return sum;
}

}  // namespace

void load(const Effort& effort) {
  const auto sizes =
      by_effort<std::vector<std::size_t>>(effort, {8, 16, 32, 64, 128, 256, 512, 1000}, {8, 32});
  const auto play = [&](std::size_t nodes) {
    World world({.seed = effort.seed, .link = data_centre(), .checks = sim::CheckLevel::none});
    world.add_cluster(nodes);
    world.run_for(kQuiet);
    const Traffic before = traffic_of(world);
    world.run_for(kCounted);
    const Traffic after = traffic_of(world);
    const double periods = seconds(kCounted) / seconds(Config::lan().probe_interval);
    const double shares = periods * static_cast<double>(nodes);
    return Traffic{(after.packets_sent - before.packets_sent) / shares,
                   (after.packets_received - before.packets_received) / shares,
                   (after.packet_bytes - before.packet_bytes) / shares,
                   (after.stream_bytes - before.stream_bytes) / shares};
  };
  const auto outcomes = play_all<Traffic>("load", sizes, effort, play);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Line("load")
        .add("nodes", std::uint64_t{sizes[i]})
        .add("sent", outcomes[i].packets_sent)
        .add("received", outcomes[i].packets_received)
        .add("packet_bytes", outcomes[i].packet_bytes)
        .add("stream_bytes", outcomes[i].stream_bytes)
        .print();
  }
}

}  // namespace memberlist::bench
