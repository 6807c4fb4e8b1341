// What a scenario may say, and what is refused.

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "memberlist/sim/scenario.hpp"
#include "sim/faults.hpp"

namespace memberlist::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Scenario valid() {
  Scenario scenario;
  scenario.name = "test";
  scenario.nodes = 10;
  return scenario;
}

std::string subjects(const Scenario& scenario) {
  std::string all;
  for (const Error& error : scenario.mistakes()) {
    all += (all.empty() ? "" : "; ") + error.subject;
  }
  return all;
}

std::string subject_after(const std::function<void(Scenario&)>& change) {
  Scenario scenario = valid();
  change(scenario);
  return subjects(scenario);
}

std::string subject_of_fault(FaultKind kind, const std::function<void(Fault&)>& change) {
  Scenario scenario = valid();
  scenario.faults.push_back(fault_of(kind));
  scenario.encrypted = kind == FaultKind::keys;
  change(scenario.faults.back());
  return subjects(scenario);
}

TEST(Scenario, EveryKindOfFaultHasAName) {
  std::set<std::string_view> names;
  for (const FaultKind kind : fault_kinds()) names.insert(to_string(kind));
  EXPECT_EQ(names.size(), fault_kinds().size());
  EXPECT_EQ(to_string(FaultKind::tcp_reset), "tcp_reset");
  EXPECT_EQ(to_string(fault_kinds().back()), "keys");
}

TEST(Scenario, EveryKindOfFaultCanBeSaid) {
  for (const FaultKind kind : fault_kinds()) {
    EXPECT_EQ(subject_of_fault(kind, [](Fault&) {}), "") << to_string(kind);
  }
}

TEST(Scenario, TheNamedOnesAreValidAndDistinct) {
  std::set<std::string> names;
  for (const Scenario& scenario : named_scenarios()) {
    EXPECT_EQ(subjects(scenario), "") << scenario.name;
    EXPECT_FALSE(scenario.description.empty()) << scenario.name;
    names.insert(scenario.name);
  }
  EXPECT_EQ(names.size(), named_scenarios().size());
  EXPECT_GE(names.size(), 10U);
}

TEST(Scenario, LimitsOfTheClusterAreChecked) {
  EXPECT_EQ(subject_after([](Scenario& s) { s.name = "two words"; }), "name");
  EXPECT_EQ(subject_after([](Scenario& s) { s.nodes = 0; }), "nodes");
  EXPECT_EQ(subject_after([](Scenario& s) { s.nodes = kMaxNodes + 1; }), "nodes");
  EXPECT_EQ(subject_after([](Scenario& s) { s.lasts = milliseconds(1); }), "lasts");
  EXPECT_EQ(subject_after([](Scenario& s) { s.join_within = seconds(1); }), "join_within");
  EXPECT_EQ(subject_after([](Scenario& s) { s.zones = 11; }), "zones");
  EXPECT_EQ(subject_after([](Scenario& s) { s.zone_link.emplace(); }), "zone_link");
  EXPECT_EQ(subject_after([](Scenario& s) { s.link.loss = 1.5; }), "link: loss");
  EXPECT_EQ(subject_after([](Scenario& s) { s.link.loss = std::stod("nan"); }), "link: loss");
  EXPECT_EQ(subject_after([](Scenario& s) { s.link.mtu = 10; }), "link: mtu");
  EXPECT_EQ(subject_after([](Scenario& s) { s.link.latency = seconds(-1); }), "link: latency");
  EXPECT_EQ(subject_after([](Scenario& s) { s.config.protocol_version = 9; }), "protocol_version");
  EXPECT_EQ(subject_after([](Scenario& s) { s.config.probe_timeout = seconds(2); }),
            "probe_timeout");
}

TEST(Scenario, AFaultSaysWhatItsKindNeedsAndNothingElse) {
  for (const FaultKind kind : fault_kinds()) {
    const Fault whole = fault_of(kind);
    const auto without = [&](auto field, auto none) {
      return subject_of_fault(kind, [&](Fault& fault) { fault.*field = none; });
    };
    if (whole.rate != 0) {
      EXPECT_EQ(without(&Fault::rate, 0.0), "fault 1: rate") << to_string(kind);
    } else {
      EXPECT_EQ(without(&Fault::rate, 0.5), "fault 1: rate") << to_string(kind);
    }
    if (whole.bytes != 0) {
      EXPECT_EQ(without(&Fault::bytes, std::size_t{0}), "fault 1: bytes") << to_string(kind);
    } else {
      EXPECT_EQ(without(&Fault::bytes, std::size_t{500}), "fault 1: bytes") << to_string(kind);
    }
  }
  EXPECT_EQ(subject_of_fault(FaultKind::step, [](Fault& f) { f.lasts = seconds(1); }),
            "fault 1: lasts");
  EXPECT_EQ(subject_of_fault(FaultKind::crash, [](Fault& f) { f.every = seconds(1); }),
            "fault 1: every");
  EXPECT_EQ(subject_of_fault(FaultKind::crash, [](Fault& f) { f.udp = false; }), "fault 1: udp");
  EXPECT_EQ(subject_of_fault(FaultKind::crash,
                             [](Fault& f) { f.direction = Fault::Direction::incoming; }),
            "fault 1: direction");
  EXPECT_EQ(subject_of_fault(FaultKind::cut, [](Fault& f) { f.udp = f.tcp = false; }),
            "fault 1: udp");
}

TEST(Scenario, LimitsOfAFaultAreChecked) {
  EXPECT_EQ(subject_of_fault(FaultKind::crash, [](Fault& f) { f.at = seconds(60); }),
            "fault 1: at");
  EXPECT_EQ(subject_of_fault(FaultKind::crash, [](Fault& f) { f.at = seconds(-1); }),
            "fault 1: at");
  EXPECT_EQ(subject_of_fault(FaultKind::loss, [](Fault& f) { f.rate = 1.1; }), "fault 1: rate");
  EXPECT_EQ(subject_of_fault(FaultKind::drift, [](Fault& f) { f.rate = -1; }), "fault 1: rate");
  EXPECT_EQ(subject_of_fault(FaultKind::hiccup, [](Fault& f) { f.time = f.every; }),
            "fault 1: every");
  EXPECT_EQ(subject_of_fault(FaultKind::broadcast, [](Fault& f) { f.bytes = 4000; }),
            "fault 1: bytes");
  EXPECT_EQ(subject_of_fault(FaultKind::swap, [](Fault& f) { f.nodes.count = 3; }),
            "fault 1: nodes");
  EXPECT_EQ(subject_of_fault(FaultKind::keys, [](Fault& f) { f.nodes.ids = {1}; }),
            "fault 1: nodes");
  EXPECT_EQ(subject_after([](Scenario& s) { s.faults = {fault_of(FaultKind::keys)}; }),
            "fault 1: kind")
      << "the cluster has no key";
}

TEST(Scenario, FaultsCannotTakeMoreNodesThanThereAre) {
  Scenario scenario = valid();
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(1), .nodes = {.count = 8}},
                     {.kind = FaultKind::kill, .at = seconds(2), .nodes = {.count = 3}}};
  ASSERT_EQ(subjects(scenario), "fault 2: nodes");
  EXPECT_NE(scenario.mistakes().front().message.find("give at most 2"), std::string::npos)
      << scenario.mistakes().front().message;
  // Those that come back can be taken again, as can those that have joined.
  scenario.faults[0].lasts = seconds(1);
  EXPECT_EQ(subjects(scenario), "");
  scenario.faults[0].lasts.reset();
  scenario.faults.push_back({.kind = FaultKind::join, .at = seconds(1), .nodes = {.count = 1}});
  EXPECT_EQ(subjects(scenario), "");
  scenario.faults[2].at = seconds(3);
  EXPECT_EQ(subjects(scenario), "fault 2: nodes") << "it counts who runs at that time";
}

TEST(Scenario, NodesThatAreNamedMustBeThereOnce) {
  const auto named = [](std::vector<NodeId> ids) {
    return subject_of_fault(FaultKind::pause, [&](Fault& f) { f.nodes.ids = std::move(ids); });
  };
  EXPECT_EQ(named({0, 9}), "");
  EXPECT_EQ(named({0, 10}), "fault 1: nodes");
  EXPECT_EQ(named({4, 4}), "fault 1: nodes");
  EXPECT_EQ(subject_of_fault(FaultKind::partition, [](Fault& f) { f.nodes.count = 10; }),
            "fault 1: nodes")
      << "there is no other side";
}

TEST(Scenario, ExpectationsMustFitTheRun) {
  const auto expecting = [](Expectations expect, std::vector<Fault> faults) {
    Scenario scenario = valid();
    scenario.expect = expect;
    scenario.faults = std::move(faults);
    return subjects(scenario);
  };
  const Fault crash{.kind = FaultKind::crash, .at = seconds(50)};
  EXPECT_EQ(expecting({.detected_within = seconds(10)}, {crash}), "");
  EXPECT_EQ(expecting({.detected_within = seconds(11)}, {crash}), "expect: detected_within");
  EXPECT_EQ(expecting({.detected_within = seconds(10)}, {}), "expect: detected_within");
  EXPECT_EQ(expecting({.converged_within = seconds(11)}, {crash}), "expect: converged_within");
}

TEST(Scenario, APlotOfWhatIsNotMeasuredIsRefused) {
  EXPECT_EQ(subject_after([](Scenario& s) { s.plots = {Plot::detection}; }), "plots");
  EXPECT_EQ(subject_after([](Scenario& s) { s.plots = {Plot::packets}; }), "");
  EXPECT_EQ(to_string(all_plots().back()), "packets");
}

TEST(Scenario, ValidateNamesTheFirstMistake) {
  Scenario scenario = valid();
  EXPECT_TRUE(scenario.validate());
  scenario.nodes = 0;
  const auto refused = scenario.validate();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error().message, "nodes is 0; it must be 1 to 100000");
}

}  // namespace
}  // namespace memberlist::sim
