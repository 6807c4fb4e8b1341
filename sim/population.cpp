#include "sim/population.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "sim/holdings.hpp"

namespace memberlist::sim {
namespace {

/// As the agent does with `--retry-join`.
constexpr Duration kJoinPause = std::chrono::seconds(1);

bool is_member(MemberStatus status) {
  return status == MemberStatus::alive || status == MemberStatus::suspect;
}

}  // namespace

Population::Population(World& world, const Scenario& scenario, std::uint64_t seed)
    : world_(world),
      scenario_(scenario),
      starts_(random_for(seed, Purpose::starts)),
      contacts_(random_for(seed, Purpose::contacts)),
      host_faults_(world, scenario.faults) {}

// --- how nodes come in -------------------------------------------------------------------------

void Population::begin() {
  if (!scenario_.formed) return start_later();
  std::vector<NodeOptions> nodes;
  nodes.reserve(scenario_.nodes);
  for (NodeId node = 0; node < scenario_.nodes; ++node) nodes.push_back(options_of(node));
  world_.add_cluster(std::move(nodes));
  for (NodeId node = 0; node < scenario_.nodes; ++node) enter(node);
  convergence_.form();
}

/// The first node runs from the beginning, the others start at any time.
void Population::start_later() {
  enter(world_.add(options_of(0)));
  std::vector<Duration> starts;
  for (NodeId node = 1; node < scenario_.nodes; ++node) {
    starts.push_back(starts_.below(scenario_.join_within));
  }
  std::ranges::sort(starts);
  for (const Duration start : starts) world_.after(start, [this] { add_joining(); });
}

void Population::add_joining() {
  const NodeId node = enter(world_.add(options_of(nodes_.size())));
  if (takes_part(0)) return join_through(node, 0);
  join(node);
}

NodeId Population::add_namesake(NodeId original) {
  NodeOptions options = options_of(nodes_.size());
  options.name = world_.name(original);
  const NodeId identity = nodes_[original].identity;
  const NodeId node = enter(world_.add(std::move(options)));
  nodes_[node].identity = identity;
  convergence_.set_truth(node, Convergence::Truth::gone);
  convergence_.restart(node, identity);
  update_truth(node);
  join(node, {original});
  return node;
}

NodeOptions Population::options_of(NodeId node) const {
  NodeOptions options;
  options.zone = node % scenario_.zones;
  const bool from_the_start = node < scenario_.nodes;
  if (from_the_start && node >= scenario_.nodes - scenario_.go_nodes) {
    options.behaviour = Behaviour::go();
  }
  if (!keys_.empty()) {
    options.config = scenario_.config;
    options.config->keys = keys_;
  }
  return options;
}

NodeId Population::enter(NodeId node) {
  nodes_.push_back({.identity = node});
  host_faults_.add_node();
  convergence_.add_node();
  convergence_.restart(node, node);
  update_truth(node);
  return node;
}

// --- how they join and leave -------------------------------------------------------------------

void Population::join(NodeId node, const std::vector<NodeId>& avoided) {
  std::vector<NodeId> contacts = running();
  std::erase_if(contacts, [&](NodeId other) {
    return nodes_[other].identity == nodes_[node].identity ||
           std::ranges::find(avoided, other) != avoided.end();
  });
  if (contacts.empty()) return retry_join(node);
  join_through(node, contacts[contacts_.below(contacts.size())]);
}

bool Population::is_quiet() const {
  return most_queued() == 0 && std::ranges::all_of(running(), [this](NodeId node) {
           const Engine& engine = std::as_const(world_).engine(node);
           return engine.health_score() == 0 && holdings_of(engine).suspicions == 0;
         });
}

std::uint64_t Population::most_queued() const {
  std::uint64_t most = 0;
  for (const NodeId node : running()) {
    most = std::max(most, std::as_const(world_).engine(node).counters().broadcasts_queued);
  }
  return most;
}

/// Through one and the same: if each had a contact of its own, there could be groups that know
/// nothing of each other.
void Population::join_all() {
  const std::vector<NodeId> nodes = running();
  for (std::size_t i = 1; i < nodes.size(); ++i) join_through(nodes[i], nodes.front());
  if (nodes.size() > 1) join_through(nodes.front(), nodes[1]);
}

void Population::join_through(NodeId node, NodeId contact) {
  nodes_[node].contact = contact;
  follow(node, &Node::join, world_.join(node, {contact}));
}

/// A command may have ended before it returned its number.
void Population::follow(NodeId node, std::optional<OperationId> Node::* place,
                        const Result<OperationId>& operation) {
  if (!operation) return;
  nodes_[node].*place = *operation;
  const auto ended = std::exchange(ended_, std::nullopt);
  if (ended && ended->first == node && ended->second.id == *operation) take(node, ended->second);
}

void Population::retry_join(NodeId node) {
  world_.after(kJoinPause, [this, node, process = nodes_[node].processes] {
    if (!takes_part(node) || nodes_[node].processes != process) return;
    // Another one that is alone, too, would be no way into the cluster.
    const auto contact = nodes_[node].contact;
    if (contact && takes_part(*contact)) return join_through(node, *contact);
    join(node);
  });
}

void Population::leave(NodeId node) {
  nodes_[node].leaving = true;
  lose(node);
  update_truth(node);
  follow(node, &Node::leave, world_.leave(node));
}

void Population::take(NodeId node, const Completion& completion) {
  Node& state = nodes_[node];
  if (state.join == completion.id) {
    state.join.reset();
    if (!completion.result) retry_join(node);
  } else if (state.leave == completion.id) {
    state.leave.reset();
    // Not in the middle of what the engine does.
    world_.after(Duration::zero(), [this, node, process = state.processes] {
      if (world_.running(node) && nodes_[node].processes == process) end(node, false);
    });
  } else {
    ended_.emplace(node, completion);
  }
}

// --- how processes end and start ---------------------------------------------------------------

void Population::end(NodeId node, bool machine_too) {
  if (!world_.running(node)) return;
  nodes_[node].join.reset();
  nodes_[node].leave.reset();
  if (machine_too) {
    world_.crash(node);
  } else {
    world_.kill(node);
  }
  lose(node);
  update_truth(node);
}

void Population::restart(NodeId node, const std::optional<Address>& address) {
  if (world_.running(node)) return;
  if (address) {
    world_.restart_at(node, *address);
  } else {
    world_.restart(node);
  }
  nodes_[node].leaving = nodes_[node].lost = false;
  nodes_[node].contact.reset();
  ++nodes_[node].processes;
  host_faults_.restarted(node);
  convergence_.restart(node, nodes_[node].identity);
  update_truth(node);
  join(node);
}

void Population::begin_fault(NodeId node, std::size_t fault) {
  host_faults_.begin(node, fault);
  update_truth(node);
}

void Population::end_fault(NodeId node, std::size_t fault) {
  host_faults_.end(node, fault);
  update_truth(node);
}

void Population::heal() {
  host_faults_.heal();
  world_.heal_hosts();
  world_.heal_network();
  for (NodeId node = 0; node < size(); ++node) update_truth(node);
}

void Population::set_keys(const std::vector<Bytes>& keys) {
  keys_ = keys;
  for (NodeId node = 0; node < size(); ++node) world_.config(node).keys = keys;
}

// --- who knows whom ----------------------------------------------------------------------------

void Population::take(NodeId observer, const MemberEvent& event) {
  const auto subject = subject_of(event.member.name());
  // An event of the world's own `add` comes before the node has entered.
  if (!subject || observer >= size()) return;
  const bool gone = event.kind == MemberEventKind::dead || event.kind == MemberEventKind::leave;
  if (gone) detections_.found(observer, *subject, world_.elapsed());
  if (event.kind == MemberEventKind::conflict) return;
  convergence_.saw(observer, *subject, is_member(event.member.status));
}

std::optional<NodeId> Population::subject_of(std::string_view name) const {
  const auto node = world_.find(name);
  if (!node || *node >= size()) return std::nullopt;
  return nodes_[*node].identity;
}

std::vector<NodeId> Population::running() const {
  std::vector<NodeId> all;
  for (NodeId node = 0; node < size(); ++node) {
    if (takes_part(node)) all.push_back(node);
  }
  return all;
}

double Population::converged() const {
  std::size_t asked = 0;
  std::size_t right = 0;
  for (NodeId node = 0; node < size(); ++node) {
    if (!takes_part(node) || host_faults_.is_stopped(node)) continue;
    ++asked;
    right += convergence_.is_right(node) ? 1 : 0;
  }
  return asked == 0 ? 1 : static_cast<double>(right) / static_cast<double>(asked);
}

/// Of namesakes, one that runs is enough.
void Population::update_truth(NodeId node) {
  const NodeId identity = nodes_[node].identity;
  auto truth = Convergence::Truth::gone;
  for (NodeId other = identity; other < size(); ++other) {
    if (nodes_[other].identity != identity || !takes_part(other)) continue;
    truth = host_faults_.is_stopped(other) ? Convergence::Truth::open : Convergence::Truth::member;
  }
  convergence_.set_truth(identity, truth);
}

void Population::watch(NodeId subject) {
  detections_.begin(subject, world_.elapsed(), size(), [&](NodeId node) {
    // Who only stands still for a moment will see it.
    if (!takes_part(node) || nodes_[node].lost) return Detections::Role::none;
    return convergence_.holds(node, nodes_[subject].identity) ? Detections::Role::waits
                                                              : Detections::Role::knows;
  });
}

}  // namespace memberlist::sim
