// Lifeguard's interval experiment: some members are blocked for a time, well for a time, and so on,
// with each part of Lifeguard by itself.
//
// What goes on in a blocked member depends on how it is blocked. In the paper's program each loop
// that sends or receives stands at its next message, while the deadlines of suspicions pass: there
// is one probe at most in the whole time, and it fails. `Trouble::stand` does that, if the stall
// rule does not forgive it. With `Trouble::block` all loops go on, and there is a probe in each
// period.

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

struct Way {
  std::string_view name;
  Trouble trouble;
};
constexpr std::array kWays{Way{"stands", Trouble::stand}, Way{"goes on", Trouble::block}};

/// One combination of configuration, number of members in trouble, and time that they are blocked.
struct Sum {
  std::size_t variant = 0;
  std::size_t troubled = 0;
  Duration blocked{};
  std::size_t runs = 0;
  Outcome outcome{};
};

std::vector<Variant> variants_of(const Way& way) {
  std::vector<Variant> variants = paper_variants();
  for (Variant& variant : variants) {
    if (way.trouble == Trouble::stand) variant.behaviour.stall_rule = false;
  }
  return variants;
}

void play_way(const Way& way, const Effort& effort) {
  const std::vector<Variant> variants = variants_of(way);
  const auto troubled = by_effort<std::vector<std::size_t>>(effort, {8, 32}, {8});
  const auto blocked = by_effort<std::vector<Duration>>(
      effort, {milliseconds(2048), milliseconds(8192), milliseconds(32'768)}, {milliseconds(8192)});
  const auto well = by_effort<std::vector<Duration>>(effort, {milliseconds(16), milliseconds(1024)},
                                                     {milliseconds(1024)});
  std::vector<Sum> sums;
  std::vector<Setting> settings;
  std::vector<std::size_t> sum_of;
  for (std::size_t variant = 0; variant < variants.size(); ++variant) {
    std::size_t run = 0;  // the same seeds for all variants
    for (const std::size_t count : troubled) {
      for (const Duration on : blocked) {
        for (std::size_t i = 0; i < well.size() * effort.repeat; ++i) {
          settings.push_back({.variant = variants[variant],
                              .nodes = by_effort<std::size_t>(effort, 128, 48),
                              .troubled = count,
                              .trouble = way.trouble,
                              .on = on,
                              .off = well[i % well.size()],
                              .seed = seed_of(effort, run++)});
          sum_of.push_back(sums.size());
        }
        sums.push_back({variant, count, on, well.size() * effort.repeat});
      }
    }
  }
  const auto outcomes = play_all<Outcome>("interval", settings, effort, play_trial);
  for (std::size_t i = 0; i < outcomes.size(); ++i) sums[sum_of[i]].outcome += outcomes[i];
  for (const Sum& sum : sums) {
    Line line("interval");
    line.add("way", way.name)
        .add("variant", variants[sum.variant].name)
        .add("troubled", std::uint64_t{sum.troubled})
        .add("blocked", seconds(sum.blocked))
        .add("runs", std::uint64_t{sum.runs});
    add_outcome(line, sum.outcome).print();
  }
}

}  // namespace

void interval(const Effort& effort) {
  for (const Way& way : kWays) play_way(way, effort);
}

}  // namespace memberlist::bench
