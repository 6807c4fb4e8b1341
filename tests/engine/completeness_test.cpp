#include <algorithm>
#include <iostream>
#include <string>

#include "engine_fixture.hpp"
#include "support/sanitizers.hpp"

// A protection must not defeat the purpose: while the survivors are paused, run slowly, lose
// packets, are accused all the time or are flooded with short-lived members, each of them still
// detects a crashed member within the bound that protocol 5 states ('What protections cost'), and
// declares no live member dead. Each test prints what it measured.
namespace memberlist::testing {
namespace {

using enum MemberEventKind;

constexpr std::size_t kNodes = 6;
constexpr HostId kVictim = kNodes - 1;
constexpr std::uint64_t kSeeds = 5;

// What the survivors suffer from.
struct Trouble {
  std::string name;
  Duration stopped{};  // they are paused for this long ...
  Duration running{};  // ... and run for this long, repeatedly, each with its own phase
  double loss = 0;
  bool accused = false;
  bool once = false;  // they are paused once, when the member crashes
  // How many burials of living members may occur in all trials.
  std::size_t burials = 0;

  [[nodiscard]] bool hiccups() const { return stopped > Duration::zero(); }
  // Protocol 5, 'What protections cost': until the last survivor has found the crashed member.
  [[nodiscard]] Duration bound() const {
    const SuspicionFormula suspicion{.members = kNodes};
    const Duration usual = (kNodes + 2) * 1s + suspicion.max() + 5s;
    if (accused) return usual + 7 * (kNodes + 2) * 1s;
    if (!hiccups()) return usual;
    const Duration probing = (stopped / 1s + 1) * std::int64_t{kNodes + 2} * 1s;
    const Duration at_a_standstill = stopped * (probing / running + 1);
    return probing + at_a_standstill + suspicion.max() + (suspicion.max() - suspicion.min()) + 5s;
  }
};

void PrintTo(const Trouble& trouble, std::ostream* out) { *out << trouble.name; }

struct Findings {
  Duration found{};  // the last survivor, in the slowest run
  std::size_t missed = 0;
  std::size_t accusations = 0;  // of the living
  std::size_t burials = 0;
};

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

class Trial {
 public:
  Trial(const Trouble& trouble, std::uint64_t seed)
      : trouble_(trouble), random_(seed), cluster_(options(trouble, seed)) {}

  void add_to(Findings& findings) {
    ASSERT_TRUE(cluster_.assemble());
    cluster_.run_for(5s);
    const TimePoint began = cluster_.now();
    for (HostId node = 0; node < kVictim; ++node) begin_trouble(node);
    cluster_.run_for(30s);
    const TimePoint crashed = cluster_.now();
    cluster_.crash(kVictim);
    for (HostId node = 0; trouble_.once && node < kVictim; ++node) stop(node);
    (void)cluster_.run_until([&] { return found_by_all(crashed); }, trouble_.bound() + 60s);
    for (HostId node = 0; node < kVictim; ++node) {
      const auto at = cluster_.when(node, kVictim, dead, crashed);
      if (at) findings.found = std::max(findings.found, *at - crashed);
      if (!at) ++findings.missed;
    }
    findings.accusations += about_the_living(suspect, began, crashed);
    findings.burials += about_the_living(dead, began, crashed);
  }

 private:
  static ClusterOptions options(const Trouble& trouble, std::uint64_t seed) {
    Link link;
    link.loss = trouble.loss;
    return {.size = kNodes, .seed = seed, .link = link};
  }

  bool found_by_all(TimePoint since) const {
    for (HostId node = 0; node < kVictim; ++node) {
      if (!cluster_.when(node, kVictim, dead, since)) return false;
    }
    return true;
  }

  std::size_t about_the_living(MemberEventKind kind, TimePoint began, TimePoint crashed) const {
    std::size_t found = 0;
    for (HostId observer = 0; observer < kVictim; ++observer) {
      for (HostId subject = 0; subject < kNodes; ++subject) {
        found += cluster_.count(observer, subject, kind, began);
        if (subject == kVictim) found -= cluster_.count(observer, subject, kind, crashed);
      }
    }
    return found;
  }

  void begin_trouble(HostId node) {
    if (trouble_.hiccups() && !trouble_.once) {
      const Duration phase = random_.below(trouble_.stopped + trouble_.running);
      cluster_.timeline().after(phase, [this, node] { stop(node); });
    }
    if (trouble_.accused) accuse(node);
  }
  void stop(HostId node) {
    cluster_.pause(node);
    cluster_.timeline().after(trouble_.stopped, [this, node] { go_on(node); });
  }
  void go_on(HostId node) {
    cluster_.resume(node);
    if (trouble_.once) return;
    cluster_.timeline().after(trouble_.running, [this, node] { stop(node); });
  }
  // A random survivor is told twice a second that it is suspect.
  void accuse(HostId node) {
    const HostId where = random_.below(kVictim);
    const std::uint32_t incarnation = cluster_.engine(node).local_member().incarnation;
    const Bytes message = suspect_message(cluster_.name(node), incarnation, "somebody");
    cluster_.network().send(where, cluster_.address(where), message);
    cluster_.timeline().after(500ms, [this, node] { accuse(node); });
  }

  const Trouble& trouble_;
  Random random_;
  Cluster cluster_;
};

class EngineCompleteness : public ::testing::TestWithParam<Trouble> {};

TEST_P(EngineCompleteness, TheCrashedMemberIsFoundByAllAndNobodyElseIsBuried) {
  const Trouble& trouble = GetParam();
  Findings findings;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) Trial(trouble, seed).add_to(findings);
  std::cout << "  " << trouble.name << ": found after " << seconds(findings.found) << " s (bound "
            << seconds(trouble.bound()) << " s), " << findings.missed << " missed; of the living "
            << findings.accusations << " accused, " << findings.burials << " buried\n";
  EXPECT_EQ(findings.missed, 0u);
  EXPECT_LE(findings.found, trouble.bound());
  EXPECT_LE(findings.burials, trouble.burials);
}

INSTANTIATE_TEST_SUITE_P(
    Troubles, EngineCompleteness,
    ::testing::Values(Trouble{.name = "none"},
                      Trouble{.name = "hiccup_300_300", .stopped = 300ms, .running = 300ms},
                      Trouble{.name = "hiccup_500_500", .stopped = 500ms, .running = 500ms},
                      Trouble{.name = "hiccup_600_600", .stopped = 600ms, .running = 600ms},
                      Trouble{.name = "hiccup_600_200", .stopped = 600ms, .running = 200ms},
                      Trouble{.name = "hiccup_700_2000", .stopped = 700ms, .running = 2s},
                      Trouble{.name = "hiccup_500_5000", .stopped = 500ms, .running = 5s},
                      Trouble{.name = "hiccup_1000_1000", .stopped = 1s, .running = 1s},
                      Trouble{.name = "hiccup_1500_500", .stopped = 1500ms, .running = 500ms},
                      Trouble{.name = "hiccup_3000_3000", .stopped = 3s, .running = 3s},
                      Trouble{.name = "hiccup_3000_1000", .stopped = 3s, .running = 1s},
                      Trouble{.name = "hiccup_3000_20000", .stopped = 3s, .running = 20s},
                      Trouble{.name = "once_700", .stopped = 700ms, .running = 1h, .once = true},
                      Trouble{.name = "once_3000", .stopped = 3s, .running = 1h, .once = true},
                      Trouble{.name = "slow_100_50", .stopped = 100ms, .running = 50ms},
                      // In 4,000 trials 72 burials: a refutation can be lost each time it is sent.
                      Trouble{.name = "loss_30_percent", .loss = 0.3, .burials = 1},
                      Trouble{.name = "accused", .accused = true}),
    [](const auto& test) { return test.param.name; });

// --- accuracy: forgiving less must not bury more ------------------------------------------------

// In how many of `runs` a member that is paused among nine healthy ones is declared dead by any of
// them.
std::size_t burials_of_a_paused_member(Duration pause, std::uint64_t runs) {
  constexpr std::size_t kMembers = 10;
  constexpr HostId kPaused = 7;
  std::size_t buried = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    Cluster cluster({.size = kMembers, .seed = seed});
    EXPECT_TRUE(cluster.assemble());
    cluster.run_for(5s + std::chrono::milliseconds(37 * seed));
    cluster.pause(kPaused);
    cluster.run_for(pause);
    cluster.resume(kPaused);
    cluster.run_for(60s);
    EXPECT_TRUE(cluster.agree(kMembers)) << "seed " << seed;
    bool by_anybody = false;
    for (HostId observer = 0; observer < kMembers; ++observer) {
      by_anybody = by_anybody || cluster.count(observer, kPaused, dead) > 0;
      for (HostId subject = 0; subject < kMembers; ++subject) {
        if (subject == kPaused) continue;
        EXPECT_EQ(cluster.count(observer, subject, suspect), 0u) << "the paused one accuses";
      }
    }
    buried += by_anybody;
  }
  return buried;
}

// `kBefore` was measured when forgiveness had no bound. With this many runs, chance alone makes a
// difference of 8 (one standard deviation), so twice that is allowed. A sanitizer needs only a few
// runs to see the code.
TEST(EngineAccuracy, APausedMemberAmongHealthyOnesIsBuriedNoMoreOftenThanBefore) {
  constexpr std::uint64_t kRuns = kSanitized ? 5 : 40;
  constexpr std::size_t kBefore = kSanitized ? 17 : 138;
  constexpr std::size_t kChance = 16;
  std::size_t buried = 0;
  for (const Duration pause : {3s, 4s, 5s, 6s, 7s, 8s, 9s}) {
    const std::size_t count = burials_of_a_paused_member(pause, kRuns);
    std::cout << "  paused for " << seconds(pause) << " s: buried in " << count << " of " << kRuns
              << " runs\n";
    buried += count;
  }
  std::cout << "  together: " << buried << " (before: " << kBefore << ")\n";
  EXPECT_LE(buried, kBefore + kChance);
}

}  // namespace
}  // namespace memberlist::testing
