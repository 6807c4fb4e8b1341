// bench/crowd.cpp
//
// What a member costs: many of them in one process, on one shared thread, over loopback at LAN
// timing. bench/go/crowd does the same with the Go library; docs/performance.md has the figures.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memberlist/memberlist.hpp"

namespace {

using memberlist::Config;
using memberlist::Memberlist;
using Seconds = std::chrono::duration<double>;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(120);
constexpr auto kSettled =
    std::chrono::seconds(60);  // news of the joins have spread, buffers are given back
constexpr auto kMeasured = std::chrono::seconds(30);  // the steady state

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// How often a thread has waited for something.
double waits() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_nvcsw);
}

double resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmRSS:" && status >> word) return std::strtod(word.c_str(), nullptr);
  }
  return 0;
}

template <class T, class E>
T must(std::expected<T, E> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}\n", result.error().message);
  std::exit(1);
}

std::vector<Memberlist> start(std::size_t count) {
  const memberlist::Hosting hosting{.runtime = must(memberlist::Runtime::create()),
                                    .transport = {}};
  std::vector<Memberlist> members;
  for (std::size_t i = 0; i < count; ++i) {
    Config config = Config::lan();
    config.name = fmt::format("member-{}", i);
    config.bind = {memberlist::IpAddress::v4(127, 0, 0, 1), 0};
    members.push_back(must(Memberlist::create(std::move(config), {}, hosting)));
    if (i > 0) must(members[i].join({members[0].local_address().to_string()}));
  }
  return members;
}

bool sees_all(const Memberlist& member, std::size_t count) {
  const auto seen = member.members();
  return seen->size() == count && std::ranges::all_of(*seen, [](const auto& other) {
           return other.status == memberlist::MemberStatus::alive;
         });
}

bool wait_until_all_see_all(const std::vector<Memberlist>& members) {
  const auto deadline = Clock::now() + kPatience;
  for (const Memberlist& member : members) {
    while (!sees_all(member, members.size())) {
      if (Clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 256;
  if (argc > 1) {
    const std::string given = argv[1];
    const auto end = given.data() + given.size();
    if (std::from_chars(given.data(), end, count).ptr != end || count < 2 || count > 100'000) {
      fmt::print(stderr, "usage: {} [MEMBERS]\n", argv[0]);
      return 2;
    }
  }
  const double members = static_cast<double>(count);
  const double resident_before = resident_kib();
  const auto began = Clock::now();
  const auto lists = start(count);
  if (!wait_until_all_see_all(lists)) {
    fmt::print(stderr, "not all see all after {} s\n", kPatience.count());
    return 1;
  }
  fmt::print("all_see_all_s={:.1f}\n", Seconds(Clock::now() - began).count());
  fmt::print("start_cpu_ms_per_member={:.2f}\n", processor_seconds() * 1e3 / members);
  std::fflush(stdout);

  std::this_thread::sleep_for(kSettled);
  const double used_before = processor_seconds();
  const double waits_before = waits();
  std::this_thread::sleep_for(kMeasured);
  const double each_second = members * Seconds(kMeasured).count();
  fmt::print("steady_cpu_us_per_member_second={:.0f}\n",
             (processor_seconds() - used_before) * 1e6 / each_second);
  fmt::print("wakeups_per_member_second={:.1f}\n", (waits() - waits_before) / each_second);
  fmt::print("resident_kib_per_member={:.0f}\n", (resident_kib() - resident_before) / members);
  return 0;
}
