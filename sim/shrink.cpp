#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "memberlist/sim/swarm.hpp"

namespace memberlist::sim {
namespace {

/// Tries smaller scenarios, and keeps each that still fails.
class Shrinker {
 public:
  Shrinker(const Scenario& scenario, const std::function<bool(const Scenario&)>& fails,
           std::size_t most_plays)
      : smallest_(scenario), fails_(fails), most_plays_(most_plays) {}

  Shrunk run() {
    bool smaller = true;
    while (smaller && !spent()) {
      smaller = fewer_faults();
      smaller = fewer_nodes() || smaller;
      smaller = shorter() || smaller;
      smaller = plainer() || smaller;
    }
    return {std::move(smallest_), plays_, !spent()};
  }

 private:
  [[nodiscard]] bool spent() const noexcept { return plays_ >= most_plays_; }

  bool keep(Scenario candidate) {
    if (spent() || !candidate.validate()) return false;
    ++plays_;
    if (!fails_(candidate)) return false;
    smallest_ = std::move(candidate);
    return true;
  }

  /// Leaves out ever smaller runs of faults, down to single ones.
  bool fewer_faults() {
    bool smaller = false;
    std::size_t length = smallest_.faults.size();
    while (length > 0) {
      for (std::size_t first = 0; first < smallest_.faults.size();) {
        Scenario candidate = smallest_;
        const auto begin = candidate.faults.begin() + static_cast<std::ptrdiff_t>(first);
        const auto rest = static_cast<std::size_t>(candidate.faults.end() - begin);
        candidate.faults.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(length, rest)));
        if (keep(std::move(candidate))) {
          smaller = true;
        } else {
          first += length;
        }
      }
      length /= 2;
    }
    return smaller;
  }

  bool fewer_nodes() {
    bool smaller = false;
    for (std::size_t fewer = smallest_.nodes / 2; fewer > 0;) {
      Scenario candidate = smallest_;
      candidate.nodes -= std::min(fewer, candidate.nodes - 1);
      candidate.zones = std::min(candidate.zones, candidate.nodes);
      candidate.go_nodes = std::min(candidate.go_nodes, candidate.nodes);
      for (Fault& fault : candidate.faults) {
        fault.nodes.count = std::min(fault.nodes.count, candidate.nodes);
      }
      if (candidate.nodes < smallest_.nodes && keep(std::move(candidate))) {
        smaller = true;
      } else {
        fewer /= 2;
      }
    }
    for (std::size_t i = 0; i < smallest_.faults.size(); ++i) {
      while (smallest_.faults[i].nodes.count > 1 &&
             changed([&](Scenario& candidate) { --candidate.faults[i].nodes.count; })) {
        smaller = true;
      }
    }
    return smaller;
  }

  bool shorter() {
    bool smaller = false;
    while (smallest_.lasts > std::chrono::seconds(2) && changed([](Scenario& candidate) {
             candidate.lasts = std::chrono::ceil<std::chrono::seconds>(candidate.lasts / 2);
           })) {
      smaller = true;
    }
    return smaller;
  }

  /// Takes back what was drawn to be unusual, one thing after the other.
  bool plainer() {
    const Config usual = Config::for_profile(smallest_.profile);
    bool smaller = false;
    const auto reset = [&](auto Config::* knob) {
      if (smallest_.config.*knob == usual.*knob) return;
      smaller =
          changed([&](Scenario& candidate) { candidate.config.*knob = usual.*knob; }) || smaller;
    };
    reset(&Config::indirect_checks);
    reset(&Config::retransmit_mult);
    reset(&Config::suspicion_mult);
    reset(&Config::suspicion_max_timeout_mult);
    reset(&Config::awareness_max_multiplier);
    reset(&Config::gossip_nodes);
    reset(&Config::gossip_interval);
    reset(&Config::gossip_to_the_dead_time);
    reset(&Config::dead_node_reclaim_time);
    reset(&Config::push_pull_interval);
    reset(&Config::udp_buffer_size);
    reset(&Config::enable_compression);
    reset(&Config::disable_tcp_pings);
    reset(&Config::probe_interval);
    reset(&Config::probe_timeout);
    return plainer_cluster() || smaller;
  }

  bool plainer_cluster() {
    bool smaller = false;
    const auto simplify = [&](bool is_unusual, auto change) {
      if (is_unusual) smaller = changed(change) || smaller;
    };
    simplify(smallest_.encrypted, [](Scenario& candidate) { candidate.encrypted = false; });
    simplify(smallest_.go_nodes > 0, [](Scenario& candidate) { candidate.go_nodes = 0; });
    simplify(smallest_.behaviour != Behaviour{},
             [](Scenario& candidate) { candidate.behaviour = {}; });
    simplify(smallest_.zones > 1, [](Scenario& candidate) {
      candidate.zones = 1;
      candidate.zone_link.reset();
    });
    simplify(!smallest_.formed, [](Scenario& candidate) {
      candidate.formed = true;
      candidate.join_within = Duration::zero();
    });
    const Link& link = smallest_.link;
    simplify(link.jitter > Duration::zero(),
             [](Scenario& candidate) { candidate.link.jitter = Duration::zero(); });
    const auto perfect = [&](double Link::* chance) {
      simplify(smallest_.link.*chance > 0,
               [chance](Scenario& candidate) { candidate.link.*chance = 0; });
    };
    perfect(&Link::loss);
    perfect(&Link::duplicate);
    perfect(&Link::reorder);
    perfect(&Link::corrupt);
    return smaller;
  }

  template <class Change>
  bool changed(Change change) {
    Scenario candidate = smallest_;
    change(candidate);
    return keep(std::move(candidate));
  }

  Scenario smallest_;
  const std::function<bool(const Scenario&)>& fails_;
  std::size_t most_plays_;
  std::size_t plays_ = 0;
};

}  // namespace

Shrunk shrink(const Scenario& scenario, const std::function<bool(const Scenario&)>& fails,
              std::size_t most_plays) {
  return Shrinker(scenario, fails, most_plays).run();
}

}  // namespace memberlist::sim
