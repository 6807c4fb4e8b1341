#include "sim/virtual_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "memberlist/input.hpp"
#include "sim/digest.hpp"
#include "sim/watch.hpp"

namespace memberlist::sim {

/// Keeps what the engines report, and has them watched and recorded.
class VirtualCluster::Log final : public WorldTap {
 public:
  explicit Log(VirtualCluster& owner) : cluster_(owner) {}

  void prepare(NodeId node, const Config& config, EngineEnvironment& environment) override {
    if (nodes_.size() <= node) nodes_.resize(node + 1);
    Node& noted = nodes_[node];
    ++noted.processes;
    if (cluster_.options_.watched) {
      noted.watch = std::make_unique<Watch>(config);
      environment.on_input = [&watch = *noted.watch](TimePoint, const Input& input) {
        watch.input(input);
      };
    }
    if (cluster_.options_.recorded) {
      noted.record = cluster_.records_.emplace_back(std::make_unique<ProcessRecord>()).get();
      noted.record->node = node;
      environment = noted.record->recorder.attach(config, std::move(environment));
    }
  }
  void created(NodeId node, Engine& engine) override {
    if (nodes_[node].watch) nodes_[node].watch->begin(engine);
  }
  void accepted(NodeId node, StreamId stream, const Address& from) override {
    if (nodes_[node].watch) nodes_[node].watch->accepted(stream, from);
  }
  void started(NodeId node, OperationId operation) {
    if (nodes_[node].watch) nodes_[node].watch->started(operation);
  }
  void output(NodeId node, Output& output) override {
    Node& noted = nodes_[node];
    if (noted.watch) noted.watch->output(output);
    if (noted.record != nullptr) noted.record->digest = add_to_digest(noted.record->digest, output);
    if (const auto* event = std::get_if<Event>(&output)) {
      cluster_.log_.push_back({cluster_.now(), node, *event, noted.processes});
    } else if (const auto* completion = std::get_if<Completion>(&output)) {
      cluster_.log_.push_back({cluster_.now(), node, *completion, noted.processes});
    } else if (auto* record = std::get_if<LogRecord>(&output)) {
      cluster_.log_.push_back({cluster_.now(), node, std::move(*record), noted.processes});
    }
  }
  void after_step(NodeId node, Engine& engine) override {
    if (nodes_[node].watch) nodes_[node].watch->after_step(engine);
  }

 private:
  struct Node {
    std::unique_ptr<Watch> watch;     // outlives the engine, which tells it of its inputs
    ProcessRecord* record = nullptr;  // of the present process
    std::size_t processes = 0;
  };

  VirtualCluster& cluster_;
  std::deque<Node> nodes_;
};

VirtualCluster::VirtualCluster(ClusterOptions options)
    : options_(std::move(options)),
      world_({.seed = options_.seed,
              .config = options_.config,
              .link = options_.link,
              .checks = CheckLevel::none}),  // tests also do what breaks the rules
      tap_(std::make_unique<Log>(*this)) {
  world_.taps_.push_back(tap_.get());
  world_.network_.set_receive_buffer(1024);
  for (std::size_t i = 0; i < options_.size; ++i) add();
}

VirtualCluster::~VirtualCluster() = default;

HostId VirtualCluster::add() {
  const HostId id = size();
  Config config = options_.config;
  config.name = fmt::format("n{:02}", id);
  if (options_.tweak) options_.tweak(id, config);
  const Address address{IpAddress::v4(10, 0, static_cast<std::uint8_t>(id / 250),
                                      static_cast<std::uint8_t>(id % 250 + 1)),
                        7946};
  NodeOptions node{.name = config.name, .address = address, .config = config};
  node.policy = options_.policy ? options_.policy(id) : nullptr;
  world_.add(std::move(node));
  world_.start(id);
  return id;
}

Engine& VirtualCluster::engine(HostId node) { return world_.host(node).engine.value(); }

void VirtualCluster::readdress(HostId node, const Address& address) {
  world_.host(node).address = address;
  world_.network_.readdress(node, address);
}

const Address& VirtualCluster::address(HostId node) const { return world_.host(node).address; }
const std::string& VirtualCluster::name(HostId node) const { return world_.host(node).config.name; }
Config& VirtualCluster::config(HostId node) { return world_.host(node).config; }

bool VirtualCluster::running(HostId node) const {
  return world_.host(node).engine.has_value() && !world_.host(node).paused;
}

bool VirtualCluster::paused(HostId node) const { return world_.host(node).paused; }

// --- faults -------------------------------------------------------------------------------------

void VirtualCluster::crash(HostId node) {
  world_.stop(node);
  network().power_off(node);
}

void VirtualCluster::kill(HostId node) {
  world_.stop(node);
  network().kill(node);
}

void VirtualCluster::restart(HostId node) {
  network().start(node);
  world_.start(node);
}

void VirtualCluster::pause(HostId node) { world_.hold(node, true); }
void VirtualCluster::resume(HostId node) { world_.resume(node); }

void VirtualCluster::note_started(HostId node, const Result<OperationId>& operation) {
  if (operation) tap_->started(node, *operation);
}

bool VirtualCluster::run_until(const std::function<bool()>& done, Duration limit) {
  constexpr Duration kStep = std::chrono::milliseconds(5);
  const TimePoint end = now() + limit;
  while (!done()) {
    if (now() >= end) return false;
    timeline().run_until(std::min(end, now() + kStep));
  }
  return true;
}

// --- commands -----------------------------------------------------------------------------------

Result<OperationId> VirtualCluster::join(HostId node, std::vector<HostId> through) {
  std::vector<JoinTarget> targets;
  for (const HostId other : through) targets.push_back({{}, address(other)});
  return act(node, [&](Engine& engine, TimePoint at) { return engine.join(at, targets); });
}

Result<OperationId> VirtualCluster::leave(HostId node, Duration timeout) {
  return act(node, [&](Engine& engine, TimePoint at) { return engine.leave(at, timeout); });
}

bool VirtualCluster::assemble(Duration limit) {
  for (HostId node = 1; node < size(); ++node) {
    // Apart in time, as real nodes start, and so that their timers do not tick in step.
    run_for(std::chrono::milliseconds(7));
    if (!join(node, {0})) return false;
  }
  // A join may fail where packets are lost; whoever is still alone tries again.
  constexpr Duration kPatience = std::chrono::seconds(12);
  const TimePoint end = now() + limit;
  while (!run_until([&] { return agree(size()); }, std::min(kPatience, end - now()))) {
    if (now() >= end) return false;
    for (HostId node = 1; node < size(); ++node) {
      if (engine(node).live_count() == 1 && !join(node, {0})) return false;
    }
  }
  return true;
}

// --- what is known ------------------------------------------------------------------------------

bool VirtualCluster::agree(std::size_t live) {
  std::optional<std::uint64_t> digest;
  for (HostId node = 0; node < size(); ++node) {
    if (!running(node)) continue;
    if (engine(node).live_count() != live) return false;
    const std::uint64_t own = engine(node).view_digest();
    if (digest.value_or(own) != own) return false;
    digest = own;
  }
  return digest.has_value();
}

std::optional<MemberStatus> VirtualCluster::status(HostId observer, HostId subject) {
  const auto member = engine(observer).member(name(subject));
  if (!member) return std::nullopt;
  return member->status;
}

const LoggedOutput* VirtualCluster::find(HostId observer, HostId subject, MemberEventKind kind,
                                         TimePoint since) const {
  for (const LoggedOutput& line : log_) {
    if (line.at < since || line.node != observer) continue;
    const auto* event = std::get_if<Event>(&line.what);
    const auto* change = event == nullptr ? nullptr : std::get_if<MemberEvent>(event);
    if (change != nullptr && change->kind == kind && change->member.name() == name(subject)) {
      return &line;
    }
  }
  return nullptr;
}

std::optional<TimePoint> VirtualCluster::when(HostId observer, HostId subject, MemberEventKind kind,
                                              TimePoint since) const {
  const LoggedOutput* line = find(observer, subject, kind, since);
  if (line == nullptr) return std::nullopt;
  return line->at;
}

std::size_t VirtualCluster::count(MemberEventKind kind, TimePoint since) const {
  std::size_t found = 0;
  for (const LoggedOutput& line : log_) {
    const auto* event = std::get_if<Event>(&line.what);
    const auto* change = event == nullptr ? nullptr : std::get_if<MemberEvent>(event);
    found += line.at >= since && change != nullptr && change->kind == kind;
  }
  return found;
}

std::size_t VirtualCluster::count(HostId observer, HostId subject, MemberEventKind kind,
                                  TimePoint since) const {
  std::size_t found = 0;
  for (const LoggedOutput& line : log_) {
    if (line.at < since || line.node != observer) continue;
    const auto* event = std::get_if<Event>(&line.what);
    const auto* change = event == nullptr ? nullptr : std::get_if<MemberEvent>(event);
    found += change != nullptr && change->kind == kind && change->member.name() == name(subject);
  }
  return found;
}

const Completion* VirtualCluster::completion(HostId node, OperationId id) const {
  for (const LoggedOutput& line : log_) {
    const auto* completion = std::get_if<Completion>(&line.what);
    if (line.node == node && completion != nullptr && completion->id == id) return completion;
  }
  return nullptr;
}

std::vector<const UserMessage*> VirtualCluster::user_messages(HostId node) const {
  std::vector<const UserMessage*> found;
  for (const LoggedOutput& line : log_) {
    const auto* event = std::get_if<Event>(&line.what);
    const auto* message = event == nullptr ? nullptr : std::get_if<UserMessage>(event);
    if (line.node == node && message != nullptr) found.push_back(message);
  }
  return found;
}

std::size_t VirtualCluster::log_lines(HostId node, LogLevel level, std::string_view part) const {
  std::size_t found = 0;
  for (const LoggedOutput& line : log_) {
    const auto* record = std::get_if<LogRecord>(&line.what);
    found += line.node == node && record != nullptr && record->level == level &&
             record->text.find(part) != std::string::npos;
  }
  return found;
}

std::vector<std::string> VirtualCluster::violations() const {
  std::vector<std::string> all = world_.network_.violations();
  all.insert(all.end(), world_.violations_.begin(), world_.violations_.end());
  return all;
}

}  // namespace memberlist::sim
