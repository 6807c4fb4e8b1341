// What Rapid's paper (Suresh et al., USENIX ATC 2018) did with memberlist: a bootstrap, ten of a
// thousand that crash, and ten whose links are bad.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "experiments.hpp"
#include "memberlist/counters.hpp"
#include "memberlist/sim/world.hpp"

namespace memberlist::bench {
namespace {

using sim::CheckLevel;
using sim::Link;
using sim::NodeId;
using sim::World;
using std::chrono::milliseconds;

constexpr Duration kSecond = std::chrono::seconds(1);
constexpr std::size_t kFaulty = 10;

/// The sizes that the members see, each second.
class Sizes {
 public:
  void sample(const World& world) {
    std::size_t least = std::numeric_limits<std::size_t>::max();
    std::size_t most = 0;
    for (NodeId node = first_; node < world.size(); ++node) {
      if (!world.running(node)) continue;
      const std::size_t size = world.engine(node).live_count();
      least = std::min(least, size);
      most = std::max(most, size);
      seen_.insert(size);
    }
    least_.push_back(static_cast<double>(least));
    most_.push_back(static_cast<double>(most));
  }
  /// Those before have no part in it.
  void leave_out(NodeId first) { first_ = first; }

  [[nodiscard]] const std::vector<double>& least() const { return least_; }
  [[nodiscard]] const std::vector<double>& most() const { return most_; }
  [[nodiscard]] std::size_t different() const { return seen_.size(); }

 private:
  NodeId first_ = 0;
  std::vector<double> least_;
  std::vector<double> most_;
  std::set<std::size_t> seen_;
};

/// What each member sent and received in each second, in KiB.
class Rates {
 public:
  /// Of datagrams alone, or of streams as well.
  enum class Of : std::uint8_t { all, datagrams };
  explicit Rates(Of what) : what_(what) {}

  void sample(const World& world) {
    before_.resize(world.size());
    for (NodeId node = 0; node < world.size(); ++node) {
      if (!world.running(node)) continue;
      const Total bytes = total(world.engine(node).counters());
      if (begun_) {
        sent_.push_back(static_cast<double>(bytes.sent - before_[node].sent) / 1024);
        received_.push_back(static_cast<double>(bytes.received - before_[node].received) / 1024);
      }
      before_[node] = bytes;
    }
    begun_ = true;
  }
  void add_to(Line& line) const {
    const std::string prefix = what_ == Of::datagrams ? "datagrams_" : "";
    const auto add = [&](const std::string& way, const std::vector<double>& rates) {
      line.add(prefix + way + "_mean", mean_of(rates).mean)
          .add(prefix + way + "_99", quantile(rates, 0.99))
          .add(prefix + way + "_most", quantile(rates, 1));
    };
    add("sent", sent_);
    add("received", received_);
  }

 private:
  struct Total {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };
  [[nodiscard]] Total total(const EngineCounters& counters) const {
    if (what_ == Of::datagrams) return {counters.packet_bytes_sent, counters.packet_bytes_received};
    return {counters.packet_bytes_sent + counters.stream_bytes_sent,
            counters.packet_bytes_received + counters.stream_bytes_received};
  }

  Of what_;
  std::vector<Total> before_;
  std::vector<double> sent_;
  std::vector<double> received_;
  bool begun_ = false;
};

bool all_see(const World& world, std::size_t size) {
  for (NodeId node = 0; node < world.size(); ++node) {
    if (world.running(node) && world.engine(node).live_count() != size) return false;
  }
  return true;
}

// --- bootstrap ---------------------------------------------------------------------------------

constexpr Duration kStarts = std::chrono::seconds(2);

struct Bootstrapped {
  double seconds = 0;
  std::size_t different = 0;
};

/// All start within two seconds, and join through the first, which began before.
Bootstrapped play_bootstrap(std::size_t nodes, std::uint64_t seed) {
  World world({.seed = seed, .link = data_centre(), .checks = CheckLevel::none});
  Random random(seed);
  world.add();
  for (std::size_t i = 1; i < nodes; ++i) {
    world.after(random.below(kStarts), [&world] {
      const NodeId node = world.add();
      static_cast<void>(world.join(node, {0}));
    });
  }
  Sizes sizes;
  constexpr int kLooks = 10;
  int looks = 0;
  const auto agreed = [&] {
    if (looks++ % kLooks == 0) sizes.sample(world);
    return world.size() == nodes && all_see(world, nodes);
  };
  static_cast<void>(world.run_until(agreed, std::chrono::minutes(5), kSecond / kLooks));
  sizes.sample(world);
  return {seconds(world.elapsed()), sizes.different()};
}

// --- ten of a thousand -------------------------------------------------------------------------

struct Crashed {
  double first = 0;  ///< until the first of those that are left sees fewer
  double all = 0;    ///< until all see the truth
  std::size_t different = 0;
  Rates rates{Rates::Of::all};
  Rates datagrams{Rates::Of::datagrams};
};

Crashed play_crash(std::size_t nodes, std::uint64_t seed) {
  World world({.seed = seed, .link = data_centre(), .checks = CheckLevel::none});
  world.add_cluster(nodes);
  Crashed crashed;
  Sizes sizes;
  Duration crash_at{};
  constexpr int kLooks = 10;
  constexpr int kBefore = 10;
  constexpr int kSeconds = 60;
  for (int second = 0; second < kSeconds; ++second) {
    if (second == kBefore) {
      crash_at = world.elapsed();
      for (NodeId node = 0; node < kFaulty; ++node) world.crash(node);
    }
    for (int look = 0; look < kLooks; ++look) {
      world.run_for(kSecond / kLooks);
      if (second < kBefore || crashed.all > 0) continue;
      sizes.sample(world);
      const double passed = seconds(world.elapsed() - crash_at);
      if (crashed.first == 0 && sizes.different() > 1) crashed.first = passed;
      if (all_see(world, nodes - kFaulty)) crashed.all = passed;
    }
    crashed.rates.sample(world);
    crashed.datagrams.sample(world);
  }
  crashed.different = sizes.different();
  return crashed;
}

enum class Trouble : std::uint8_t { flip_flop, incoming_loss, outgoing_loss };

struct Lossy {
  std::string_view name;
  Trouble trouble;
};
constexpr std::array kLossy{Lossy{"flip-flop", Trouble::flip_flop},
                            Lossy{"incoming", Trouble::incoming_loss},
                            Lossy{"outgoing", Trouble::outgoing_loss}};
constexpr double kLoss = 0.8;
constexpr int kFlips = 20;  // seconds
constexpr int kBefore = 10;

void set_links(World& world, Trouble trouble, bool bad) {
  Link worse = Link::perfect();
  if (bad && trouble == Trouble::flip_flop) worse.udp_cut = worse.tcp_cut = true;
  if (bad && trouble != Trouble::flip_flop) worse.loss = kLoss;
  const bool outgoing = trouble == Trouble::outgoing_loss;
  for (NodeId node = 0; node < kFaulty; ++node) {
    world.impair(node, outgoing ? worse : Link::perfect(), outgoing ? Link::perfect() : worse);
  }
}

/// What those see whose links are good, each second.
Sizes play_bad_links(const Lossy& lossy, std::size_t nodes, int lasts, std::uint64_t seed) {
  World world({.seed = seed, .link = data_centre(), .checks = CheckLevel::none});
  world.add_cluster(nodes);
  Sizes sizes;
  sizes.leave_out(kFaulty);
  for (int second = 0; second < lasts; ++second) {
    const int since = second - kBefore;
    if (since == 0) set_links(world, lossy.trouble, true);
    if (since > 0 && since % kFlips == 0 && lossy.trouble == Trouble::flip_flop) {
      set_links(world, lossy.trouble, since / kFlips % 2 == 0);
    }
    world.run_for(kSecond);
    sizes.sample(world);
  }
  return sizes;
}

}  // namespace

void bootstrap(const Effort& effort) {
  struct Case {
    std::size_t nodes;
    std::uint64_t seed;
  };
  const auto sizes = by_effort<std::vector<std::size_t>>(effort, {1000, 1500, 2000}, {50});
  std::vector<Case> cases;
  for (const std::size_t nodes : sizes) cases.push_back({nodes, seed_of(effort, nodes)});
  const auto outcomes = play_all<Bootstrapped>("bootstrap", cases, effort, [](const Case& run) {
    return play_bootstrap(run.nodes, run.seed);
  });
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Line("bootstrap")
        .add("nodes", std::uint64_t{cases[i].nodes})
        .add("seconds", outcomes[i].seconds)
        .add("different", std::uint64_t{outcomes[i].different})
        .print();
  }
}

void crash_of_ten(const Effort& effort) {
  const std::size_t nodes = by_effort<std::size_t>(effort, 1000, 40);
  std::vector<std::uint64_t> seeds;
  for (std::size_t i = 0; i < by_effort<std::size_t>(effort, 4, 1); ++i) {
    seeds.push_back(seed_of(effort, i));
  }
  const auto outcomes = play_all<Crashed>(
      "crash-of-ten", seeds, effort, [&](std::uint64_t seed) { return play_crash(nodes, seed); });
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    Line line("crash-of-ten");
    line.add("nodes", std::uint64_t{nodes})
        .add("seed", seeds[i])
        .add("first", outcomes[i].first)
        .add("all", outcomes[i].all)
        .add("different", std::uint64_t{outcomes[i].different});
    outcomes[i].rates.add_to(line);
    outcomes[i].datagrams.add_to(line);
    line.print();
  }
}

void bad_links(const Effort& effort) {
  const std::size_t nodes = by_effort<std::size_t>(effort, 1000, 40);
  const int lasts = by_effort(effort, 200, 60);
  const std::vector<Lossy> cases(kLossy.begin(), kLossy.end());
  const auto outcomes = play_all<Sizes>("bad-links", cases, effort, [&](const Lossy& lossy) {
    return play_bad_links(lossy, nodes, lasts, effort.seed);
  });
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Line("bad-links")
        .add("links", cases[i].name)
        .add("nodes", std::uint64_t{nodes})
        .add("least", outcomes[i].least())
        .add("most", outcomes[i].most())
        .print();
  }
}

}  // namespace memberlist::bench
