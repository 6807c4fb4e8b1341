// SWIM, section 3: how soon some member probes one that has failed, and accuses it.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "experiments.hpp"
#include "memberlist/config.hpp"
#include "memberlist/event.hpp"
#include "memberlist/sim/world.hpp"

namespace memberlist::bench {
namespace {

using sim::NodeId;
using sim::World;

constexpr Duration kPatience = std::chrono::seconds(60);
/// At most one of so many crashes at once, which hardly changes anything for the others.
constexpr std::size_t kOneOf = 100;

struct Case {
  std::size_t nodes = 0;
  std::uint64_t seed = 0;
};

/// In periods since the crash: when the first probe that fails began, and when it ended.
struct Detected {
  double probed = 0;
  double accused = 0;
};

/// Crashes some at the same moment, and waits until each is accused.
std::vector<Detected> play(const Case& run) {
  const Duration period = Config::lan().probe_interval;
  const std::size_t crashes = std::max<std::size_t>(1, run.nodes / kOneOf);
  World world({.seed = run.seed, .link = data_centre(), .checks = sim::CheckLevel::none});
  // At another place of the lists that the members go through, in each run. Of a long list, nobody
  // is near to its end.
  const std::size_t passed = run.nodes < kOneOf ? run.seed % run.nodes : 0;
  const Duration crash_at = std::chrono::seconds(5) + static_cast<Duration::rep>(passed) * period;
  std::vector<Duration> accused(crashes, Duration::zero());
  std::size_t left = crashes;
  world.on_event([&](NodeId, const Event& event) {
    const auto* change = std::get_if<MemberEvent>(&event);
    if (change == nullptr || change->kind != MemberEventKind::suspect) return;
    if (change->cause.kind != Cause::Kind::probe_failed) return;
    const auto subject = world.find(change->member.name());
    if (!subject || *subject >= crashes || accused[*subject] != Duration::zero()) return;
    accused[*subject] = world.elapsed();
    --left;
  });
  world.add_cluster(run.nodes);
  world.run_for(crash_at);
  for (NodeId node = 0; node < crashes; ++node) world.crash(node);
  static_cast<void>(world.run_until([&] { return left == 0; }, kPatience));
  std::vector<Detected> detected;
  for (const Duration at : accused) {
    if (at == Duration::zero()) continue;
    const double ended = seconds(at - crash_at) / seconds(period);
    // A probe takes one period; one whose ack was on its way as the member crashed began before.
    detected.push_back({std::max(0.0, ended - 1), ended});
  }
  return detected;
}

/// The paper counts whole periods: the one in which the first probe begins is the last.
std::vector<double> whole_periods(const std::vector<Detected>& detected) {
  std::vector<double> periods;
  periods.reserve(detected.size());
  for (const Detected& one : detected) periods.push_back(std::max(1.0, std::ceil(one.probed)));
  return periods;
}

}  // namespace

void first_detection(const Effort& effort) {
  constexpr std::size_t kCrashes = 1000;
  const auto sizes =
      by_effort<std::vector<std::size_t>>(effort, {8, 16, 32, 64, 128, 256, 512, 1000}, {8, 32});
  for (const std::size_t nodes : sizes) {
    const std::size_t crashes = by_effort<std::size_t>(effort, kCrashes, 50);
    const std::size_t runs = crashes / std::max<std::size_t>(1, nodes / kOneOf);
    std::vector<Case> cases;
    for (std::size_t i = 0; i < runs; ++i) cases.push_back({nodes, seed_of(effort, i)});
    std::vector<Detected> detected;
    for (const auto& one :
         play_all<std::vector<Detected>>("first-detection", cases, effort, play)) {
      detected.insert(detected.end(), one.begin(), one.end());
    }
    const Mean periods = mean_of(whole_periods(detected));
    std::vector<double> probed;
    std::vector<double> accused;
    for (const Detected& one : detected) {
      probed.push_back(one.probed);
      accused.push_back(one.accused);
    }
    Line("first-detection")
        .add("nodes", std::uint64_t{nodes})
        .add("crashes", std::uint64_t{detected.size()})
        .add("periods", periods.mean)
        .add("periods_error", periods.error)
        .add("probed", mean_of(probed).mean)
        .add("accused", mean_of(accused).mean)
        .add("probed_99", quantile(probed, 0.99))
        .print();
  }
}

}  // namespace memberlist::bench
