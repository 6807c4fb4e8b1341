// Lifeguard's other experiments: members that are short of processor time, and how soon failures
// are detected with shorter suspicions.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "experiments.hpp"
#include "trial.hpp"

namespace memberlist::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// How a member lacks processor time.
struct Starvation {
  std::string_view way;
  Trouble trouble;
  Duration on;
  Duration off{};
};
// A quick run plays the first of them.
constexpr std::array kStarvations{
    Starvation{"slow", Trouble::slow, milliseconds(200)},
    Starvation{"slow", Trouble::slow, milliseconds(100)},
    Starvation{"slow", Trouble::slow, milliseconds(400)},
    // Longer than the suspicion of SWIM, which is ten seconds.
    Starvation{"stands", Trouble::stand, seconds(12), milliseconds(500)},
    Starvation{"stands", Trouble::stand, seconds(12), seconds(1)},
};

Setting starved(const Variant& variant, std::size_t members, const Starvation& starvation,
                std::uint64_t seed) {
  Setting setting{.variant = variant,
                  .nodes = 100,
                  .troubled = members,
                  .trouble = starvation.trouble,
                  .on = starvation.on,
                  .off = starvation.off,
                  .seed = seed};
  if (starvation.trouble == Trouble::stand) setting.variant.behaviour.stall_rule = false;
  return setting;
}

/// Blocked once, and until the end: who is well is to detect it.
Setting blocked_once(const Variant& variant, std::size_t members, std::uint64_t seed) {
  constexpr Duration kBlocked = seconds(70);
  return {.variant = variant,
          .nodes = 128,
          .troubled = members,
          .on = kBlocked,
          .lasts = kBlocked,
          .detect_troubled = true,
          .seed = seed};
}

}  // namespace

void starvation(const Effort& effort) {
  const std::vector<Variant> all = paper_variants();
  const std::array variants{all.front(), all.back()};
  const auto counts = by_effort<std::vector<std::size_t>>(effort, {1, 4, 8, 16, 32}, {8});
  const std::size_t ways = by_effort<std::size_t>(effort, kStarvations.size(), 1);
  const std::size_t repetitions = effort.repeat;
  for (const Variant& variant : variants) {
    for (const Starvation& starvation : std::span(kStarvations).first(ways)) {
      for (const std::size_t members : counts) {
        std::vector<Setting> settings;
        for (std::size_t i = 0; i < repetitions; ++i) {
          settings.push_back(starved(variant, members, starvation, seed_of(effort, i)));
        }
        Outcome sum;
        for (const Outcome& one : play_all<Outcome>("starvation", settings, effort, play_trial)) {
          sum += one;
        }
        Line line("starvation");
        line.add("variant", variant.name)
            .add("troubled", std::uint64_t{members})
            .add("way", starvation.way)
            .add("time", bench::seconds(starvation.on))
            .add("well", bench::seconds(starvation.off))
            .add("runs", std::uint64_t{repetitions});
        add_outcome(line, sum).print();
      }
    }
  }
}

void alpha(const Effort& effort) {
  struct Tuning {
    std::string_view name;
    std::uint32_t alpha;
    bool lifeguard;
  };
  constexpr std::array kTunings{Tuning{"SWIM", 5, false}, Tuning{"Lifeguard", 5, true},
                                Tuning{"Lifeguard", 4, true}, Tuning{"Lifeguard", 2, true}};
  const auto counts = by_effort<std::vector<std::size_t>>(effort, {4, 16}, {4});
  const std::size_t repetitions = by_effort<std::size_t>(effort, 3, 1) * effort.repeat;
  const std::vector<Variant> variants = paper_variants();
  for (const Tuning& tuning : kTunings) {
    Variant variant = tuning.lifeguard ? variants.back() : variants.front();
    variant.config = paper_config(tuning.alpha);
    std::vector<Setting> settings;
    for (const std::size_t members : counts) {
      for (std::size_t i = 0; i < repetitions; ++i) {
        settings.push_back(blocked_once(variant, members, seed_of(effort, i)));
      }
    }
    Outcome sum;
    for (const Outcome& one : play_all<Outcome>("alpha", settings, effort, play_trial)) sum += one;
    Line("alpha")
        .add("variant", tuning.name)
        .add("alpha", std::uint64_t{tuning.alpha})
        .add("runs", std::uint64_t{settings.size()})
        .add("detections", std::uint64_t{sum.all.size()})
        .add("missed", sum.missed)
        .add("first_50", quantile(sum.first, 0.5))
        .add("first_99", quantile(sum.first, 0.99))
        .add("all_50", quantile(sum.all, 0.5))
        .add("all_99", quantile(sum.all, 0.99))
        .add("all_999", quantile(sum.all, 0.999))
        .print();
  }
}

}  // namespace memberlist::bench
