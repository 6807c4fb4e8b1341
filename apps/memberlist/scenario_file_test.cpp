#include "scenario_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "scenario_fields.hpp"

namespace memberlist::cli {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

sim::Scenario parsed(const std::string& toml) {
  const auto scenario = parse_scenario(toml, "s.toml");
  EXPECT_TRUE(scenario) << scenario.error().text;
  return scenario.value_or(sim::Scenario{});
}

/// All that is wrong, a line each.
std::string mistakes(const std::string& toml, const ScenarioChanges& changes = {}) {
  const auto scenario = parse_scenario(toml, "s.toml", changes);
  if (scenario) return "";
  EXPECT_EQ(scenario.error().exit_code, kExitUsage);
  std::string all = scenario.error().text + "\n";
  for (const std::string& text : scenario.error().more) all += text + "\n";
  return all;
}

bool same_latencies(const sim::LatencyTable& a, const sim::LatencyTable& b) {
  if (a.empty() || b.empty()) return a.empty() == b.empty();
  for (int i = 0; i <= 2000; ++i) {
    if (a.at(i / 2000.0) != b.at(i / 2000.0)) return false;
  }
  return true;
}

template <class T>
void expect_same_fields(const T& a, const T& b) {
  for (const auto& field : kFieldsOf<T>) {
    std::visit([&](auto member) { EXPECT_TRUE(a.*member == b.*member) << field.key; },
               field.member);
  }
}

void expect_same(const sim::Link& a, const sim::Link& b) {
  expect_same_fields(a, b);
  expect_same_fields(a.bursts, b.bursts);
  EXPECT_TRUE(same_latencies(a.latencies, b.latencies));
  if (a.latencies.empty()) {
    EXPECT_EQ(a.latency, b.latency);
  }
}

void expect_same(const sim::Scenario& a, const sim::Scenario& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.description, b.description);
  EXPECT_EQ(a.profile, b.profile);
  EXPECT_EQ(a.checks, b.checks);
  EXPECT_EQ(a.plots, b.plots);
  expect_same_fields(a, b);
  expect_same_fields(a.behaviour, b.behaviour);
  expect_same_fields(a.expect, b.expect);
  for (const KnobField& knob : kKnobFields) {
    std::visit([&](auto member) { EXPECT_EQ(a.config.*member, b.config.*member) << knob.knob; },
               knob.member);
  }
  expect_same(a.link, b.link);
  ASSERT_EQ(a.zone_link.has_value(), b.zone_link.has_value());
  if (a.zone_link) expect_same(*a.zone_link, *b.zone_link);
  ASSERT_EQ(a.faults.size(), b.faults.size());
  for (std::size_t i = 0; i < a.faults.size(); ++i) {
    EXPECT_EQ(a.faults[i].kind, b.faults[i].kind) << i;
    EXPECT_EQ(a.faults[i].nodes.count, b.faults[i].nodes.count) << i;
    EXPECT_EQ(a.faults[i].nodes.ids, b.faults[i].nodes.ids) << i;
    EXPECT_EQ(a.faults[i].direction, b.faults[i].direction) << i;
    expect_same_fields(a.faults[i], b.faults[i]);
  }
}

void expect_round_trip(const sim::Scenario& scenario) {
  const std::string toml = to_toml(scenario);
  const auto again = parse_scenario(toml, "s.toml");
  ASSERT_TRUE(again) << again.error().text << "\n" << toml;
  expect_same(scenario, *again);
}

// --- reading -------------------------------------------------------------------------------------

TEST(ScenarioFile, ReadsAWholeScenario) {
  const sim::Scenario scenario = parsed(R"(
name = "all"
description = "with \"everything\""
nodes = 12
formed = false
join_within = "2s"
profile = "wan"
zones = 3
encrypted = true
lasts = "3m"
heal_at_end = true
checks = "packets"
plots = ["packets", "detection"]

[set]
probe_interval = "2s"
probe_timeout = "1s"
gossip_nodes = 4
enable_compression = false

[link]
latency = { median = "250us", sigma = 0.5 }
loss = 0.01
bursts = { begin = 0.1, end = 0.5, loss = 1 }

[zone_link]
latency = "40ms"
jitter = "5ms"

[[fault]]
kind = "crash"
at = "10s"
nodes = 2

[[fault]]
kind = "cut"
at = "20s"
lasts = "5s"
nodes = [0, 4]
direction = "incoming"
tcp = false

[expect]
detected_within = "90s"
converged_within = "2m"
false_positives = 3
)");
  EXPECT_EQ(scenario.nodes, 12U);
  EXPECT_FALSE(scenario.formed);
  EXPECT_EQ(scenario.join_within, seconds(2));
  EXPECT_EQ(scenario.profile, Profile::wan);
  EXPECT_EQ(scenario.config.probe_interval, seconds(2));
  EXPECT_FALSE(scenario.config.enable_compression);
  EXPECT_TRUE(same_latencies(scenario.link.latencies,
                             sim::LatencyTable::log_normal(microseconds(250), 0.5)));
  EXPECT_EQ(scenario.link.bursts.loss, 1);
  ASSERT_TRUE(scenario.zone_link);
  EXPECT_EQ(scenario.zone_link->jitter, milliseconds(5));
  ASSERT_EQ(scenario.faults.size(), 2U);
  EXPECT_EQ(scenario.faults[0].nodes.count, 2U);
  EXPECT_EQ(scenario.faults[1].kind, sim::FaultKind::cut);
  EXPECT_EQ(scenario.faults[1].nodes.ids, (std::vector<sim::NodeId>{0, 4}));
  EXPECT_EQ(scenario.faults[1].lasts, seconds(5));
  EXPECT_FALSE(scenario.faults[1].tcp);
  EXPECT_EQ(scenario.expect.false_positives, 3U);
  EXPECT_EQ(scenario.plots, (std::vector{sim::Plot::packets, sim::Plot::detection}));
}

TEST(ScenarioFile, ALatencyMayBeMeasured) {
  const sim::Scenario scenario =
      parsed("name = \"a\"\n[link]\nlatency = { measured = [\"3ms\", \"1ms\"] }\n");
  EXPECT_EQ(scenario.link.latencies.at(0), milliseconds(1));
  EXPECT_EQ(scenario.link.latencies.at(1), milliseconds(3));
}

TEST(ScenarioFile, BehaviourIsSwitched) {
  const sim::Scenario scenario =
      parsed("name = \"a\"\n[behaviour]\nlha_suspicion = false\nnack_percent = 0\n");
  Behaviour expected;
  expected.lha_suspicion = false;
  expected.nack_percent = 0;
  EXPECT_EQ(scenario.behaviour, expected);
}

TEST(ScenarioFile, TheChoicesOfTheGoLibraryAreTheBeginning) {
  const sim::Scenario scenario = parsed(
      "name = \"a\"\ngo_nodes = 3\n[behaviour]\nbuddy_system = false\ntold_dead = true\n"
      "choices = \"go\"\n");
  Behaviour expected = Behaviour::go();
  expected.buddy_system = false;
  expected.told_dead = true;
  EXPECT_EQ(scenario.behaviour, expected);
  EXPECT_EQ(scenario.go_nodes, 3U);
}

TEST(ScenarioFile, TheCommandLineChangesTheNodes) {
  const auto scenario = parse_scenario("name = \"a\"\nnodes = 5\n", "s.toml", {.nodes = 7});
  ASSERT_TRUE(scenario);
  EXPECT_EQ(scenario->nodes, 7U);
  EXPECT_EQ(mistakes("name = \"a\"\n", {.nodes = 0}),
            "--nodes: nodes is 0; it must be 1 to 100000\n");
}

// --- mistakes ------------------------------------------------------------------------------------

TEST(ScenarioFile, MistakesInTheBehaviourAreFound) {
  EXPECT_EQ(mistakes("name = \"a\"\n[behaviour]\nlha_prob = false\nstall_rule = 0\n"),
            "s.toml, line 3: behaviour: `lha_prob` is not known: did you mean `lha_probe`?\n"
            "s.toml, line 4: behaviour: `stall_rule` must be true or false\n");
  EXPECT_EQ(mistakes("name = \"a\"\n[behaviour]\nnack_percent = 101\n"),
            "s.toml, line 3: behaviour: nack_percent is 101; it must be 0 to 100\n");
  EXPECT_EQ(mistakes("name = \"a\"\nnodes = 4\ngo_nodes = 5\n[behaviour]\nchoices = \"rust\"\n"),
            "s.toml, line 3: go_nodes is 5; it must be 0 to 4\n"
            "s.toml, line 5: behaviour: `choices` must be one of: own, go\n");
}

TEST(ScenarioFile, AllMistakesAreListedWithTheirLines) {
  EXPECT_EQ(mistakes(R"(name = "a"
ndoes = 5
lasts = 60
zones = -1
probe_interval = "1s"
checks = "all"
plots = ["detektion"]
[set]
gossip_nodes = "many"
[link]
loss = 2
latency = "soon"
[[fault]]
kind = "crahs"
at = "1s"
[[fault]]
kind = "loss"
at = "70s"
[[fault]]
at = "1s"
[expect]
detected_withn = "1s"
)"),
            R"(s.toml, line 2: `ndoes` is not known: did you mean `nodes`?
s.toml, line 3: `lasts` must be a quoted time such as "250ms"
s.toml, line 4: `zones` must be a whole number, 0 or more
s.toml, line 5: `probe_interval` is not known: knobs go into the table [set]
s.toml, line 6: `checks` must be one of: none, cluster, packets, inside
s.toml, line 7: `plots` = detektion: did you mean `detection`?
s.toml, line 9: `gossip_nodes` = many: gossip_nodes is "many"; it must be a whole number between 0 and 255
s.toml, line 11: link: loss is 2; it must be a probability, 0 to 1
s.toml, line 12: link: `latency` = soon: "soon" is not a valid time; write it as 250ms, 1.5s, 2m or 1h
s.toml, line 14: fault 1: `kind` = crahs: did you mean `crash`?
s.toml, line 16: fault 2: rate is missing; a loss needs it
s.toml, line 18: fault 2: at is 70s; it must be 0 or later, and before the end of the run at 1m
s.toml, line 19: fault 3: `kind` is missing
s.toml, line 22: expect: `detected_withn` is not known: did you mean `detected_within`?
)");
}

TEST(ScenarioFile, ANameIsNeeded) {
  EXPECT_EQ(mistakes("nodes = 5\n"),
            "s.toml, line 1: `name` is missing: give the scenario a name of one word\n");
}

TEST(ScenarioFile, WhatIsRefusedNamesItsLine) {
  EXPECT_EQ(mistakes("name = \"a\"\nnodes = 5\n\n[[fault]]\nkind = \"crash\"\nnodes = 8\n"),
            "s.toml, line 6: fault 1: nodes is 8, but 5 of 5 nodes run then; give at most 5\n");
  EXPECT_EQ(mistakes("name = \"a\"\nplots = [\"detection\"]\n"),
            "s.toml, line 2: plots has detection, which needs something to detect: a fault of the "
            "kind crash, kill or block without `lasts`\n");
  EXPECT_NE(mistakes("name = \"a\"\n[set]\nprobe_timeout = \"2s\"\n").find("line 3: probe_timeout"),
            std::string::npos);
  EXPECT_EQ(mistakes("name = \"a\"\n[link]\nbursts = { begin = 3 }\n"),
            "s.toml, line 3: link: bursts.begin is 3; it must be a probability, 0 to 1\n");
}

TEST(ScenarioFile, WrongTypesAreRefused) {
  EXPECT_NE(mistakes("name = 5\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\nlink = 5\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\nset = 5\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\nfault = 5\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\nfault = [5]\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\nexpect = 5\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\nplots = 5\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\nformed = 1\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\n[link]\nlatency = { median = \"1ms\" }\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\n[link]\nlatency = { median = \"0\", sigma = 1 }\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\n[link]\nlatency = { median = \"1ms\", sigma = 4 }\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\n[link]\nlatency = { measured = [] }\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\n[link]\nlatency = { measured = [\"-1ms\"] }\n"), "");
  EXPECT_NE(mistakes("name = \"a\"\n[[fault]]\nkind = \"pause\"\nnodes = []\n"), "");
  EXPECT_NE(mistakes("name = \n"), "");
}

TEST(ScenarioFile, AFileThatIsNotThereMayBeAMisspeltName) {
  const auto missing = load_scenario("crash-oen");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit_code, kExitFailed);
  EXPECT_NE(missing.error().text.find("did you mean the scenario `crash-one`?"), std::string::npos)
      << missing.error().text;
  EXPECT_TRUE(load_scenario("crash-one"));
}

// --- writing -------------------------------------------------------------------------------------

TEST(ScenarioFile, TheNamedOnesCanBeWrittenAndRead) {
  for (const sim::Scenario& scenario : sim::named_scenarios()) expect_round_trip(scenario);
}

TEST(ScenarioFile, EveryFieldIsWritten) {
  sim::Scenario scenario;
  scenario.name = "all";
  scenario.description = "quotes \" and \\ and \n and \x7f and \xc3\xa4";
  scenario.nodes = 20;
  scenario.formed = false;
  scenario.join_within = milliseconds(1500);
  scenario.profile = Profile::local;
  scenario.config = Config::local();
  scenario.config.udp_buffer_size = 1200;
  scenario.config.protocol_version = 3;
  scenario.config.probe_interval = seconds(3);
  scenario.config.disable_tcp_pings = true;
  scenario.zones = 4;
  scenario.encrypted = true;
  scenario.lasts = seconds(100);
  scenario.heal_at_end = true;
  scenario.checks = sim::CheckLevel::inside;
  scenario.plots = {sim::Plot::false_positives, sim::Plot::convergence};
  scenario.expect = {.converged_within = seconds(30), .false_positives = 7};
  scenario.link.latency = microseconds(123);
  scenario.zone_link.emplace();
  double value = 0.001;
  for (const auto& field : kFieldsOf<sim::Link>) {
    std::visit(
        [&](auto member) {
          auto& target = (*scenario.zone_link).*member;
          if constexpr (std::is_same_v<decltype(target), double&>) target = value *= 1.5;
          if constexpr (std::is_same_v<decltype(target), bool&>) target = true;
          if constexpr (std::is_same_v<decltype(target), std::size_t&>) target = 5000;
          if constexpr (std::is_same_v<decltype(target), Duration&>) target = milliseconds(77);
        },
        field.member);
  }
  scenario.zone_link->bursts = {.begin = 1e-5, .end = 0.125, .loss = 0.75};
  scenario.zone_link->latencies =
      sim::LatencyTable::measured(std::vector<Duration>{milliseconds(1), seconds(1), seconds(2)});
  for (const sim::FaultKind kind : sim::fault_kinds()) {
    sim::Fault fault{.kind = kind, .at = seconds(1), .nodes = {.ids = {3, 1}}};
    switch (kind) {
      case sim::FaultKind::join:
        fault.nodes = {.count = 3};
        fault.time = seconds(1);
        break;
      case sim::FaultKind::hiccup:
        fault.time = milliseconds(5);
        fault.every = seconds(1);
        break;
      case sim::FaultKind::flap:
        fault.every = seconds(1);
        break;
      case sim::FaultKind::keys:
        fault.nodes = {};
        fault.time = milliseconds(5);
        break;
      case sim::FaultKind::slow:
      case sim::FaultKind::step:
      case sim::FaultKind::latency:
        fault.time = milliseconds(5);
        break;
      case sim::FaultKind::reorder:
        fault.time = milliseconds(5);
        fault.rate = 0.1;
        break;
      case sim::FaultKind::drift:
        fault.rate = -0.5;
        break;
      case sim::FaultKind::loss:
      case sim::FaultKind::bursts:
      case sim::FaultKind::duplicate:
      case sim::FaultKind::corrupt:
      case sim::FaultKind::tcp_stall:
      case sim::FaultKind::tcp_reset:
        fault.rate = 0.25;
        fault.direction = sim::Fault::Direction::outgoing;
        break;
      case sim::FaultKind::bandwidth:
        fault.bytes = 5000;
        break;
      case sim::FaultKind::mtu:
        fault.bytes = 500;
        break;
      case sim::FaultKind::broadcast:
        fault.bytes = 50;
        break;
      case sim::FaultKind::cut:
        fault.udp = false;
        break;
      case sim::FaultKind::crash:
      case sim::FaultKind::kill:
      case sim::FaultKind::leave:
        fault.lasts = milliseconds(1234);
        break;
      default:
        break;
    }
    scenario.faults.push_back(fault);
  }
  scenario.behaviour = Behaviour::go();
  scenario.behaviour.buddy_system = false;
  scenario.behaviour.nack_percent = 100;
  scenario.go_nodes = 2;
  expect_round_trip(scenario);
}

TEST(ScenarioFile, EveryKnobCanBeWritten) {
  std::vector<std::string_view> known;
  for (const KnobField& field : kKnobFields) known.push_back(field.knob);
  for (const KnobInfo& knob : knobs()) {
    EXPECT_NE(std::ranges::find(known, knob.name), known.end()) << knob.name;
  }
  EXPECT_EQ(known.size(), knobs().size());
}

}  // namespace
}  // namespace memberlist::cli
