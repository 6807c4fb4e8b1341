// bench/join_spread.cpp
//
// How long it takes until everybody has heard of everybody, where several members start at once and
// join through one. In virtual time, one run for each seed: usage is
//   memberlist_join_spread [members] [runs] [milliseconds between the first and the last start]
// docs/differences.md has the figures.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "base/random.hpp"
#include "sim/virtual_cluster.hpp"

namespace {

using memberlist::Duration;
using memberlist::Random;
using memberlist::sim::HostId;
using memberlist::sim::VirtualCluster;
using Milliseconds = std::chrono::milliseconds;

constexpr Duration kPatience = std::chrono::seconds(120);

struct Arguments {
  std::size_t members = 8;
  std::size_t runs = 1000;
  Milliseconds starts{200};
};

struct Run {
  Duration took{};  // from the last start until all see all
  double packets = 0;
  double bytes = 0;
};

Run run(const Arguments& arguments, std::uint64_t seed) {
  using memberlist::sim::ClusterOptions;
  VirtualCluster cluster(ClusterOptions{.size = arguments.members, .seed = seed});
  Random random(seed);
  std::vector<Duration> starts;
  for (HostId node = 1; node < arguments.members; ++node) {
    starts.push_back(random.below(arguments.starts + Milliseconds(1)));
  }
  std::ranges::sort(starts);
  Duration now{};
  for (HostId node = 1; node < arguments.members; ++node) {
    cluster.run_for(starts[node - 1] - std::exchange(now, starts[node - 1]));
    if (!cluster.join(node, {0})) std::abort();
  }
  const memberlist::TimePoint last_start = cluster.now();
  const auto all_see_all = [&] {
    for (HostId node = 0; node < arguments.members; ++node) {
      if (cluster.engine(node).live_count() != arguments.members) return false;
    }
    return true;
  };
  if (!cluster.run_until(all_see_all, kPatience)) return {kPatience, 0, 0};
  const Duration took = cluster.now() - last_start;
  constexpr Duration kCounted = std::chrono::seconds(10);
  cluster.run_for(std::max(Duration::zero(), last_start + kCounted - cluster.now()));
  return {took, static_cast<double>(cluster.network().packets_sent()),
          static_cast<double>(cluster.network().bytes_sent())};
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

void report(const Arguments& arguments, std::vector<Run> runs) {
  std::ranges::sort(runs, {}, &Run::took);
  fmt::print("{} members within {} ms, {} runs\n", arguments.members, arguments.starts.count(),
             runs.size());
  for (const double quantile : {0.5, 0.9, 0.99, 1.0}) {
    const auto at = static_cast<std::size_t>(quantile * static_cast<double>(runs.size() - 1));
    fmt::print("  {:3.0f} % see all within {:6.2f} s\n", 100 * quantile, seconds(runs[at].took));
  }
  for (const int late : {2, 3, 5, 9, 20}) {
    const auto count = std::ranges::count_if(
        runs, [late](const Run& one) { return one.took > std::chrono::seconds(late); });
    fmt::print("  later than {:2} s: {} of {} ({:.2f} %)\n", late, count, runs.size(),
               100.0 * static_cast<double>(count) / static_cast<double>(runs.size()));
  }
  double packets = 0;
  double bytes = 0;
  for (const Run& one : runs) {
    packets += one.packets;
    bytes += one.bytes;
  }
  const auto count = static_cast<double>(runs.size());
  fmt::print("  packets {:.0f}, bytes {:.0f} a run of 10 s or more\n", packets / count,
             bytes / count);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (argc > 1) arguments.members = std::strtoul(argv[1], nullptr, 10);
  if (argc > 2) arguments.runs = std::strtoul(argv[2], nullptr, 10);
  if (argc > 3) arguments.starts = Milliseconds(std::strtol(argv[3], nullptr, 10));
  if (arguments.members < 2 || arguments.runs == 0) {
    fmt::print(stderr, "usage: memberlist_join_spread [members] [runs] [milliseconds]\n");
    return 2;
  }
  std::vector<Run> runs;
  for (std::size_t seed = 1; seed <= arguments.runs; ++seed) runs.push_back(run(arguments, seed));
  report(arguments, std::move(runs));
}
