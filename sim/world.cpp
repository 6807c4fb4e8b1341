#include "memberlist/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sim/checks.hpp"
#include "sim/world_impl.hpp"

namespace memberlist::sim {

World::World(WorldOptions options) : impl_(std::make_unique<WorldImpl>(std::move(options))) {}
World::~World() = default;

// --- nodes --------------------------------------------------------------------------------------

NodeId World::add(NodeOptions options) {
  const NodeId node = impl_->add(std::move(options));
  impl_->start(node);
  return node;
}

void World::add_cluster(std::size_t count, const NodeOptions& options) {
  impl_->add_cluster(std::vector(count, options));
}

void World::add_cluster(std::vector<NodeOptions> nodes) { impl_->add_cluster(std::move(nodes)); }

std::size_t World::size() const noexcept { return impl_->hosts_.size(); }

const Engine& World::engine(NodeId node) const {
  const auto& engine = std::as_const(*impl_).host(node).engine;
  if (!engine) throw std::logic_error(fmt::format("{} does not run", name(node)));
  return *engine;
}

Engine& World::engine(NodeId node) {
  return const_cast<Engine&>(std::as_const(*this).engine(node));
}

const std::string& World::name(NodeId node) const {
  return std::as_const(*impl_).host(node).config.name;
}

const Address& World::address(NodeId node) const {
  return std::as_const(*impl_).host(node).address;
}

std::optional<NodeId> World::find(std::string_view name) const {
  const auto found = impl_->by_name_.find(name);
  if (found == impl_->by_name_.end()) return std::nullopt;
  return found->second;
}

bool World::running(NodeId node) const {
  return std::as_const(*impl_).host(node).engine.has_value();
}

Config& World::config(NodeId node) { return impl_->host(node).config; }

// --- commands -----------------------------------------------------------------------------------

void World::perform(NodeId node, std::optional<OperationId> operation) {
  if (impl_->checks_) impl_->checks_->commanded(node, operation);
  impl_->perform(node);
}

Result<OperationId> World::join(NodeId node, const std::vector<NodeId>& through) {
  std::vector<JoinTarget> targets;
  for (const NodeId other : through) targets.push_back({{}, address(other)});
  return act(node, [&](Engine& engine, TimePoint now) { return engine.join(now, targets); });
}

Result<OperationId> World::leave(NodeId node, Duration timeout) {
  impl_->host(node).left = true;
  return act(node, [&](Engine& engine, TimePoint now) {
    const auto operation = engine.leave(now, timeout);
    if (operation && impl_->checks_) impl_->checks_->leaving(node, *operation, timeout);
    return operation;
  });
}

// --- faults of hosts ----------------------------------------------------------------------------

void World::crash(NodeId node) {
  impl_->faulted();
  impl_->stop(node);
  impl_->network_.power_off(node);
}

void World::kill(NodeId node) {
  impl_->faulted();
  impl_->stop(node);
  impl_->network_.kill(node);
}

void World::restart(NodeId node) {
  impl_->network_.start(node);
  impl_->start(node);
}

void World::restart_at(NodeId node, const Address& address) {
  impl_->faulted();
  impl_->host(node).address = address;
  impl_->network_.readdress(node, address);
  restart(node);
}

void World::pause(NodeId node) {
  impl_->faulted();
  impl_->hold(node, true);
}
void World::block(NodeId node) {
  impl_->faulted();
  impl_->hold(node, false);
}
void World::resume(NodeId node) { impl_->resume(node); }

void World::slow(NodeId node, Duration time_per_input) {
  impl_->faulted();
  impl_->host(node).disturbed = true;
  impl_->network_.set_service_time(node, time_per_input);
}

void World::set_clock(NodeId node, const HostClock& clock) {
  impl_->faulted();
  impl_->set_clock(node, clock, Duration::zero());
}

void World::step_clock(NodeId node, Duration ahead) {
  impl_->faulted();
  impl_->set_clock(node, impl_->host(node).clock, ahead);
}

void World::swap_addresses(NodeId a, NodeId b) {
  impl_->faulted();
  std::swap(impl_->host(a).address, impl_->host(b).address);
  impl_->network_.swap_addresses(a, b);
}

void World::heal_hosts() {
  for (NodeId node = 0; node < size(); ++node) {
    impl_->network_.set_service_time(node, Duration::zero());
    impl_->set_clock(node, {}, Duration::zero());
    impl_->resume(node);
  }
}

// --- the network --------------------------------------------------------------------------------

void World::set_link(const Link& link) {
  impl_->lasting_link(link);
  impl_->network_.links().set_default(link);
}

void World::set_link(NodeId from, NodeId to, const Link& link) {
  impl_->faulted();
  (void)impl_->host(from);
  (void)impl_->host(to);
  impl_->network_.rule(from, to) = link;
}

void World::set_zone(NodeId host, std::size_t zone) {
  (void)impl_->host(host);
  impl_->network_.links().set_zone(host, zone);
}

void World::set_zone_link(std::size_t from, std::size_t to, const Link& link) {
  impl_->lasting_link(link);
  impl_->network_.links().set_zone_link(from, to, link);
}

void World::impair(NodeId host, const Link& outgoing, const Link& incoming) {
  impl_->faulted();
  (void)impl_->host(host);
  impl_->network_.links().impair(host, outgoing, incoming);
}

void World::set_group(NodeId node, int group) {
  impl_->faulted();
  (void)impl_->host(node);
  impl_->network_.set_group(node, group);
}

void World::heal_network() { impl_->network_.links().heal(); }

// --- time ---------------------------------------------------------------------------------------

TimePoint World::now() const noexcept { return impl_->timeline_.now(); }
Duration World::elapsed() const noexcept { return impl_->timeline_.elapsed(); }
TimePoint World::local_time(NodeId node) const {
  return std::as_const(*impl_).host(node).local(now());
}

void World::at(TimePoint when, std::move_only_function<void()> action) {
  impl_->timeline_.at(when, std::move(action));
}

void World::after(Duration delay, std::move_only_function<void()> action) {
  impl_->timeline_.after(delay, std::move(action));
}

void World::run_for(Duration duration) { impl_->timeline_.run_for(duration); }

bool World::run_until(const std::function<bool()>& done, Duration limit, Duration step) {
  const TimePoint end = now() + limit;
  while (!done()) {
    if (now() >= end) return false;
    impl_->timeline_.run_until(std::min(end, now() + step));
  }
  return true;
}

// --- what is known ------------------------------------------------------------------------------

void World::on_event(std::function<void(NodeId, const Event&)> handler) {
  impl_->on_event_ = std::move(handler);
}

void World::on_completion(std::function<void(NodeId, const Completion&)> handler) {
  impl_->on_completion_ = std::move(handler);
}

void World::on_trace(std::function<void(NodeId, const TraceRecord&)> handler) {
  impl_->on_trace_ = std::move(handler);
}

bool World::converged() const { return impl_->converged(); }

std::optional<MemberStatus> World::status(NodeId observer, NodeId subject) const {
  if (!running(observer)) return std::nullopt;
  const auto member = engine(observer).member(name(subject));
  if (!member) return std::nullopt;
  return member->status;
}

WorldStats World::stats() const {
  const VirtualNetwork& network = impl_->network_;
  return {.events = impl_->timeline_.steps(),
          .packets_sent = network.packets_sent(),
          .packets_lost = network.packets_lost() + network.packets_overflowed(),
          .packets_overflowed = network.packets_overflowed(),
          .bytes_sent = network.bytes_sent(),
          .node_seconds = impl_->node_seconds()};
}

std::uint64_t World::trace_hash() const noexcept {
  Mixer mixer(impl_->network_.traffic_digest());
  mixer.number(impl_->event_digest_.state());
  return mixer.state();
}

void World::check_rest() {
  if (impl_->checks_) impl_->checks_->check_rest();
}

CheckReport World::check_report() const {
  return impl_->checks_ ? impl_->checks_->report() : CheckReport{};
}

void World::reseed(std::uint64_t seed) { impl_->reseed(seed); }

}  // namespace memberlist::sim
