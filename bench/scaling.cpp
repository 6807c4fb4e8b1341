// bench/scaling.cpp
//
// How the costs of one engine grow with the number of members that it knows: a probe period, a
// join, a push/pull, memory. Prints a line of JSON for each number of members; scripts/bench
// --scaling makes a plot of them.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bench/allocations.hpp"
#include "bench/quiet_member.hpp"
#include "bench/samples.hpp"

namespace memberlist::bench {
namespace {

constexpr std::array kMembers = {10U, 30U, 100U, 300U, 1000U, 3000U, 10'000U, 30'000U, 100'000U};
constexpr std::size_t kBatch = 1000;
constexpr int kRuns = 5;

[[noreturn]] void die(std::string_view what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

double processor_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

template <class Work>
double cost_of(Work&& work) {
  const double before = processor_ns();
  work();
  return processor_ns() - before;
}

// As many periods as members, so that each is probed once and the list is shuffled once.
double period_ns(std::uint32_t members) {
  QuietMember asked(members);
  QuietMember measured(members);
  while (asked.engine().counters().broadcasts_queued > 0) measured.repeat(asked.live());
  double ns = 0;
  std::size_t periods = 0;
  std::vector<Period> batch(kBatch);
  for (; periods < members; periods += kBatch) {
    for (Period& period : batch) period = asked.live();
    ns += cost_of([&] {
      for (const Period& period : batch) measured.repeat(period);
    });
  }
  return ns / static_cast<double>(periods);
}

// What an engine holds that knows so many, once the news of them is old.
std::int64_t held_bytes(std::uint32_t members) {
  const std::int64_t before = live_bytes();
  QuietMember member(members);
  // Alone it has nobody to tell.
  while (members > 1 && member.engine().counters().broadcasts_queued > 0) (void)member.live();
  return live_bytes() - before;
}

double bytes_per_member(std::uint32_t members) {
  return static_cast<double>(held_bytes(members) - held_bytes(1)) / members;
}

Bytes take_answer(Engine& engine) {
  Bytes answer;
  for (Output& output : engine.outputs()) {
    if (auto* write = std::get_if<WriteStream>(&output)) answer = std::move(write->bytes);
  }
  engine.clear_outputs();
  return answer;
}

Engine uncompressed() { return make_engine(Layers(false).config()); }

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// A new member's share of its join: it is told of all the others.
double join_ns(const std::vector<SampleMember>& others, BytesView state) {
  std::vector<double> costs;
  for (int run = 0; run < kRuns; ++run) {
    Engine joiner = uncompressed();
    (void)joiner.join(kNow, {{"", others.front().address()}});
    const auto dial = std::ranges::find_if(joiner.outputs(), [](const Output& output) {
      return std::holds_alternative<DialStream>(output);
    });
    if (dial == joiner.outputs().end()) die("no dial");
    const StreamId id = std::get<DialStream>(*dial).id;
    joiner.clear_outputs();
    costs.push_back(cost_of([&] {
      joiner.handle_stream(kNow, id, StreamConnected{});
      joiner.clear_outputs();
      joiner.handle_stream(kNow, id, StreamData{state});
      joiner.clear_outputs();
    }));
    if (joiner.live_count() != others.size() + 1) die("a join did not bring all members");
  }
  return median(std::move(costs));
}

// The answering side of a push/pull in which both know all.
double push_pull_ns(const std::vector<SampleMember>& others, BytesView state) {
  Engine engine = uncompressed();
  std::vector<double> costs;
  for (std::size_t run = 0; run <= kRuns; ++run) {
    const auto id = engine.handle_accept(kNow, others[run].address());
    if (!id) die("no stream");
    Bytes answer;
    const double cost = cost_of([&] {
      engine.handle_stream(kNow, *id, StreamData{state});
      answer = take_answer(engine);
      engine.handle_stream(kNow, *id, StreamEnd{});
      engine.clear_outputs();
    });
    if (run == 0) continue;  // tells it of the others
    if (answer.size() < others.size()) die("a push/pull was not answered");
    costs.push_back(cost);
  }
  if (engine.live_count() != others.size() + 1) die("a push/pull did not bring all members");
  return median(std::move(costs));
}

void measure(std::uint32_t members) {
  const std::vector<SampleMember> others = sample_members(members - 1);
  const Bytes state = push_pull(others, kFirstIncarnation);
  fmt::print(
      "{{\"members\": {}, \"period_ns\": {:.0f}, \"join_ns\": {:.0f}, \"push_pull_ns\": {:.0f}, "
      "\"bytes_per_member\": {:.0f}}}\n",
      members, period_ns(members), join_ns(others, state), push_pull_ns(others, state),
      bytes_per_member(members));
  std::fflush(stdout);
}

}  // namespace
}  // namespace memberlist::bench

int main() {
  for (const std::uint32_t members : memberlist::bench::kMembers) {
    memberlist::bench::measure(members);
  }
  return 0;
}
