#include "sim/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/byte_reader.hpp"
#include "base/text.hpp"
#include "memberlist/input.hpp"
#include "sim/holdings.hpp"
#include "swim/incarnation.hpp"
#include "swim/scaling.hpp"

namespace memberlist::sim {
namespace {

constexpr std::size_t kKeptPings = 64;

bool is_live(MemberStatus status) {
  return status == MemberStatus::alive || status == MemberStatus::suspect;
}

std::string describe(const MemberEvent& event) {
  return fmt::format("{} of {} with incarnation {}", to_string(event.kind),
                     escape_for_log(event.member.name()), event.member.incarnation);
}

}  // namespace

Checks::Checks(WorldImpl& world) : world_(world) { each_second(); }
Checks::~Checks() = default;

// --- processes ----------------------------------------------------------------------------------

void Checks::prepare(NodeId node, const Config& config, EngineEnvironment& environment) {
  if (nodes_.size() <= node) nodes_.resize(node + 1);
  Node& fresh = nodes_[node] = Node{};
  fresh.keyring = std::make_unique<crypto::Keyring>(crypto::Keyring::create(config.keys).value());
  fresh.opening.label = config.label;
  fresh.opening.keyring = &*fresh.keyring;
  fresh.announces = environment.members == nullptr;
  if (!fresh.announces) {
    fresh.known = environment.members;
    for (const Member& member : *environment.members) {
      View& view = fresh.views[member.name()];
      view.incarnation = member.incarnation;
      view.since = member.since;
    }
  }
  const bool inside = world_.options_.checks == CheckLevel::inside;
  const bool reads = world_.options_.checks >= CheckLevel::packets && !fresh.keyring->empty();
  if (inside) fresh.watch = std::make_unique<Watch>(config, Reporter::OnViolation::throws);
  if (!inside && !reads) return;
  environment.on_input = [this, node](TimePoint, const Input& input) {
    if (const auto* added = std::get_if<input::AddKey>(&input)) note_key(node, added->key);
    watched(node, [&](Watch& watch) { watch.input(input); });
  };
}

void Checks::created(NodeId node, Engine& engine) {
  nodes_[node].incarnation = engine.local_member().incarnation;
  watched(node, [&](Watch& watch) { watch.begin(engine, nodes_[node].known.get()); });
}

void Checks::ended(NodeId node) {
  nodes_[node].watch.reset();
  nodes_[node].leave.reset();
}

void Checks::accepted(NodeId node, StreamId stream, const Address& from) {
  watched(node, [&](Watch& watch) { watch.accepted(stream, from); });
}

void Checks::commanded(NodeId node, const std::optional<OperationId>& operation) {
  // A change of address announces twice: that this node leaves, and that it is back.
  constexpr std::uint64_t kAnnouncements = 2;
  nodes_[node].commands += kAnnouncements;
  nodes_[node].keys_changed = nodes_[node].keyring->empty();  // or may have
  if (operation) watched(node, [&](Watch& watch) { watch.started(*operation); });
}

/// Packets that are encrypted with it can be read from now on. What is refused is the engine's
/// business.
void Checks::note_key(NodeId node, BytesView key) {
  static_cast<void>(nodes_[node].keyring->add(key));
}

void Checks::leaving(NodeId node, OperationId operation, Duration timeout) {
  nodes_[node].leave = Leave{operation, timeout};
}

/// A watch that has found something has lost track.
template <class Step>
void Checks::watched(NodeId node, Step step) {
  std::unique_ptr<Watch>& watch = nodes_[node].watch;
  if (watch == nullptr) return;
  book_.exercised(Check::inside);
  try {
    step(*watch);
  } catch (const BrokenInvariant& broken) {
    book_.finding(Check::inside, at(), name(node), broken.what());
    // It is in the middle of a call from the engine, perhaps.
    world_.timeline_.after(Duration::zero(), [old = std::move(watch)] {});
  }
}

// --- outputs ------------------------------------------------------------------------------------

void Checks::output(NodeId node, Output& output) {
  watched(node, [&](Watch& watch) { watch.output(output); });
  if (const auto* event = std::get_if<Event>(&output)) {
    if (const auto* change = std::get_if<MemberEvent>(event)) member_event(node, *change);
    const auto* join = std::get_if<JoinFinished>(event);
    if (join != nullptr && join->contacted > 0) expect_let_in(node);
  } else if (const auto* packet = std::get_if<SendPacket>(&output)) {
    if (world_.options_.checks >= CheckLevel::packets) check_packet(node, *packet);
  } else if (const auto* completion = std::get_if<Completion>(&output)) {
    const std::optional<Leave>& leave = nodes_[node].leave;
    if (leave && leave->operation == completion->id) {
      check_leave(node, *leave, *completion);
    }
  }
}

void Checks::member_event(NodeId node, const MemberEvent& event) {
  if (event.kind == MemberEventKind::conflict) return;
  Node& observer = nodes_[node];
  const std::string& subject = event.member.name();
  auto found = observer.views.find(subject);
  if (found == observer.views.end()) {
    found = observer.views.try_emplace(subject).first;
    found->second.status = MemberStatus::dead;  // as good as unknown
    book_.require(event.kind == MemberEventKind::join, Check::transitions, at(), name(node),
                  [&] { return "the first event is not a join: " + describe(event); });
  } else {
    check_order(node, event, found->second);
    check_transition(node, event, found->second);
  }
  View& view = found->second;
  check_evidence(node, event);
  check_suspicion_time(node, event, view);
  check_accusation(node, event);
  check_accuracy(node, event);
  if (event.member.status != view.status) {
    view.since = event.member.since;
    view.seen = world_.timeline_.now();
  }
  if (event.kind == MemberEventKind::suspect) view.counted = observer.counted;
  if (!event.self) count(node, view.status, event.member.status);
  view.dying = event.kind == MemberEventKind::dead;
  view.status = event.member.status;
  view.incarnation = event.member.incarnation;
}

/// Whether the observer believes anything of who is gone and comes back at another address.
bool Checks::takes_back_unchecked(NodeId node, const View& view) const {
  return !world_.host(node).behaviour().checked_takeover && !is_live(view.status);
}

/// No view goes back, except that who was forgotten may come again as it likes.
void Checks::check_order(NodeId node, const MemberEvent& event, const View& view) {
  const Config& config = world_.host(node).config;
  const TimePoint now = world_.host(node).local(world_.timeline_.now());
  const bool forgotten = event.kind == MemberEventKind::join && !is_live(view.status) &&
                         now - view.since >= config.gossip_to_the_dead_time;
  const bool excused = forgotten || takes_back_unchecked(node, view);
  book_.require(excused || !swim::is_older(event.member.incarnation, view.incarnation),
                Check::view_order, at(), name(node), [&] {
                  return fmt::format("{} after incarnation {}", describe(event), view.incarnation);
                });
}

void Checks::check_transition(NodeId node, const MemberEvent& event, const View& view) {
  const bool newer = swim::is_newer(event.member.incarnation, view.incarnation);
  const bool live = is_live(view.status);
  bool allowed = true;
  switch (event.kind) {
    case MemberEventKind::join:
      // An `alive` of who was gone is followed by its join.
      allowed = !live || view.status == MemberStatus::alive;
      break;
    case MemberEventKind::alive:
      allowed = (newer || takes_back_unchecked(node, view)) && view.status != MemberStatus::alive;
      break;
    case MemberEventKind::suspect:
      allowed = view.status == MemberStatus::alive;
      break;
    case MemberEventKind::dead:
      allowed = live && event.member.status == MemberStatus::dead;
      break;
    case MemberEventKind::leave:
      allowed = (live || view.dying) && !is_live(event.member.status);
      break;
    case MemberEventKind::update:
    case MemberEventKind::conflict:
      allowed = live;
      break;
  }
  allowed = allowed && (!view.dying || event.kind == MemberEventKind::leave);
  book_.require(allowed, Check::transitions, at(), name(node), [&] {
    return fmt::format("{} after {} with incarnation {}", describe(event), to_string(view.status),
                       view.incarnation);
  });
}

/// Who is declared dead was accused by name: by different members, the more the sooner. A state of
/// a push/pull makes a suspect at most (docs/differences.md).
void Checks::check_evidence(NodeId node, const MemberEvent& event) {
  if (event.kind != MemberEventKind::dead) return;
  std::vector<std::string> accusers = event.cause.accusers;
  std::ranges::sort(accusers);
  const bool distinct = std::ranges::adjacent_find(accusers) == accusers.end();
  const bool expired = event.cause.kind == Cause::Kind::suspicion_expired;
  const bool counted = !expired || event.cause.confirmations + 1 == accusers.size();
  const bool by_somebody = expired || event.cause.kind == Cause::Kind::gossip;
  book_.require(distinct && counted && by_somebody, Check::evidence, at(), name(node), [&] {
    return fmt::format("{} by {}, {} confirmations of {}", describe(event),
                       to_string(event.cause.kind), event.cause.confirmations,
                       fmt::join(event.cause.accusers, ", "));
  });
}

/// One input may change several members; the engine's own count is that after all of them.
void Checks::count(NodeId node, MemberStatus before, MemberStatus after) {
  Counted& counted = nodes_[node].counted;
  if (world_.host(node).behaviour().counts_the_living) {
    counted.least += is_live(after) ? 1 : 0;
    counted.least -= is_live(before) ? 1 : 0;
    counted.most = counted.least;
  } else if (is_live(after) && !is_live(before)) {
    ++counted.most;  // unless the table had it as dead
  }
}

/// Lifeguard's formula, by floating point and not by the engine's own functions, which it judges.
Duration Checks::suspicion_life(const WorldImpl::Host& host, std::size_t counted,
                                std::uint32_t confirmations) {
  const Config& config = host.config;
  const double interval = static_cast<double>(config.probe_interval.count());
  const double scale =
      std::max(1.0, std::log10(static_cast<double>(std::max<std::size_t>(1, counted))));
  const double least = config.suspicion_mult * scale * interval;
  const double most = config.suspicion_max_timeout_mult * least;
  const bool few = config.suspicion_mult <= 2 || counted < config.suspicion_mult;
  const bool fixed = few || !host.behaviour().lha_suspicion;
  const double expected = fixed ? 0 : config.suspicion_mult - 2.0;
  if (confirmations >= expected) return Duration(static_cast<Duration::rep>(least));
  const double share = std::log(confirmations + 1.0) / std::log(expected + 1);
  return Duration(static_cast<Duration::rep>(std::max(least, most - (most - least) * share)));
}

/// A suspicion lives as long as its confirmations say (protocol 6): never shorter, and longer only
/// if its observer was paused, or the last confirmations came late. Of those that come at the same
/// moment, all count before it ends.
void Checks::check_suspicion_time(NodeId node, const MemberEvent& event, const View& view) {
  const bool expired =
      event.kind == MemberEventKind::dead && event.cause.kind == Cause::Kind::suspicion_expired;
  if (!expired || view.status != MemberStatus::suspect) return;
  const WorldImpl::Host& host = world_.host(node);
  const std::uint32_t confirmations = event.cause.confirmations;
  const Duration least = suspicion_life(host, view.counted.least, confirmations);
  const Node& observer = nodes_[node];
  const bool just_told = !observer.in_deadline || observer.told == world_.timeline_.now();
  const std::uint32_t before = confirmations == 0 || just_told ? 0 : confirmations - 1;
  const Duration most = suspicion_life(host, view.counted.most, before);
  // The engine cuts logarithms to three decimals and times to milliseconds.
  const Duration slack = least / 100 + std::chrono::milliseconds(2);
  const Duration lived = event.member.since - view.since;
  const bool in_time = host.disturbed || lived <= most + slack;
  book_.require(lived + slack >= least && in_time, Check::suspicion_time, at(), name(node), [&] {
    return fmt::format(
        "{} after a suspicion of {} with {} confirmations, which is to last {} to {}",
        describe(event), format_duration(lived), confirmations, format_duration(least),
        format_duration(most));
  });
}

/// A probe that failed says nothing of an incarnation that the member had not when it began.
void Checks::check_accusation(NodeId node, const MemberEvent& event) {
  if (event.kind != MemberEventKind::suspect || event.cause.kind != Cause::Kind::probe_failed) {
    return;
  }
  const auto& pings = nodes_[node].pings;
  const auto ping = std::ranges::find_if(pings, [&](const SentPing& sent) {
    return sent.input == event.cause.began && sent.target == event.member.name();
  });
  if (ping == pings.end()) return;
  book_.require(ping->incarnation == event.member.incarnation, Check::probed_incarnation, at(),
                name(node), [&] {
                  return fmt::format("{}, but incarnation {} was probed", describe(event),
                                     ping->incarnation);
                });
}

void Checks::check_accuracy(NodeId node, const MemberEvent& event) {
  if (faulted_) return;
  const bool accused =
      event.kind == MemberEventKind::suspect || event.kind == MemberEventKind::dead;
  book_.require(!accused, Check::accuracy, at(), name(node),
                [&] { return describe(event) + ", and nothing was wrong"; });
}

/// It is told in time, unless the gossip of so many takes longer than that.
void Checks::check_leave(NodeId node, const Leave& leave, const Completion& completion) {
  const WorldImpl::Host& host = world_.host(node);
  const Duration needed =
      2 * swim::spreading_time(host.config.retransmit_mult, world_.hosts_.size(),
                               host.config.gossip_interval);
  const bool has_company = host.engine && host.engine->live_count() > 1;
  if (!faulted_ && has_company && needed <= leave.timeout) {
    const bool told = completion.result || completion.result.error().code != ErrorCode::timed_out;
    book_.require(told, Check::leave_seen, at(), name(node), [&] {
      return fmt::format("the leave was not sent in {}", format_duration(leave.timeout));
    });
  }
  if (completion.result) expect_leave_seen(node);
}

/// Who left without a fault is seen as left by all, once the message and a push/pull have had their
/// time.
void Checks::expect_leave_seen(NodeId node) {
  const Config& config = world_.host(node).config;
  if (faulted_ || config.push_pull_interval <= Duration::zero()) return;
  const Duration bound =
      std::chrono::seconds(10) +
      2 * swim::push_pull_interval(config.push_pull_interval, world_.hosts_.size());
  world_.timeline_.after(bound, [this, node, process = world_.host(node).processes] {
    if (faulted_ || world_.host(node).processes != process) return;
    for (NodeId other = 0; other < world_.hosts_.size(); ++other) {
      if (other == node || !world_.host(other).engine) continue;
      const auto member = world_.host(other).engine->member(name(node));
      book_.require(!member || member->status == MemberStatus::left, Check::leave_seen, at(),
                    name(other), [&] {
                      return fmt::format("{} has left, and is {} here", name(node),
                                         to_string(member->status));
                    });
    }
  });
}

/// Who joined without a fault is let in: known to all, once the message has been gossiped, and
/// push/pulls have told those whom it missed.
void Checks::expect_let_in(NodeId node) {
  const Config& config = world_.host(node).config;
  if (faulted_ || config.push_pull_interval <= Duration::zero()) return;
  const std::size_t nodes = world_.hosts_.size();
  const Duration bound =
      4 * swim::push_pull_interval(config.push_pull_interval, nodes) +
      4 * swim::spreading_time(config.retransmit_mult, nodes, config.gossip_interval) +
      config.tcp_timeout;
  world_.timeline_.after(bound, [this, node, process = world_.host(node).processes] {
    const WorldImpl::Host& host = world_.host(node);
    if (!faulted_ && host.processes == process && host.engine && !host.left) check_let_in(node);
  });
}

/// Those whom it knows have to know it; there may be other clusters.
void Checks::check_let_in(NodeId node) {
  const WorldImpl::Host& newcomer = world_.host(node);
  for (NodeId other = 0; other < world_.hosts_.size(); ++other) {
    const WorldImpl::Host& host = world_.host(other);
    const bool decides = host.options.policy != nullptr || host.config.allowed_networks ||
                         host.config.max_members < world_.hosts_.size();
    if (other == node || !host.engine || host.left || decides) continue;
    const auto known = newcomer.engine->member(host.config.name);
    if (!known || !is_live(known->status)) continue;
    const auto member = host.engine->member(newcomer.config.name);
    book_.require(member && is_live(member->status), Check::newcomer, at(), host.config.name, [&] {
      return fmt::format("{} has joined long ago, and is {} here", newcomer.config.name,
                         member ? to_string(member->status) : "unknown");
    });
  }
}

// --- packets ------------------------------------------------------------------------------------

void Checks::check_packet(NodeId node, const SendPacket& packet) {
  Node& sender = nodes_[node];
  if (const auto opened = opener_.open(sender.opening, packet.bytes); !opened) {
    if (sender.keys_changed) return;  // with a key that is not known here
    return book_.finding(Check::packets, at(), name(node),
                         "a packet cannot be opened: " + opened.error().to_string());
  }
  std::size_t messages = 0;
  bool direct = false;  // an answer or a probe, with at most a suspicion beside it
  bool readable = true;
  while (const auto next = opener_.next_view()) {
    ++messages;
    readable = readable && *next && check_message(node, packet, **next);
    if (!*next) continue;
    const wire::MessageType type = (*next)->type;
    if (messages == 1) {
      direct = type != wire::MessageType::alive && type != wire::MessageType::user;
    } else {
      direct = direct && messages == 2 && type == wire::MessageType::suspect;
    }
  }
  const std::size_t limit = world_.host(node).config.udp_buffer_size;
  book_.require(readable && messages > 0 && opener_.truncated_parts() == 0, Check::packets, at(),
                name(node), [&] { return "a packet to " + packet.to.to_string() + " is broken"; });
  book_.require(direct || packet.bytes.size() <= limit, Check::packets, at(), name(node), [&] {
    return fmt::format("a packet of {} bytes, udp_buffer_size is {}", packet.bytes.size(), limit);
  });
}

bool Checks::check_message(NodeId node, const SendPacket& packet,
                           const wire::MessageView& message) {
  ByteReader body(message.body);
  switch (message.type) {
    case wire::MessageType::ping: {
      const auto ping = wire::decode<wire::Ping>(body);
      if (ping) note_ping(node, packet, *ping);
      return ping.has_value();
    }
    case wire::MessageType::indirect_ping:
      return wire::decode<wire::IndirectPing>(body).has_value();
    case wire::MessageType::ack:
      return wire::decode<wire::Ack>(body).has_value();
    case wire::MessageType::nack:
      return wire::decode<wire::Nack>(body).has_value();
    case wire::MessageType::suspect:
      return wire::decode<wire::Suspect>(body).has_value();
    case wire::MessageType::dead:
      return wire::decode<wire::Dead>(body).has_value();
    case wire::MessageType::alive: {
      const auto alive = wire::decode<wire::Alive>(body);
      Node& sender = nodes_[node];
      const bool own = alive && alive->node == name(node);
      if (own && alive->incarnation == sender.incarnation) ++sender.announced;
      return alive.has_value();
    }
    case wire::MessageType::user:
      return true;
    default:
      return false;
  }
}

void Checks::note_ping(NodeId node, const SendPacket& packet, const wire::Ping& ping) {
  check_round_robin(node, ping.node);
  const auto member = world_.host(node).engine->member(ping.node);
  if (!member) return;
  auto& pings = nodes_[node].pings;
  if (pings.size() == kKeptPings) pings.pop_front();
  pings.push_back({packet.input, std::string(ping.node), member->incarnation});
}

/// Each member is probed at least once in 2n - 1 periods (SWIM, section 4.3), as long as nobody
/// comes or goes. Probes begin at deadlines; other pings are answers to requests.
void Checks::check_round_robin(NodeId node, std::string_view target) {
  Node& prober = nodes_[node];
  // The same one again is the same probe, which is repeated after a pause.
  if (!prober.in_deadline || std::exchange(prober.last_probed, target) == target) return;
  if (prober.awaited.empty()) return choose_awaited(node);
  if (prober.awaited == target) {
    book_.exercised(Check::round_robin);
    return choose_awaited(node);
  }
  const Engine& engine = *world_.host(node).engine;
  const auto awaited = engine.member(prober.awaited);
  const bool is_probed = awaited && awaited->status == MemberStatus::alive;
  if (!is_probed) return choose_awaited(node);
  const std::size_t members = nodes_[node].views.size();  // those that were forgotten, too
  if (++prober.probes_of_others <= 2 * members) return;
  book_.finding(Check::round_robin, at(), name(node),
                fmt::format("{} was not probed, and others {} times", prober.awaited,
                            prober.probes_of_others));
  choose_awaited(node);
}

/// The next one in the order of names.
void Checks::choose_awaited(NodeId node) {
  Node& prober = nodes_[node];
  const MemberSnapshot members = world_.host(node).engine->members();
  prober.probes_of_others = 0;
  std::string chosen;
  for (const Member& member : members) {
    if (member.status != MemberStatus::alive || member.name() == name(node)) continue;
    if (chosen.empty() || (chosen <= prober.awaited && member.name() > prober.awaited)) {
      chosen = member.name();
    }
  }
  prober.awaited = std::move(chosen);
}

// --- after each step ----------------------------------------------------------------------------

void Checks::after_step(NodeId node, Engine& engine) {
  watched(node, [&](Watch& watch) { watch.after_step(engine); });
  check_own_incarnation(node, engine);
  Node& stepped = nodes_[node];
  const bool living = engine.behaviour().counts_the_living;
  const std::size_t counted = living ? engine.live_count() : holdings_of(engine).members;
  stepped.counted = {counted, counted};
  if (!std::exchange(stepped.in_deadline, false)) stepped.told = world_.timeline_.now();
}

void Checks::after_deadline(NodeId node, const Engine&, TimePoint) {
  nodes_[node].in_deadline = true;
}

/// It grows by refutations and announcements only.
void Checks::check_own_incarnation(NodeId node, const Engine& engine) {
  Node& self = nodes_[node];
  const std::uint32_t incarnation = engine.local_member().incarnation;
  if (incarnation == self.incarnation) return;
  const std::uint64_t refutations = engine.counters().refutations;
  const bool refuted = refutations > self.refutations;
  const bool announced = self.commands > 0;
  book_.require(swim::is_newer(incarnation, self.incarnation) && (refuted || announced),
                Check::own_incarnation, at(), name(node), [&] {
                  return fmt::format(
                      "own incarnation {} after {}, {}", incarnation, self.incarnation,
                      refuted || announced ? "which is older" : "without a refutation");
                });
  if (!refuted && announced) --self.commands;
  self.refutations = refutations;
  self.incarnation = incarnation;
  self.announces = true;
  self.announced = 0;
}

/// One table in each second: to compare all of them costs as much as the rest of the run.
void Checks::each_second() {
  if (!world_.hosts_.empty()) {
    compare_table(next_table_ % world_.hosts_.size());
    ++next_table_;
  }
  if (!faulted_) book_.exercised(Check::accuracy, world_.running_);
  world_.timeline_.after(std::chrono::seconds(1), [this] { each_second(); });
}

void Checks::compare_tables() {
  for (NodeId node = 0; node < world_.hosts_.size(); ++node) compare_table(node);
}

/// Whoever the events say is there is in the table, in the status that they said, and nobody else.
void Checks::compare_table(NodeId node) {
  const auto& engine = world_.host(node).engine;
  if (!engine) return;
  const auto& views = nodes_[node].views;
  std::size_t live = 0;
  for (const auto& [subject, view] : views) live += is_live(view.status) ? 1 : 0;
  book_.require(live == engine->live_count(), Check::table, at(), name(node), [&] {
    return fmt::format("{} live members in the table, {} by the events", engine->live_count(),
                       live);
  });
  for (const Member& member : engine->members()) {
    const auto view = views.find(member.name());
    const bool agrees = view != views.end() && view->second.status == member.status &&
                        !swim::is_older(member.incarnation, view->second.incarnation);
    book_.require(agrees, Check::table, at(), name(node), [&] {
      return fmt::format("{} is {} in the table, {} by the events", escape_for_log(member.name()),
                         to_string(member.status),
                         view == views.end() ? "unknown" : to_string(view->second.status));
    });
  }
}

void Checks::check_rest() {
  compare_tables();
  if (world_.bad_links_) return;  // on which there is always somebody suspected
  for (NodeId node = 0; node < world_.hosts_.size(); ++node) {
    const WorldImpl::Host& host = world_.host(node);
    if (!host.engine || host.paused || host.blocked || host.left) continue;
    check_rest_of(node);
    check_forgotten(node);
  }
  check_addresses();
  const std::size_t records = world_.records_->size();
  book_.require(records <= 4 * world_.hosts_.size(), Check::at_rest, at(), "",
                [&] { return fmt::format("{} records of members", records); });
}

void Checks::check_rest_of(NodeId node) {
  const WorldImpl::Host& host = world_.host(node);
  const EngineCounters counters = host.engine->counters();
  const Holdings held = holdings_of(*host.engine);
  const auto require = [&](bool holds, std::string_view what, std::uint64_t count) {
    book_.require(holds, Check::at_rest, at(), host.config.name,
                  [&] { return fmt::format("{} {} at rest", count, what); });
  };
  // What a periodic probe, a push/pull and its answer may hold at any moment.
  constexpr std::size_t kExchanges = 8;
  const bool alone = host.engine->live_count() == 1;  // news wait for somebody to tell
  require(alone || counters.broadcasts_queued == 0, "broadcasts queued",
          counters.broadcasts_queued);
  require(held.suspicions == 0, "suspicions", held.suspicions);
  require(held.streams <= kExchanges, "streams", held.streams);
  require(held.operations == 0, "operations", held.operations);
  require(held.awaited <= kExchanges, "answers awaited", held.awaited);
  require(held.timers <= 8 + 2 * kExchanges, "timers", held.timers);
  // Who is alone has nobody to probe, and so does not recover.
  require(alone || counters.health_score == 0, "points of bad health", counters.health_score);
  const Node& self = nodes_[node];
  if (alone || !self.announces || world_.options_.checks < CheckLevel::packets) return;
  // At least as often as in the smallest cluster.
  book_.require(self.announced >= host.config.retransmit_mult, Check::announcement, at(),
                host.config.name, [&] {
                  return fmt::format("incarnation {} was sent {} times only", self.incarnation,
                                     self.announced);
                });
}

/// Who is dead or has left is forgotten at the end of a round of probes. By the world's time: a
/// clock that is put forward makes no round of probes. The sick probe slowly until they are well.
void Checks::check_forgotten(NodeId node) {
  const WorldImpl::Host& host = world_.host(node);
  const TimePoint now = world_.timeline_.now();
  const MemberSnapshot members = host.engine->members();
  const auto rounds = 3 * static_cast<Duration::rep>(members->size() + 2);
  const auto most = static_cast<Duration::rep>(host.config.awareness_max_multiplier);
  const Duration longest = host.config.gossip_to_the_dead_time +
                           (rounds + most * (most - 1) / 2) * host.config.probe_interval +
                           std::chrono::seconds(5);
  for (const Member& member : *members) {
    if (is_live(member.status)) continue;
    const auto view = nodes_[node].views.find(member.name());
    if (view == nodes_[node].views.end()) continue;  // whom the tables' comparison tells of
    const Duration gone = now - view->second.seen;
    book_.require(gone <= longest, Check::at_rest, at(), host.config.name, [&] {
      return fmt::format("{} is {} for {}", escape_for_log(member.name()), to_string(member.status),
                         format_duration(gone));
    });
  }
}

/// All have heard of the last move of each member. Of namesakes, one is enough.
void Checks::check_addresses() {
  std::set<std::pair<std::string, Address>> places;
  std::vector<NodeId> judged;
  for (NodeId node = 0; node < world_.hosts_.size(); ++node) {
    const WorldImpl::Host& host = world_.host(node);
    if (!host.engine || host.left) continue;
    places.emplace(host.config.name, host.engine->local_member().address());
    if (!host.paused && !host.blocked) judged.push_back(node);
  }
  for (const NodeId node : judged) {
    for (const Member& member : world_.host(node).engine->members()) {
      if (!is_live(member.status)) continue;
      book_.require(places.contains({member.name(), member.address()}), Check::at_rest, at(),
                    name(node), [&] {
                      return fmt::format("{} is known at {}, where it is not",
                                         escape_for_log(member.name()),
                                         member.address().to_string());
                    });
    }
  }
}

CheckReport Checks::report() {
  const auto tell = [&](const std::vector<std::string>& violations) {
    for (const std::string& text : violations) book_.finding(Check::contract, at(), "", text);
  };
  if (told_violations_ == 0) {
    tell(world_.network_.violations());
    tell(world_.violations_);
    told_violations_ = world_.network_.violations().size() + world_.violations_.size();
  }
  book_.exercised(Check::contract, world_.timeline_.steps());
  return book_.report();
}

}  // namespace memberlist::sim
