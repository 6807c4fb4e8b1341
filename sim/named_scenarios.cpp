#include <vector>

#include "memberlist/sim/scenario.hpp"

namespace memberlist::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Round trips inside of a data centre.
Link data_centre() {
  Link link;
  link.latencies = LatencyTable::log_normal(microseconds(250), 0.5);
  return link;
}

Scenario cluster(const char* name, const char* description, std::size_t nodes, Duration lasts) {
  Scenario scenario;
  scenario.name = name;
  scenario.description = description;
  scenario.nodes = nodes;
  scenario.lasts = lasts;
  scenario.link = data_centre();
  return scenario;
}

std::vector<NodeId> first_nodes(std::size_t count) {
  std::vector<NodeId> ids;
  ids.reserve(count);
  for (NodeId id = 0; id < count; ++id) ids.push_back(id);
  return ids;
}

Scenario healthy() {
  Scenario scenario =
      cluster("healthy", "A cluster at rest: nobody is suspected.", 100, seconds(60));
  scenario.expect.false_positives = 0;
  scenario.expect.converged_within = seconds(1);
  return scenario;
}

Scenario crash_one() {
  Scenario scenario =
      cluster("crash-one", "One of a hundred machines is switched off.", 100, seconds(60));
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(10)}};
  scenario.expect = {
      .detected_within = seconds(45), .converged_within = seconds(45), .false_positives = 0};
  return scenario;
}

Scenario rack_fire() {
  Scenario scenario =
      cluster("rack-fire", "Ten of a hundred machines are switched off at once.", 100, seconds(90));
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(10), .nodes = {.count = 10}}};
  scenario.expect = {.detected_within = seconds(60), .converged_within = seconds(60)};
  return scenario;
}

Scenario flaky_link() {
  Scenario scenario =
      cluster("flaky-link", "Two of fifty nodes lose packets in bursts, and one other crashes.", 50,
              seconds(120));
  // A burst ends after four packets: of three that begin in a hundred, they lose a tenth, and
  // another fifth by chance.
  scenario.faults = {
      {.kind = FaultKind::bursts, .at = seconds(5), .nodes = {.ids = {1, 2}}, .rate = 0.03},
      {.kind = FaultKind::loss, .at = seconds(5), .nodes = {.ids = {1, 2}}, .rate = 0.2},
      {.kind = FaultKind::crash, .at = seconds(20), .nodes = {.ids = {3}}}};
  scenario.expect.detected_within = seconds(60);
  return scenario;
}

Scenario hiccups() {
  Scenario scenario =
      cluster("hiccups",
              "Five of sixty processes stand still for 0.7 s again and again; one other crashes.",
              60, seconds(90));
  scenario.faults = {{.kind = FaultKind::hiccup,
                      .at = seconds(1),
                      .nodes = {.ids = first_nodes(5)},
                      .time = milliseconds(700),
                      .every = seconds(3)},
                     {.kind = FaultKind::crash, .at = seconds(20), .nodes = {.ids = {40}}}};
  scenario.expect.detected_within = seconds(60);
  return scenario;
}

Scenario partition_and_heal() {
  Scenario scenario =
      cluster("partition-and-heal",
              "A third of thirty nodes is cut off for a minute, and comes back.", 30, seconds(90));
  scenario.faults = {{.kind = FaultKind::partition,
                      .at = seconds(5),
                      .lasts = seconds(60),
                      .nodes = {.ids = first_nodes(10)}}};
  scenario.heal_at_end = true;
  scenario.expect.converged_within = seconds(60);
  return scenario;
}

Scenario rolling_restart() {
  Scenario scenario =
      cluster("rolling-restart", "Each of ten nodes leaves, and is back five seconds later.", 10,
              seconds(120));
  for (NodeId node = 0; node < scenario.nodes; ++node) {
    scenario.faults.push_back({.kind = FaultKind::leave,
                               .at = seconds(5) + node * seconds(8),
                               .lasts = seconds(5),
                               .nodes = {.ids = {node}}});
  }
  scenario.expect = {.converged_within = seconds(30), .false_positives = 0};
  return scenario;
}

Scenario join_storm() {
  Scenario scenario = cluster(
      "join-storm", "Ninety-nine nodes join through one, within two seconds.", 100, seconds(60));
  scenario.formed = false;
  scenario.join_within = seconds(2);
  scenario.expect = {.converged_within = seconds(50), .false_positives = 0};
  return scenario;
}

Scenario slow_hosts() {
  Scenario scenario =
      cluster("slow-hosts", "Three of forty nodes need 100 ms for each packet; one other crashes.",
              40, seconds(120));
  scenario.faults = {{.kind = FaultKind::slow,
                      .at = seconds(1),
                      .nodes = {.ids = first_nodes(3)},
                      .time = milliseconds(100)},
                     {.kind = FaultKind::crash, .at = seconds(20), .nodes = {.ids = {20}}}};
  return scenario;
}

Scenario two_zones() {
  Scenario scenario =
      cluster("two-zones", "Two data centres, 40 ms apart; one node crashes.", 40, seconds(240));
  scenario.profile = Profile::wan;
  scenario.config = Config::wan();
  scenario.formed = false;
  scenario.join_within = seconds(10);
  scenario.zones = 2;
  scenario.zone_link.emplace();
  scenario.zone_link->latency = milliseconds(40);
  scenario.zone_link->jitter = milliseconds(5);
  scenario.zone_link->loss = 0.005;
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(60)}};
  scenario.expect = {.detected_within = seconds(160), .false_positives = 0};
  return scenario;
}

/// One setting of the interval experiment of arXiv 1707.00788, section V.
Scenario lifeguard_interval() {
  Scenario scenario = cluster(
      "lifeguard-interval",
      "Eight of 128 nodes are blocked for 8.2 s at a time (Lifeguard's interval experiment).", 128,
      seconds(120));
  const Duration blocked = milliseconds(8192);
  const Duration open = milliseconds(1024);
  for (Duration at = seconds(15); at + blocked < scenario.lasts; at += blocked + open) {
    scenario.faults.push_back(
        {.kind = FaultKind::block, .at = at, .lasts = blocked, .nodes = {.ids = first_nodes(8)}});
  }
  return scenario;
}

// --- experiments of papers: docs/experiments ----------------------------------------------------

/// The constants of the Lifeguard paper.
void use_paper_config(Scenario& scenario, std::uint32_t alpha) {
  scenario.config.suspicion_mult = alpha;
  scenario.config.awareness_max_multiplier = 9;  // the score is at most one less
  scenario.config.disable_tcp_pings = true;
}

Scenario lifeguard_threshold(const char* name, const char* description, std::uint32_t alpha) {
  Scenario scenario = cluster(name, description, 128, seconds(75));
  use_paper_config(scenario, alpha);
  scenario.faults = {
      {.kind = FaultKind::block, .at = seconds(5), .nodes = {.ids = first_nodes(4)}}};
  scenario.expect.detected_within = seconds(70);
  return scenario;
}

Scenario lifeguard_starvation() {
  Scenario scenario = cluster(
      "lifeguard-starvation",
      "Eight of 100 nodes need 200 ms for each packet (Lifeguard's lack of processor time).", 100,
      seconds(120));
  use_paper_config(scenario, 5);
  scenario.faults = {{.kind = FaultKind::slow,
                      .at = seconds(5),
                      .nodes = {.ids = first_nodes(8)},
                      .time = milliseconds(200)}};
  return scenario;
}

Scenario swim_first_detection() {
  Scenario scenario = cluster(
      "swim-first-detection",
      "One of 128 crashes (SWIM: probed after 1.6 periods, whatever the size).", 128, seconds(30));
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(5)}};
  return scenario;
}

Scenario swim_dissemination() {
  Scenario scenario =
      cluster("swim-dissemination",
              "One of 128 changes its meta data, which spreads by pings and acks alone (SWIM).",
              128, seconds(30));
  scenario.config.gossip_interval = Duration::zero();
  scenario.config.push_pull_interval = Duration::zero();
  scenario.faults = {{.kind = FaultKind::meta, .at = seconds(5)}};
  return scenario;
}

Scenario swim_loss() {
  Scenario scenario =
      cluster("swim-loss", "Every tenth packet of 128 nodes is lost, and one node crashes (SWIM).",
              128, seconds(120));
  use_paper_config(scenario, 5);
  scenario.link.loss = 0.1;
  scenario.faults = {{.kind = FaultKind::crash, .at = seconds(60)}};
  return scenario;
}

Scenario rapid_bootstrap() {
  Scenario scenario =
      cluster("rapid-bootstrap", "A thousand nodes join through one, within two seconds (Rapid).",
              1000, seconds(60));
  scenario.formed = false;
  scenario.join_within = seconds(2);
  scenario.checks = CheckLevel::none;
  return scenario;
}

Scenario rapid(const char* name, const char* description, const Fault& fault, Duration lasts) {
  Scenario scenario = cluster(name, description, 1000, lasts);
  scenario.checks = CheckLevel::none;
  scenario.faults = {fault};
  return scenario;
}

Scenario rapid_crash() {
  return rapid("rapid-crash", "Ten of a thousand nodes crash (Rapid).",
               {.kind = FaultKind::crash, .at = seconds(10), .nodes = {.count = 10}}, seconds(60));
}

Scenario rapid_loss() {
  return rapid("rapid-loss", "Ten of a thousand nodes lose 80 % of what they send (Rapid).",
               {.kind = FaultKind::loss,
                .at = seconds(10),
                .nodes = {.ids = first_nodes(10)},
                .rate = 0.8,
                .direction = Fault::Direction::outgoing},
               seconds(120));
}

Scenario rapid_flip_flop() {
  Scenario scenario =
      rapid("rapid-flip-flop",
            "Ten of a thousand nodes receive nothing for 20 s, all for 20 s, and so on (Rapid).",
            {.kind = FaultKind::cut,
             .at = seconds(10),
             .lasts = seconds(20),
             .nodes = {.ids = first_nodes(10)},
             .direction = Fault::Direction::incoming},
            seconds(130));
  for (const Duration at : {seconds(50), seconds(90)}) {
    scenario.faults.push_back(scenario.faults.front());
    scenario.faults.back().at = at;
  }
  return scenario;
}

}  // namespace

std::span<const Scenario> named_scenarios() {
  static const std::vector<Scenario> kAll{
      healthy(),
      crash_one(),
      rack_fire(),
      flaky_link(),
      hiccups(),
      partition_and_heal(),
      rolling_restart(),
      join_storm(),
      slow_hosts(),
      two_zones(),
      lifeguard_interval(),
      lifeguard_threshold("lifeguard-threshold",
                          "Four of 128 nodes are blocked for good (Lifeguard's threshold).", 5),
      lifeguard_threshold("lifeguard-alpha-2",
                          "The same with suspicions of two fifths (Lifeguard's tuning).", 2),
      lifeguard_starvation(),
      swim_first_detection(),
      swim_dissemination(),
      swim_loss(),
      rapid_bootstrap(),
      rapid_crash(),
      rapid_loss(),
      rapid_flip_flop()};
  return kAll;
}

}  // namespace memberlist::sim
