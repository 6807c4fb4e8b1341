#include "sim/virtual_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sim/digest.hpp"
#include "sim/watch.hpp"

namespace memberlist::sim {

/// One process: an engine, or the want of one.
class VirtualCluster::Node final : public VirtualHost {
 public:
  Node(VirtualCluster& owner, HostId index, Config chosen, const Address& where, Policy* decisions,
       std::uint64_t seed)
      : cluster(owner),
        id(index),
        config(std::move(chosen)),
        address(where),
        policy(decisions),
        random(seed) {}

  void on_packet(const Address& from, Bytes bytes) override {
    engine->handle_packet(cluster.now(), from, bytes);
    cluster.drain(id);
  }
  void on_send_error(const Address& to, const Error& error) override {
    engine->handle_send_error(cluster.now(), to, error);
    cluster.drain(id);
  }
  std::optional<StreamId> on_accept(const Address& from) override {
    const auto stream = engine->handle_accept(cluster.now(), from);
    if (watch && stream) watch->accepted(*stream, from);
    cluster.drain(id);
    return stream;
  }
  void on_stream(StreamId stream, const StreamEvent& event) override {
    engine->handle_stream(cluster.now(), stream, event);
    cluster.drain(id);
  }

  VirtualCluster& cluster;
  HostId id;
  Config config;
  Address address;
  Policy* policy;
  Random random;                    // seeds and nonces of all processes that this node will have
  std::unique_ptr<Watch> watch;     // outlives the engine, which tells it of its inputs
  ProcessRecord* record = nullptr;  // of the present process
  std::optional<Engine> engine;
  bool paused = false;
  std::size_t processes = 0;
  TimePoint armed_for = kNever;
};

VirtualCluster::VirtualCluster(ClusterOptions options)
    : options_(std::move(options)), network_(timeline_, options_.seed ^ 0x6e6574) {
  network_.set_default_rule(options_.link);
  const std::size_t size = options_.size;
  for (std::size_t i = 0; i < size; ++i) add();
}

VirtualCluster::~VirtualCluster() = default;

HostId VirtualCluster::add() {
  const HostId id = nodes_.size();
  Config config = options_.config;
  config.name = fmt::format("n{:02}", id);
  if (options_.tweak) options_.tweak(id, config);
  const Address address{IpAddress::v4(10, 0, static_cast<std::uint8_t>(id / 250),
                                      static_cast<std::uint8_t>(id % 250 + 1)),
                        7946};
  Policy* policy = options_.policy ? options_.policy(id) : nullptr;
  nodes_.push_back(std::make_unique<Node>(*this, id, std::move(config), address, policy,
                                          options_.seed * 1'000'003 + id));
  network_.attach(address, *nodes_.back());
  make_engine(id);
  return id;
}

void VirtualCluster::make_engine(HostId id) {
  Node& node = *nodes_[id];
  EngineEnvironment environment;
  environment.advertise = node.address;
  environment.now = now();
  environment.seed = node.random.next();
  environment.nonce_source = [&node](std::span<std::byte> out) {
    for (std::byte& byte : out) byte = static_cast<std::byte>(node.random.next());
  };
  environment.policy = node.policy;
  environment.records = member_records_;
  if (options_.watched) {
    node.watch = std::make_unique<Watch>(node.config);
    environment.on_input = [&watch = *node.watch](TimePoint, const Input& input) {
      watch.input(input);
    };
  }
  if (options_.recorded) {
    node.record = records_.emplace_back(std::make_unique<ProcessRecord>()).get();
    node.record->node = id;
    environment = node.record->recorder.attach(node.config, std::move(environment));
  }
  auto engine = Engine::create(node.config, std::move(environment));
  if (!engine) throw std::runtime_error("engine refused its config: " + engine.error().message);
  node.engine.emplace(std::move(*engine));
  if (node.watch) node.watch->begin(*node.engine);
  ++node.processes;
  drain(id);
}

Engine& VirtualCluster::engine(HostId node) { return nodes_.at(node)->engine.value(); }
void VirtualCluster::readdress(HostId node, const Address& address) {
  nodes_.at(node)->address = address;
  network_.readdress(node, address);
}

const Address& VirtualCluster::address(HostId node) const { return nodes_.at(node)->address; }
const std::string& VirtualCluster::name(HostId node) const { return nodes_.at(node)->config.name; }
Config& VirtualCluster::config(HostId node) { return nodes_.at(node)->config; }
bool VirtualCluster::running(HostId node) const {
  return nodes_.at(node)->engine.has_value() && !nodes_.at(node)->paused;
}

bool VirtualCluster::paused(HostId node) const { return nodes_.at(node)->paused; }

// --- faults -------------------------------------------------------------------------------------

void VirtualCluster::crash(HostId node) {
  network_.power_off(node);
  nodes_.at(node)->engine.reset();
  nodes_.at(node)->armed_for = kNever;
}

void VirtualCluster::kill(HostId node) {
  network_.kill(node);
  nodes_.at(node)->engine.reset();
  nodes_.at(node)->armed_for = kNever;
}

void VirtualCluster::restart(HostId node) {
  network_.start(node);
  make_engine(node);
}

void VirtualCluster::pause(HostId node) {
  network_.pause(node);
  nodes_.at(node)->paused = true;
}

// The timer goes first: the engine must bear to see its deadlines before the answers that came in
// time.
void VirtualCluster::resume(HostId node) {
  nodes_.at(node)->paused = false;
  on_timer(node, nodes_.at(node)->armed_for);
  network_.resume(node);
}

// --- carrying out -------------------------------------------------------------------------------

void VirtualCluster::drain(HostId id) {
  Node& node = *nodes_[id];
  Engine& engine = *node.engine;
  for (Output& output : engine.outputs()) {
    note(node, output);
    if (const auto* packet = std::get_if<SendPacket>(&output)) {
      network_.send(id, packet->to, packet->bytes);
    } else if (const auto* dial = std::get_if<DialStream>(&output)) {
      network_.dial(id, dial->id, dial->to);
    } else if (const auto* write = std::get_if<WriteStream>(&output)) {
      network_.write(id, write->id, write->bytes);
    } else if (const auto* close = std::get_if<CloseStream>(&output)) {
      network_.close(id, close->id);
    } else if (const auto* abort = std::get_if<AbortStream>(&output)) {
      network_.abort(id, abort->id);
    } else if (auto* event = std::get_if<Event>(&output)) {
      log_.push_back({now(), id, std::move(*event), node.processes});
    } else if (auto* completion = std::get_if<Completion>(&output)) {
      log_.push_back({now(), id, std::move(*completion), node.processes});
    } else if (auto* record = std::get_if<LogRecord>(&output)) {
      log_.push_back({now(), id, std::move(*record), node.processes});
    }
  }
  engine.clear_outputs();
  if (node.watch) node.watch->after_step(engine);
  arm(id);
}

void VirtualCluster::note(Node& node, const Output& output) {
  if (node.watch) node.watch->output(output);
  if (node.record != nullptr) node.record->digest = add_to_digest(node.record->digest, output);
}

void VirtualCluster::note_started(HostId id, const Result<OperationId>& operation) {
  Node& node = *nodes_.at(id);
  if (node.watch && operation) node.watch->started(*operation);
}

void VirtualCluster::arm(HostId id) {
  Node& node = *nodes_[id];
  const TimePoint deadline = node.engine->next_deadline();
  if (deadline >= node.armed_for) return;
  node.armed_for = deadline;
  timeline_.at(deadline, [this, id, deadline] { on_timer(id, deadline); });
}

void VirtualCluster::on_timer(HostId id, TimePoint planned) {
  Node& node = *nodes_[id];
  if (!node.engine || node.paused || node.armed_for != planned) return;
  node.armed_for = kNever;
  if (node.engine->next_deadline() > now()) return arm(id);
  node.engine->handle_deadline(now());
  if (node.engine->next_deadline() <= now()) {
    violations_.push_back(
        fmt::format("{} spins: its next deadline is not after the one handled at {} ms",
                    node.config.name, timeline_.elapsed() / std::chrono::milliseconds(1)));
    node.armed_for = now() + std::chrono::milliseconds(1);
    timeline_.at(node.armed_for, [this, id, at = node.armed_for] { on_timer(id, at); });
  }
  drain(id);
}

bool VirtualCluster::run_until(const std::function<bool()>& done, Duration limit) {
  constexpr Duration kStep = std::chrono::milliseconds(5);
  const TimePoint end = now() + limit;
  while (!done()) {
    if (now() >= end) return false;
    timeline_.run_until(std::min(end, now() + kStep));
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
  return run_until([&] { return agree(size()); }, limit);
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
  std::vector<std::string> all = network_.violations();
  all.insert(all.end(), violations_.begin(), violations_.end());
  return all;
}

}  // namespace memberlist::sim
