// What this library adds to Lifeguard, each part switched off: does it cost false positives, or
// time until a crash is detected?

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "experiments.hpp"
#include "trial.hpp"

namespace memberlist::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kNodes = 128;
constexpr std::size_t kTroubled = 16;
constexpr std::size_t kManyCrashes = 13;

std::vector<Variant> variants() {
  const auto with = [](std::string_view name, const auto& change) {
    Variant variant{name, Config::lan(), {}};
    change(variant.behaviour);
    return variant;
  };
  return {
      with("as it is", [](Behaviour&) {}),
      with("no stall rule", [](Behaviour& behaviour) { behaviour.stall_rule = false; }),
      with("nack after `probe_timeout`", [](Behaviour& behaviour) { behaviour.nack_percent = 0; }),
      with("interval not slowed", [](Behaviour& behaviour) { behaviour.slowed_interval = false; }),
      with("timeout not scaled", [](Behaviour& behaviour) { behaviour.scaled_timeout = false; }),
  };
}

/// A kind of trouble, in several degrees.
struct Kind {
  std::string_view name;
  std::vector<Setting> degrees;
};

/// Troubled for a time, and well for half of that.
std::vector<Setting> again_and_again(Trouble trouble) {
  std::vector<Setting> degrees;
  for (const Duration on : {milliseconds(700), milliseconds(2000), milliseconds(8000)}) {
    degrees.push_back({.nodes = kNodes,
                       .troubled = kTroubled,
                       .trouble = trouble,
                       .on = on,
                       .off = on / 2,
                       .crashes = 1});
  }
  return degrees;
}

std::vector<Kind> kinds() {
  const Setting slow{.nodes = kNodes,
                     .troubled = kTroubled,
                     .trouble = Trouble::slow,
                     .on = milliseconds(200),
                     .crashes = 1};
  Setting crash{.nodes = kNodes,
                .troubled = 0,
                .trouble = Trouble::slow,
                .lasts = seconds(80),
                .crashes = kManyCrashes};
  const Setting near = crash;
  crash.link.latencies = {};
  crash.link.latency = milliseconds(30);
  return {{"13 crash at once", {near}},
          {"13 crash at once, round trips of 60 ms", {crash}},
          {"16 stand still", again_and_again(Trouble::pause)},
          {"16 are blocked", again_and_again(Trouble::block)},
          {"16 are slow", {slow}}};
}

Outcome play_degrees(const Variant& variant, const Kind& kind, const Effort& effort) {
  std::vector<Setting> settings;
  for (const Setting& degree : kind.degrees) {
    const std::size_t runs = by_effort<std::size_t>(effort, 4, 1) * effort.repeat;
    const std::size_t repetitions = degree.troubled == 0 ? 4 * runs : runs;
    for (std::size_t i = 0; i < repetitions; ++i) {
      settings.push_back(degree);
      settings.back().variant = variant;
      settings.back().seed = seed_of(effort, i);
    }
  }
  Outcome sum;
  for (const Outcome& one : play_all<Outcome>("rules", settings, effort, play_trial)) sum += one;
  return sum;
}

}  // namespace

void rules(const Effort& effort) {
  for (const Kind& kind : kinds()) {
    for (const Variant& variant : variants()) {
      const Outcome sum = play_degrees(variant, kind, effort);
      Line line("rules");
      line.add("trouble", kind.name).add("rule", variant.name);
      add_outcome(line, sum)
          .add("first_50", quantile(sum.first, 0.5))
          .add("all_50", quantile(sum.all, 0.5))
          .add("all_99", quantile(sum.all, 0.99))
          .add("missed", sum.missed)
          .print();
    }
  }
}

}  // namespace memberlist::bench
