// The test of an application in virtual time: how many keys have no living owner, and for how long,
// when a rack of a large cluster loses power? The ring (ring.hpp) is the application's own; the
// members are the library's engines in a simulated network. A minute of 200 members takes a second
// or two, and is the same in each run. It ends with 0 if all is well.

#include <chrono>
#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "memberlist/sim/world.hpp"
#include "ring.hpp"

namespace sim = memberlist::sim;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kServers = 200;
constexpr std::size_t kRack = 20;  // the first ones
constexpr int kKeys = 100;

std::string key(int number) { return "key-" + std::to_string(number); }

// The ring that the application on a server goes by.
examples::Ring ring_of(const sim::World& world, sim::NodeId server) {
  return examples::Ring(world.engine(server).members());
}

// How many keys have an owner that does not run, as a server sees it.
int lost_keys(const sim::World& world, sim::NodeId server) {
  const examples::Ring ring = ring_of(world, server);
  int lost = 0;
  for (int i = 0; i < kKeys; ++i) {
    const auto owner = world.find(ring.owner(key(i)));
    lost += owner && world.running(*owner) ? 0 : 1;
  }
  return lost;
}

bool nobody_loses_keys(const sim::World& world) {
  for (sim::NodeId server = 0; server < world.size(); ++server) {
    if (world.running(server) && lost_keys(world, server) > 0) return false;
  }
  return true;
}

bool failed = false;

void expect(const std::string& what, bool holds) {
  std::cout << (holds ? "ok: " : "FAILED: ") + what + '\n';
  failed = failed || !holds;
}

}  // namespace

int main() {
  sim::WorldOptions options;
  options.seed = 7;
  options.link.latencies = sim::LatencyTable::log_normal(500us, 0.5);
  options.link.loss = 0.01;
  sim::World world(options);
  world.add_cluster(kServers);  // they know one another already
  world.run_for(10s);
  expect("all keys have an owner", nobody_loses_keys(world));

  // Another server stands still for three seconds, again and again, while the rack is off.
  for (int i = 0; i < 10; ++i) {
    world.after(i * 6s, [&] { world.pause(100); });
    world.after(i * 6s + 3s, [&] { world.resume(100); });
  }
  for (sim::NodeId server = 0; server < kRack; ++server) world.crash(server);
  const memberlist::Duration off = world.elapsed();
  expect("keys are lost at first", lost_keys(world, 150) > 0);
  expect("all keys have an owner again within 30 s",
         world.run_until([&] { return nobody_loses_keys(world); }, 30s));
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(world.elapsed() - off);
  std::cout << "keys were without an owner for " << taken.count() << " ms\n";
  expect("the server that stands still is not taken for dead",
         world.status(150, 100) != memberlist::MemberStatus::dead);

  for (sim::NodeId server = 0; server < kRack; ++server) {
    world.restart(server);
    expect("joins", world.join(server, {150}).has_value());
  }
  expect("all have the same ring again", world.run_until([&] { return world.converged(); }, 60s) &&
                                             ring_of(world, 0) == ring_of(world, 199));

  // Everything that the protocol promises was verified on the way.
  const sim::CheckReport report = world.check_report();
  for (const sim::Finding& finding : report.findings) {
    std::cout << "FAILED: " << finding.check << " at " << finding.node << ": " << finding.text
              << '\n';
  }
  expect("the protocol's rules were kept", report.passed());
  return failed ? 1 : 0;
}
