// Compiled without access control (see CMakeLists.txt), so that the engine needs no door for tests.

#include "sim/internals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "sim/holdings.hpp"
#include "swim/engine_impl.hpp"

namespace memberlist::sim {
namespace {

using swim::MemberEntry;
using swim::MemberIndex;
using swim::Prober;
using swim::Streams;
using swim::TimerEvent;

class Inspection {
 public:
  Inspection(const Engine::Impl& impl, const Reporter& reporter)
      : impl_(impl), reporter_(reporter) {}

  void table() const;
  void tombstones() const;
  void suspicions() const;
  void timers() const;
  void streams() const;
  void awaited() const;
  void joins() const;
  void operations() const;
  void broadcasts() const;

 private:
  void timer(const TimerEvent& event, TimePoint when) const;

  const Engine::Impl& impl_;
  const Reporter& reporter_;
};

void Inspection::table() const {
  const swim::MemberTable& table = impl_.cluster.table;
  std::vector<bool> seen(table.places_);
  std::map<MemberStatus, std::size_t> counts;
  for (const MemberIndex index : table.order_) {
    const MemberEntry& entry = table.at(index);
    reporter_.require(entry.record != nullptr, "the probe list holds members");
    reporter_.require(!seen[index], "the probe list holds each member once");
    seen[index] = true;
    reporter_.require(table.find(entry.record->name) == index, "a member is found by its name");
    ++counts[entry.status];
  }
  for (const MemberStatus status :
       {MemberStatus::alive, MemberStatus::suspect, MemberStatus::dead, MemberStatus::left}) {
    reporter_.require(counts[status] == table.count(status), "the table counts its members");
  }
  reporter_.require(
      table.by_name_.size() == table.size() && table.free_.size() + table.size() == table.places_,
      "the table's places are taken or free");
  std::size_t older = 0;
  for (const MemberIndex index : table.order_) {
    const auto* const links = table.sharing_.find(index);
    if (links != nullptr && links->newer != swim::kNoMember) {
      ++older;
    } else {
      reporter_.require(table.find(table.at(index).record->address) == index,
                        "an address leads to who has it");
    }
  }
  reporter_.require(table.by_address_.size() + older == table.size(),
                    "an address leads to the newest that has it");
}

void Inspection::tombstones() const {
  const swim::Tombstones& tombstones = impl_.cluster.tombstones;
  TimePoint last{};
  for (const swim::Tombstone& tombstone : tombstones.by_age_) {
    reporter_.require(tombstone.buried >= last && tombstone.buried <= impl_.clock.now,
                      "tombstones stand in the order of their time");
    last = tombstone.buried;
    reporter_.require(tombstones.find(tombstone.name) == &tombstone,
                      "a tombstone is found by its name");
    reporter_.require(impl_.cluster.table.find(tombstone.name) == swim::kNoMember,
                      "nobody is both a member and buried");
  }
  reporter_.require(tombstones.by_name_.size() == tombstones.by_age_.size() &&
                        tombstones.size() <= limits::kTombstones,
                    "tombstones are counted and bounded");
}

void Inspection::suspicions() const {
  const swim::MemberTable& table = impl_.cluster.table;
  for (const MemberIndex index : table.order_) {
    if (table.at(index).status != MemberStatus::suspect) continue;
    const swim::RunningSuspicion* const running = table.suspicion(index);
    reporter_.require(running != nullptr, "the suspect have a suspicion");
    if (running == nullptr) continue;
    reporter_.require(impl_.clock.timers.pending(running->timer), "a suspicion has a timer");
    reporter_.require(running->suspicion.accusers().size() <= impl_.node.config.suspicion_mult,
                      "a suspicion counts a bounded number of accusers");
  }
  reporter_.require(table.suspicions_.size() == table.count(MemberStatus::suspect),
                    "nobody else has a suspicion");
}

/// Each timer has somebody who waits for it; together with what is checked of those who wait, their
/// number is bounded by members, streams, operations and what is awaited.
void Inspection::timers() const {
  std::array<std::size_t, std::to_underlying(TimerEvent::Kind::queue_check) + 1> ticks{};
  for (const auto& entry : impl_.clock.timers.heap_) {
    const TimerEvent& event = impl_.clock.timers.slots_.at(entry.slot).payload;
    if (event.kind <= TimerEvent::Kind::queue_check) {
      ++ticks.at(std::to_underlying(event.kind));
    } else {
      timer(event, entry.when);
    }
  }
  const Config& config = impl_.node.config;
  const auto require_tick = [&](TimerEvent::Kind kind, Duration interval) {
    reporter_.require(ticks.at(std::to_underlying(kind)) == (interval > Duration::zero() ? 1 : 0),
                      "each tick that is on is planned once");
  };
  require_tick(TimerEvent::Kind::probe_tick, config.probe_interval);
  require_tick(TimerEvent::Kind::push_pull_tick, config.push_pull_interval);
  require_tick(TimerEvent::Kind::queue_check, config.queue_check_interval);
  reporter_.require(ticks.at(std::to_underlying(TimerEvent::Kind::gossip_tick)) ==
                        (impl_.gossiper.ticks_ ? 1 : 0),
                    "the gossip tick is planned once while there is something to send");
  reporter_.require(ticks.at(std::to_underlying(TimerEvent::Kind::push_pull_after_join)) ==
                        (impl_.push_pull_schedule.planned_after_join_ ? 1 : 0),
                    "the push/pull after a join is planned once");
}

void Inspection::timer(const TimerEvent& event, TimePoint when) const {
  using Kind = TimerEvent::Kind;
  const auto& awaited = impl_.prober.awaited_;
  const auto waiting = awaited.find(static_cast<std::uint32_t>(event.number));
  const auto awaits = [&]<class T>(std::in_place_type_t<T>) {
    return waiting != awaited.end() && std::holds_alternative<T>(waiting->second);
  };
  bool wanted = true;
  switch (event.kind) {
    case Kind::probe_timeout:
    case Kind::probe_deadline:
      wanted = awaits(std::in_place_type<Prober::Probe>);
      break;
    case Kind::relay_timeout:
    case Kind::relay_end:
      wanted = awaits(std::in_place_type<Prober::Relay>);
      break;
    case Kind::ping_timeout:
      wanted = awaits(std::in_place_type<Prober::HandPing>);
      break;
    case Kind::suspicion: {
      const auto* const running =
          impl_.cluster.table.suspicion(static_cast<MemberIndex>(event.number));
      wanted = running != nullptr && running->suspicion.deadline() == when;
      break;
    }
    case Kind::refutation:
      wanted = impl_.self_announcer.step_planned_;
      break;
    case Kind::stream:
      wanted = impl_.streams.streams_.contains(event.number);
      break;
    case Kind::operation:
      wanted = impl_.operations.open_.contains(event.number);
      break;
    default:
      break;
  }
  reporter_.require(wanted, "every timer has somebody who waits for it", [&] {
    return fmt::format("kind {}, number {}", std::to_underlying(event.kind), event.number);
  });
}

void Inspection::streams() const {
  const Streams& streams = impl_.streams;
  std::size_t inbound = 0;
  std::size_t served = 0;
  std::size_t held = 0;
  for (const auto& [id, stream] : streams.streams_) {
    reporter_.require(impl_.clock.timers.pending(stream.deadline_timer),
                      "every stream has a timer");
    if (stream.kind == Streams::Kind::inbound) ++inbound;
    if (stream.counted_push_pull) ++served;
    held += stream.held_bytes;
  }
  reporter_.require(inbound == streams.budget_.streams_ && inbound <= limits::kInboundStreams,
                    "inbound streams are counted and bounded");
  reporter_.require(served == streams.served_push_pulls_ && served <= limits::kConcurrentPushPulls,
                    "push/pulls that are served are counted and bounded");
  reporter_.require(held == streams.budget_.bytes_ && held <= limits::kIncompleteStreamBytes,
                    "bytes held for incomplete streams are counted and bounded");
  for (const auto& [seq_no, id] : streams.pings_) {
    const auto found = streams.streams_.find(std::to_underlying(id));
    reporter_.require(found != streams.streams_.end() && found->second.seq_no == seq_no,
                      "a fallback ping has its stream");
  }
}

void Inspection::awaited() const {
  std::size_t relays = 0;
  std::size_t hand_pings = 0;
  for (const auto& [seq_no, waiting] : impl_.prober.awaited_) {
    TimerHandle last;
    if (const auto* probe = std::get_if<Prober::Probe>(&waiting)) last = probe->deadline_timer;
    if (const auto* ping = std::get_if<Prober::HandPing>(&waiting)) {
      last = ping->timer;
      ++hand_pings;
    }
    if (const auto* relay = std::get_if<Prober::Relay>(&waiting)) {
      last = relay->end_timer;
      ++relays;
    }
    reporter_.require(impl_.clock.timers.pending(last), "every awaited ack has a timer");
  }
  reporter_.require(relays == impl_.prober.relays_ && relays <= limits::kRelayedPings,
                    "relayed pings are counted and bounded");
  reporter_.require(hand_pings == impl_.prober.hand_pings_ && hand_pings <= limits::kHandPings,
                    "pings by hand are counted and bounded");
}

void Inspection::joins() const {
  const swim::Participation& participation = impl_.participation;
  std::map<std::uint64_t, std::size_t> active;
  for (const auto& [stream, step] : participation.steps_) {
    reporter_.require(impl_.streams.streams_.contains(stream), "a join waits for open streams");
    ++active[std::to_underlying(step.join)];
  }
  for (const auto& [id, join] : participation.joins_) {
    reporter_.require(impl_.operations.is_open(OperationId{id}), "a join under way is open");
    reporter_.require(
        join.active > 0 && join.active == active[id] && join.active <= limits::kParallelJoins,
        "a join waits for as many streams as it says");
  }
  reporter_.require(active.size() == participation.joins_.size(), "a join's streams have a join");
}

void Inspection::operations() const {
  std::set<std::uint64_t> ends;
  for (const auto& [id, join] : impl_.participation.joins_) ends.insert(id);
  for (const auto& [id, stream] : impl_.streams.streams_) {
    if (stream.kind == Streams::Kind::user_message) {
      ends.insert(std::to_underlying(stream.operation));
    }
  }
  for (const auto& [seq_no, waiting] : impl_.prober.awaited_) {
    if (const auto* ping = std::get_if<Prober::HandPing>(&waiting)) {
      ends.insert(std::to_underlying(ping->operation));
    }
  }
  for (const auto& [id, open] : impl_.operations.open_) {
    reporter_.require(impl_.clock.timers.pending(open.timer) || ends.contains(id),
                      "an open operation has something that ends it");
  }
}

void Inspection::broadcasts() const {
  reporter_.require(impl_.queues.member_broadcasts.size() <= impl_.cluster.table.size(),
                    "there is at most one piece of news about each member");
  reporter_.require(impl_.queues.member_broadcasts.finished_.empty(),
                    "who waits for a broadcast hears of its end at once");
  reporter_.require(impl_.queues.user_broadcasts.size() <= limits::kQueuedUserBroadcasts,
                    "user broadcasts are bounded");
}

}  // namespace

Holdings holdings_of(const Engine& engine) {
  const Engine::Impl& impl = *engine.impl_;
  return {.timers = impl.clock.timers.size(),
          .streams = impl.streams.streams_.size(),
          .operations = impl.operations.open_.size(),
          .awaited = impl.prober.awaited_.size(),
          .suspicions = impl.cluster.table.suspicions_.size(),
          .members = impl.cluster.table.size()};
}

BytesView memory_of(const Engine& engine) {
  return std::as_bytes(std::span(engine.impl_.get(), 1));
}

void check_internals(const Engine& engine, const Reporter& reporter) {
  const Inspection inspection(*engine.impl_, reporter);
  inspection.table();
  inspection.tombstones();
  inspection.suspicions();
  inspection.timers();
  inspection.streams();
  inspection.awaited();
  inspection.joins();
  inspection.operations();
  inspection.broadcasts();
}

void reseed(Engine& engine, std::uint64_t seed) { engine.impl_->node.random = Random(seed); }

}  // namespace memberlist::sim
