#include "sim_story.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace memberlist::cli {
namespace {

using std::chrono::milliseconds;
using trace::ClaimKind;
using trace::Verdict;

const Address kB{IpAddress::v4(10, 0, 0, 2), 7946};
const Address kC{IpAddress::v4(10, 0, 0, 3), 7946};

std::string name_of(const Address& address) {
  if (address == kB) return "b";
  return address == kC ? "c" : address.to_string();
}

/// What nodes a, b and c trace about x.
class Traces {
 public:
  void step(const std::string& node, int at, TraceRecord::Step step) {
    story_.take(node, milliseconds(at), {.step = std::move(step)}, name_of);
  }
  void failed_probe(const std::string& node, int began, int ended) {
    const auto probe = static_cast<std::uint64_t>(began);
    step(node, began, trace::ProbeBegan{.probe = probe, .member = "x"});
    step(node, began + 1, trace::HelperAsked{.probe = probe, .helper = "c"});
    step(node, ended, trace::ProbeEnded{.probe = probe, .member = "x", .nacks = 1});
  }
  void claim(const std::string& node, int at, trace::Claim claim) {
    claim.member = "x";
    step(node, at, std::move(claim));
  }
  /// b's probe fails; c hears it from b, and a from c; x never hears it, and a declares it dead.
  void a_death() {
    failed_probe("b", 100, 600);
    claim("b", 600, {.kind = ClaimKind::suspect, .accuser = "b", .by = Cause::Kind::probe_failed});
    claim("c", 700, {.kind = ClaimKind::suspect, .accuser = "b", .source = kB});
    claim("a", 800, {.kind = ClaimKind::suspect, .accuser = "b", .source = kC});
    claim("a", 4'800,
          {.kind = ClaimKind::dead, .accuser = "b", .by = Cause::Kind::suspicion_expired});
  }
  std::vector<std::string> told() const {
    std::vector<std::string> all;
    for (const Story::Line& line : story_.lines()) {
      all.push_back(std::to_string(line.at / milliseconds(1)) + " " + line.text);
    }
    return all;
  }

 private:
  Story story_{"x"};
};

using Lines = std::vector<std::string>;

TEST(Story, LeadsFromTheProbeToTheDeath) {
  Traces traces;
  traces.a_death();
  EXPECT_EQ(traces.told(),
            (Lines{"100 b pings it, then by TCP and through c",
                   "600 b has no answer, like 1 helper, and accuses it",
                   "800 a hears that b accuses it: b > c > a",
                   "4800 a declares it dead: 4.00 s without a refutation, 0 confirmations"}));
}

TEST(Story, HasTheConfirmationsAndWhatCameOfThem) {
  Traces traces;
  traces.failed_probe("b", 100, 600);
  traces.claim("b", 600,
               {.kind = ClaimKind::suspect, .accuser = "b", .by = Cause::Kind::probe_failed});
  traces.failed_probe("c", 200, 700);
  traces.claim("c", 700,
               {.kind = ClaimKind::suspect, .accuser = "c", .by = Cause::Kind::probe_failed});
  traces.claim(
      "b", 900,
      {.kind = ClaimKind::suspect, .accuser = "c", .source = kC, .verdict = Verdict::confirmed});
  traces.claim("b", 1'900,
               {.kind = ClaimKind::dead, .accuser = "b", .by = Cause::Kind::suspicion_expired});
  traces.claim("c", 2'000, {.kind = ClaimKind::dead, .accuser = "b", .source = kB});
  traces.claim(
      "x", 2'100,
      {.kind = ClaimKind::dead, .accuser = "b", .source = kB, .verdict = Verdict::refuted});
  traces.claim("b", 2'200, {.kind = ClaimKind::alive, .source = kC});
  EXPECT_EQ(
      traces.told(),
      (Lines{"100 b pings it, then by TCP and through c",
             "200 c pings it, then by TCP and through c",
             "600 b has no answer, like 1 helper, and accuses it",
             "700 c has no answer, like 1 helper, and accuses it",
             "900 b hears that c accuses it: c > b",
             "1900 b declares it dead: 1.30 s without a refutation, 1 confirmation",
             "2000 c is the last of 1 more that declare it dead: 0 because they waited in "
             "vain, 1 because they are told",
             "2100 x hears of it from b, and contradicts", "2200 b hears that it lives, from c"}));
}

TEST(Story, OfOneThatLivesIsItsFirstSuspicion) {
  Traces traces;
  traces.failed_probe("b", 100, 600);
  traces.claim("b", 600,
               {.kind = ClaimKind::suspect, .accuser = "b", .by = Cause::Kind::probe_failed});
  traces.claim(
      "x", 650,
      {.kind = ClaimKind::suspect, .accuser = "b", .source = kB, .verdict = Verdict::refuted});
  traces.claim("b", 700, {.kind = ClaimKind::alive, .source = kC});
  EXPECT_EQ(traces.told(), (Lines{"100 b pings it, then by TCP and through c",
                                  "600 b has no answer, like 1 helper, and accuses it",
                                  "650 x hears of it from b, and contradicts",
                                  "700 b hears that it lives, from c"}));
}

TEST(Story, OthersAndALeaveAreNoneOfIt) {
  Traces traces;
  traces.step("b", 100, trace::Claim{.kind = ClaimKind::suspect, .member = "y", .accuser = "b"});
  traces.claim("b", 200, {.kind = ClaimKind::dead, .accuser = "x"});
  traces.claim("b", 300, {.kind = ClaimKind::suspect, .accuser = "c", .verdict = Verdict::older});
  EXPECT_EQ(traces.told(), Lines{});
}

TEST(Story, IsBounded) {
  Traces traces;
  traces.claim("a", 0, {.kind = ClaimKind::suspect, .accuser = "b", .source = kB});
  for (int i = 1; i < 1'000; ++i) {
    traces.claim("a", i,
                 {.kind = ClaimKind::suspect,
                  .accuser = "m" + std::to_string(i),
                  .source = kB,
                  .verdict = Verdict::confirmed});
  }
  traces.claim("a", 1'000, {.kind = ClaimKind::dead, .by = Cause::Kind::suspicion_expired});
  EXPECT_EQ(traces.told().size(), Story::kMaxLines);
}

}  // namespace
}  // namespace memberlist::cli
