#include "trial.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "memberlist/event.hpp"
#include "memberlist/sim/world.hpp"

namespace memberlist::bench {
namespace {

using sim::NodeId;
using sim::World;
using std::chrono::seconds;

/// Before the trouble, and after it: longer than a suspicion at its shortest.
constexpr Duration kBefore = seconds(5);
constexpr Duration kAfter = seconds(15);
/// As many small datagrams as a receive buffer of 2 MiB takes.
constexpr std::size_t kReceiveBuffer = 2048;

/// When the healthy came to know of one death.
struct Watch {
  NodeId subject = 0;
  Duration since{};
  std::size_t knowing = 0;
  std::optional<Duration> first{};
  std::optional<Duration> all{};
};

class Trial {
 public:
  explicit Trial(const Setting& setting)
      : setting_(setting),
        world_({.seed = setting.seed,
                .config = setting.variant.config,
                .behaviour = setting.variant.behaviour,
                .link = setting.link,
                .checks = sim::CheckLevel::none,
                .receive_buffer_packets = kReceiveBuffer}) {}

  Outcome play() {
    world_.on_event([this](NodeId observer, const Event& event) {
      const auto* change = std::get_if<MemberEvent>(&event);
      if (change == nullptr || change->self) return;
      const auto subject = world_.find(change->member.name());
      if (!subject) return;
      if (change->kind == MemberEventKind::suspect) {
        take_suspicion(observer, *subject, change->cause.kind);
      } else if (change->kind == MemberEventKind::dead) {
        take_death(observer, *subject, change->cause.kind);
      }
    });
    world_.add_cluster(setting_.nodes);
    world_.run_for(kBefore);
    const sim::WorldStats before = world_.stats();
    world_.after(setting_.lasts / 2, [this] { crash_some(); });
    if (setting_.detect_troubled) {
      for (NodeId node = 0; node < setting_.troubled; ++node) watch(node);
    }
    make_trouble();
    world_.run_for(kAfter);
    const sim::WorldStats after = world_.stats();
    outcome_.packets = after.packets_sent - before.packets_sent;
    outcome_.bytes = after.bytes_sent - before.bytes_sent;
    outcome_.node_seconds = after.node_seconds - before.node_seconds;
    judge_detections();
    return std::move(outcome_);
  }

 private:
  void make_trouble() {
    if (setting_.troubled == 0) return world_.run_for(setting_.lasts);
    const Duration begun = world_.elapsed();
    if (setting_.trouble == Trouble::slow) {
      for (NodeId node = 0; node < setting_.troubled; ++node) world_.slow(node, setting_.on);
      world_.run_for(setting_.lasts);
      return world_.heal_hosts();
    }
    do {
      for (NodeId node = 0; node < setting_.troubled; ++node) {
        setting_.trouble == Trouble::pause ? world_.pause(node) : world_.block(node);
      }
      if (setting_.trouble == Trouble::stand) {
        run_until_they_stand();
      } else {
        world_.run_for(setting_.on);
      }
      for (NodeId node = 0; node < setting_.troubled; ++node) world_.resume(node);
      world_.run_for(setting_.off);
    } while (world_.elapsed() - begun < setting_.lasts);
  }

  /// As long as the trouble lasts.
  void run_until_they_stand() {
    constexpr Duration kLook = std::chrono::milliseconds(10);
    std::vector<std::uint64_t> probes;
    for (NodeId node = 0; node < setting_.troubled; ++node) probes.push_back(probes_of(node));
    const Duration end = world_.elapsed() + setting_.on;
    while (world_.elapsed() < end) {
      world_.run_for(std::min(kLook, end - world_.elapsed()));
      for (NodeId node = 0; node < setting_.troubled; ++node) {
        if (probes_of(node) > probes[node]) world_.pause(node);
      }
    }
  }

  [[nodiscard]] std::uint64_t probes_of(NodeId node) const {
    return world_.engine(node).counters().probes;
  }

  /// The last ones.
  void crash_some() {
    crashed_ = setting_.crashes;
    for (NodeId node = setting_.nodes - crashed_; node < setting_.nodes; ++node) {
      watch(node);
      world_.crash(node);
    }
  }

  void watch(NodeId subject) {
    watches_.push_back({.subject = subject, .since = world_.elapsed()});
  }

  [[nodiscard]] bool is_well(NodeId node) const {
    return node >= setting_.troubled && node < setting_.nodes - crashed_;
  }
  [[nodiscard]] std::size_t count_of_healthy() const {
    return setting_.nodes - setting_.troubled - crashed_;
  }

  [[nodiscard]] FalseClaims one_at(NodeId observer) const {
    return {1, is_well(observer) ? 1U : 0U};
  }

  void take_suspicion(NodeId observer, NodeId subject, Cause::Kind cause) {
    if (is_well(subject) && cause == Cause::Kind::probe_failed) {
      outcome_.accused += one_at(observer);
    }
  }

  void take_death(NodeId observer, NodeId subject, Cause::Kind cause) {
    if (!is_well(subject)) return note(observer, subject);
    outcome_.believed += one_at(observer);
    if (cause == Cause::Kind::suspicion_expired) outcome_.declared += one_at(observer);
  }

  void note(NodeId observer, NodeId subject) {
    const auto found = std::ranges::find(watches_, subject, &Watch::subject);
    if (found == watches_.end() || !is_well(observer)) return;
    const Duration taken = world_.elapsed() - found->since;
    if (!found->first) found->first = taken;
    if (++found->knowing == count_of_healthy()) found->all = taken;
  }

  void judge_detections() {
    for (const Watch& watch : watches_) {
      if (watch.first) outcome_.first.push_back(bench::seconds(*watch.first));
      if (watch.all) outcome_.all.push_back(bench::seconds(*watch.all));
      if (!watch.all) ++outcome_.missed;
    }
  }

  const Setting& setting_;
  World world_;
  std::vector<Watch> watches_;
  std::size_t crashed_ = 0;
  Outcome outcome_;
};

}  // namespace

Config paper_config(std::uint32_t alpha) {
  Config config = Config::lan();
  config.suspicion_mult = alpha;
  config.suspicion_max_timeout_mult = 6;
  config.awareness_max_multiplier = 9;  // the score is at most one less
  config.disable_tcp_pings = true;
  return config;
}

std::vector<Variant> paper_variants() {
  const auto with = [](std::string_view name, bool probe, bool suspicion, bool buddy) {
    Variant variant{name, paper_config(5), {}};
    variant.behaviour.lha_probe = probe;
    variant.behaviour.lha_suspicion = suspicion;
    variant.behaviour.buddy_system = buddy;
    return variant;
  };
  return {with("SWIM", false, false, false), with("LHA-Probe", true, false, false),
          with("LHA-Suspicion", false, true, false), with("Buddy system", false, false, true),
          with("Lifeguard", true, true, true)};
}

Outcome& Outcome::operator+=(const Outcome& other) {
  accused += other.accused;
  declared += other.declared;
  believed += other.believed;
  packets += other.packets;
  bytes += other.bytes;
  node_seconds += other.node_seconds;
  first.insert(first.end(), other.first.begin(), other.first.end());
  all.insert(all.end(), other.all.begin(), other.all.end());
  missed += other.missed;
  return *this;
}

Outcome play_trial(const Setting& setting) { return Trial(setting).play(); }

Line& add_outcome(Line& line, const Outcome& outcome) {
  return line.add("accused", outcome.accused.at_all)
      .add("accused_healthy", outcome.accused.at_healthy)
      .add("declared", outcome.declared.at_all)
      .add("declared_healthy", outcome.declared.at_healthy)
      .add("believed", outcome.believed.at_all)
      .add("believed_healthy", outcome.believed.at_healthy)
      .add("packets", outcome.packets)
      .add("bytes", outcome.bytes)
      .add("node_seconds", outcome.node_seconds);
}

}  // namespace memberlist::bench
