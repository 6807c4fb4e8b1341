#include "sim/world_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <variant>

#include "sim/checks.hpp"
#include "sim/digest.hpp"
#include "sim/internals.hpp"

namespace memberlist::sim {
namespace {

/// Seeds of different subjects from one seed.
/// Of the two mixed one after the other: by a plain combination, host 3 of seed 1 would draw what
/// host 1 of seed 3 draws, and the runs of a sweep would be alike.
std::uint64_t seed_of(std::uint64_t seed, std::uint64_t subject) {
  Mixer mixer(0);
  mixer.number(seed);
  mixer.number(subject);
  return mixer.state();
}

constexpr std::uint64_t kNetworkSeed = 0x6e65'7477'6f72'6b00;
constexpr std::uint64_t kHostSeed = 0x686f'7374'0000'0000;

}  // namespace

bool is_faulty(const Link& link, const Config& config) {
  const bool loses = link.loss > 0 || link.bursts.begin > 0 || link.reorder > 0 ||
                     link.corrupt > 0 || link.mtu > 0 || link.bandwidth > 0;
  const bool cut = link.udp_cut || link.udp_refused || link.tcp_cut || link.tcp_refused ||
                   link.tcp_stall > 0 || link.tcp_reset > 0 || link.tcp_half_close > 0;
  const Duration longest =
      link.latencies.empty() ? link.latency + link.jitter : link.latencies.at(1);
  return loses || cut || 2 * longest >= config.probe_timeout;
}

// --- one host -----------------------------------------------------------------------------------

WorldImpl::Host::Host(WorldImpl& owner, NodeId index, NodeOptions chosen, std::uint64_t seed)
    : world(owner),
      id(index),
      options(std::move(chosen)),
      config(options.config.value_or(owner.options_.config)),
      random(seed) {}

void WorldImpl::Host::on_packet(const Address& from, BytesView bytes) {
  engine->handle_packet(local(world.timeline_.now()), from, bytes);
  world.perform(id);
}

void WorldImpl::Host::on_send_error(const Address& to, const Error& error) {
  engine->handle_send_error(local(world.timeline_.now()), to, error);
  world.perform(id);
}

std::optional<StreamId> WorldImpl::Host::on_accept(const Address& from) {
  const auto stream = engine->handle_accept(local(world.timeline_.now()), from);
  for (WorldTap* tap : world.taps_) {
    if (stream) tap->accepted(id, *stream, from);
  }
  world.perform(id);
  return stream;
}

void WorldImpl::Host::on_stream(StreamId stream, const StreamEvent& event) {
  engine->handle_stream(local(world.timeline_.now()), stream, event);
  world.perform(id);
}

TimePoint WorldImpl::Host::local(TimePoint at) const noexcept {
  if (clock_set_at == TimePoint{}) return at;
  const Duration passed = at - clock_set_at;
  const auto gained = static_cast<double>(passed.count()) * clock.drift;
  return clock_showed + passed + Duration(static_cast<Duration::rep>(gained));
}

TimePoint WorldImpl::Host::of_world(TimePoint local_time) const noexcept {
  if (clock_set_at == TimePoint{} || local_time == kNever) return local_time;
  const auto shown = static_cast<double>((local_time - clock_showed).count());
  const auto passed = static_cast<Duration::rep>(std::ceil(shown / (1 + clock.drift)));
  TimePoint at = clock_set_at + Duration(passed);
  // The first moment at which the clock shows it, whatever was rounded.
  while (local(at) < local_time) at += Duration(1);
  return at;
}

// --- the world ----------------------------------------------------------------------------------

WorldImpl::WorldImpl(WorldOptions options)
    : options_(std::move(options)),
      network_(timeline_, seed_of(options_.seed, kNetworkSeed)),
      records_(std::make_shared<RecordStore>(std::array<std::byte, 16>{})) {
  network_.links().set_default(options_.link);
  network_.set_receive_buffer(options_.receive_buffer_packets);
  if (options_.checks != CheckLevel::none) {
    checks_ = std::make_unique<Checks>(*this);
    taps_.push_back(checks_.get());
  }
  lasting_link(options_.link);
}

void WorldImpl::lasting_link(const Link& link) {
  if (!is_faulty(link, options_.config)) return;
  bad_links_ = true;
  faulted();
}

void WorldImpl::faulted() {
  if (checks_) checks_->faulted();
}

WorldImpl::~WorldImpl() = default;

WorldImpl::Host& WorldImpl::host(NodeId node) {
  if (node >= hosts_.size()) throw std::logic_error(fmt::format("there is no node {}", node));
  return *hosts_[node];
}

const WorldImpl::Host& WorldImpl::host(NodeId node) const {
  if (node >= hosts_.size()) throw std::logic_error(fmt::format("there is no node {}", node));
  return *hosts_[node];
}

Address WorldImpl::own_address(NodeId node) const {
  const auto number = static_cast<std::uint32_t>(node + 1);
  return {IpAddress::v4(10, static_cast<std::uint8_t>(number >> 16),
                        static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)),
          7946};
}

NodeId WorldImpl::add(NodeOptions options) {
  const NodeId id = hosts_.size();
  const std::uint64_t seed = seed_of(options_.seed, kHostSeed + id);
  hosts_.push_back(std::make_unique<Host>(*this, id, std::move(options), seed));
  Host& host = *hosts_.back();
  host.config.name = host.options.name.empty() ? fmt::format("node-{:05}", id) : host.options.name;
  host.address = host.options.address.value_or(own_address(id));
  by_name_[host.config.name] = id;
  network_.attach(host.address, host);
  network_.links().set_zone(id, host.options.zone);
  return id;
}

void WorldImpl::add_cluster(std::vector<NodeOptions> nodes) {
  if (!hosts_.empty()) throw std::logic_error("a cluster is added to an empty world");
  auto known = std::make_shared<std::vector<Member>>();
  known->reserve(nodes.size());
  for (NodeOptions& options : nodes) {
    const Host& added = host(add(std::move(options)));
    const Config& config = added.config;
    known->push_back(
        {.record = records_->record(added.config.name, added.address, config.meta,
                                    {1, 5, config.protocol_version},
                                    {config.delegate_protocol_min, config.delegate_protocol_max,
                                     config.delegate_protocol_version}),
         .status = MemberStatus::alive,
         .incarnation = 1,
         .since = timeline_.now()});
  }
  for (NodeId node = 0; node < nodes.size(); ++node) start(node, known);
}

EngineEnvironment WorldImpl::environment(Host& host) {
  EngineEnvironment environment;
  environment.advertise = host.address;
  environment.now = host.local(timeline_.now());
  environment.seed = host.random.next();
  environment.nonce_source = [&random = host.random](std::span<std::byte> out) {
    for (std::byte& byte : out) byte = static_cast<std::byte>(random.next());
  };
  environment.policy = host.options.policy;
  environment.behaviour = host.behaviour();
  environment.records = records_;
  environment.trace = static_cast<bool>(on_trace_);
  return environment;
}

void WorldImpl::start(NodeId node, std::shared_ptr<const std::vector<Member>> known) {
  Host& host = this->host(node);
  if (host.engine) throw std::logic_error(fmt::format("{} runs already", host.config.name));
  EngineEnvironment environment = this->environment(host);
  environment.members = std::move(known);
  for (WorldTap* tap : taps_) tap->prepare(node, host.config, environment);
  auto engine = Engine::create(host.config, std::move(environment));
  if (!engine) {
    throw std::logic_error(
        fmt::format("{} refuses its config: {}", host.config.name, engine.error().message));
  }
  count_time();
  ++running_;
  ++host.processes;
  host.left = host.disturbed = false;
  host.engine.emplace(std::move(*engine));
  for (WorldTap* tap : taps_) tap->created(node, *host.engine);
  perform(node);
}

void WorldImpl::stop(NodeId node) {
  Host& host = this->host(node);
  if (!host.engine) throw std::logic_error(fmt::format("{} does not run", host.config.name));
  count_time();
  --running_;
  host.engine.reset();
  timeline_.cancel(host.timer);
  host.armed_for = kNever;
  host.paused = host.blocked = false;
  host.unsent.clear();
  for (WorldTap* tap : taps_) tap->ended(node);
}

void WorldImpl::hold(NodeId node, bool timers_too) {
  Host& host = this->host(node);
  (timers_too ? host.paused : host.blocked) = true;
  host.disturbed = true;
  network_.hold(node);
}

// The timer goes first: an engine must bear to see its deadlines before the answers that came in
// time.
void WorldImpl::resume(NodeId node) {
  Host& host = this->host(node);
  if (!host.engine) return;
  const bool was_paused = std::exchange(host.paused, false);
  if (!was_paused && !host.blocked) return;
  host.blocked = false;
  for (const KeptOutput& kept : std::exchange(host.unsent, {})) transmit(node, kept.output());
  if (was_paused) on_timer(node);
  network_.release(node);
}

void WorldImpl::set_clock(NodeId node, const HostClock& clock, Duration ahead) {
  Host& host = this->host(node);
  const TimePoint now = timeline_.now();
  host.disturbed = host.disturbed || ahead > Duration::zero();
  host.clock_showed = host.local(now) + ahead;
  host.clock_set_at = now;
  host.clock = clock;
  if (host.engine) arm(host);
}

// --- driving the engines ------------------------------------------------------------------------

void WorldImpl::perform(NodeId node) {
  Host& host = *hosts_[node];
  for (Output& output : host.engine->outputs()) {
    for (WorldTap* tap : taps_) tap->output(node, output);
    perform(host, output);
  }
  host.engine->clear_outputs();
  for (WorldTap* tap : taps_) tap->after_step(node, *host.engine);
  arm(host);
}

void WorldImpl::perform(Host& host, Output& output) {
  if (const auto* event = std::get_if<Event>(&output)) {
    event_digest_.number(static_cast<std::uint64_t>(timeline_.elapsed().count()));
    event_digest_.number(add_to_digest(host.id, output));
    if (on_event_) on_event_(host.id, *event);
  } else if (const auto* completion = std::get_if<Completion>(&output)) {
    if (on_completion_) on_completion_(host.id, *completion);
  } else if (const auto* step = std::get_if<TraceRecord>(&output)) {
    if (on_trace_) on_trace_(host.id, *step);
  } else if (host.blocked) {
    host.unsent.emplace_back(output);
  } else {
    transmit(host.id, output);
  }
}

void WorldImpl::transmit(NodeId node, const Output& output) {
  if (const auto* packet = std::get_if<SendPacket>(&output)) {
    network_.send(node, packet->to, packet->bytes);
  } else if (const auto* dial = std::get_if<DialStream>(&output)) {
    network_.dial(node, dial->id, dial->to);
  } else if (const auto* write = std::get_if<WriteStream>(&output)) {
    network_.write(node, write->id, write->bytes);
  } else if (const auto* close = std::get_if<CloseStream>(&output)) {
    network_.close(node, close->id);
  } else if (const auto* abort = std::get_if<AbortStream>(&output)) {
    network_.abort(node, abort->id);
  }
}

void WorldImpl::arm(Host& host) {
  const TimePoint deadline =
      std::max(host.of_world(host.engine->next_deadline()), host.spins_until);
  if (deadline == host.armed_for) return;
  host.armed_for = deadline;
  if (timeline_.reschedule(host.timer, deadline)) return;
  host.timer = timeline_.at(deadline, [this, node = host.id] { on_timer(node); }, host.memory());
}

void WorldImpl::on_timer(NodeId node) {
  Host& host = *hosts_[node];
  host.armed_for = kNever;
  if (!host.engine || host.paused) return;
  const TimePoint now = timeline_.now();
  if (network_.free_at(node) > now) {
    // Busy with something else.
    host.armed_for = network_.free_at(node);
    host.timer = timeline_.at(host.armed_for, [this, node] { on_timer(node); });
    return;
  }
  if (host.engine->next_deadline() > host.local(now)) return arm(host);
  network_.spend(node);
  handle_deadline(host);
}

bool WorldImpl::handle_due(NodeId node) {
  Host& host = *hosts_[node];
  const TimePoint now = timeline_.now();
  if (!host.engine || host.paused || host.engine->next_deadline() > host.local(now)) return false;
  handle_deadline(host);
  return true;
}

void WorldImpl::handle_deadline(Host& host) {
  const NodeId node = host.id;
  const TimePoint now = timeline_.now();
  const TimePoint local = host.local(now);
  host.engine->handle_deadline(local);
  for (WorldTap* tap : taps_) tap->after_deadline(node, *host.engine, local);
  if (host.engine->next_deadline() <= local) {
    violations_.push_back(
        fmt::format("{} spins: its next deadline is not after the one handled at {} ms",
                    host.config.name, timeline_.elapsed() / std::chrono::milliseconds(1)));
    host.spins_until = now + std::chrono::milliseconds(1);
  }
  perform(node);
}

void WorldImpl::reseed(std::uint64_t seed) {
  options_.seed = seed;  // of the hosts that are added from now on
  network_.links().reseed(seed_of(seed, kNetworkSeed));
  for (const auto& host : hosts_) {
    host->random = Random(seed_of(seed, kHostSeed + host->id));
    if (host->engine) sim::reseed(*host->engine, host->random.next());
  }
}

// --- what is known ------------------------------------------------------------------------------

void WorldImpl::count_time() {
  const std::chrono::duration<double> passed = timeline_.now() - counted_until_;
  node_seconds_ += passed.count() * static_cast<double>(running_);
  counted_until_ = timeline_.now();
}

double WorldImpl::node_seconds() const {
  const std::chrono::duration<double> passed = timeline_.now() - counted_until_;
  return node_seconds_ + passed.count() * static_cast<double>(running_);
}

bool WorldImpl::converged() const {
  std::size_t here = 0;
  for (const auto& host : hosts_) here += host->engine && !host->left ? 1 : 0;
  std::optional<std::uint64_t> digest;
  for (const auto& host : hosts_) {
    if (!host->engine || host->left || host->paused) continue;
    if (host->engine->live_count() != here) return false;
    const std::uint64_t own = host->engine->view_digest();
    if (digest.value_or(own) != own) return false;
    digest = own;
  }
  return true;
}

}  // namespace memberlist::sim
