#include "real_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <utility>

#include "text.hpp"

namespace memberlist::cli {

namespace {

using std::chrono::steady_clock;

// How long a run goes on without anybody asking whether it should.
constexpr Duration kSlice = std::chrono::milliseconds(100);

}  // namespace

RealCluster::RealCluster(const sim::Scenario& scenario, RealNetwork network,
                         std::function<bool()> going_on)
    : scenario_(scenario),
      going_on_(std::move(going_on)),
      work_(io_.get_executor()),
      network_(std::move(network)),
      score_(scenario, nodes_in_all(scenario)),
      agents_(nodes_in_all(scenario)) {
  need(network_.suffer(scenario_, network_faults_));
}

// --- agents --------------------------------------------------------------------------------------

void RealCluster::start(sim::NodeId node, std::optional<sim::NodeId> contact) {
  RealAgent::Handlers handlers{
      .on_change = [this,
                    node](const MemberChange& change) { score_.take(node, change, elapsed()); },
      .on_end = [this, node] { ended_by_itself(node); }};
  need(network_.plug(node, true));
  auto agent = RealAgent::start(io_, agent_command(scenario_, node, contact), network_.host(node),
                                std::move(handlers));
  if (!agent) return fail(agent.error());
  count_time();
  agents_[node] = std::move(*agent);
  score_.started(node);
  if (score_.is_stopped(node)) agents_[node]->signal(SIGSTOP);
}

// The cable first: nothing is to tell others that the process is gone.
void RealCluster::end(sim::NodeId node, bool machine_too) {
  if (!score_.runs(node)) return;
  if (machine_too) need(network_.plug(node, false));
  forget(node);
}

void RealCluster::forget(sim::NodeId node) {
  count_time();
  const Duration now = elapsed();
  agents_[node].reset();
  score_.ended(node, now);
}

void RealCluster::leave(sim::NodeId node) {
  score_.leaves(node, elapsed());
  agents_[node]->signal(SIGTERM);
}

void RealCluster::ended_by_itself(sim::NodeId node) {
  if (!score_.takes_part(node)) return forget(node);
  fail({kExitFailed,
        fmt::format("the agent of node {} has ended: {}", node, trim(agents_[node]->complaint()))});
}

void RealCluster::stop(sim::NodeId node, std::size_t fault) {
  score_.begin_stop(node, fault);
  if (score_.runs(node)) agents_[node]->signal(SIGSTOP);
}

void RealCluster::resume(sim::NodeId node, std::size_t fault) {
  score_.end_stop(node, fault);
  if (score_.runs(node) && !score_.is_stopped(node)) agents_[node]->signal(SIGCONT);
}

void RealCluster::begin_fault(std::size_t fault, const std::vector<sim::NodeId>& nodes) {
  network_faults_[fault] = nodes;
  need(network_.suffer(scenario_, network_faults_));
}

void RealCluster::end_fault(std::size_t fault) {
  network_faults_.erase(fault);
  need(network_.suffer(scenario_, network_faults_));
}

void RealCluster::heal() {
  network_faults_.clear();
  need(network_.suffer(scenario_, network_faults_));
  score_.heal();
  for (const auto& agent : agents_) {
    if (agent) agent->signal(SIGCONT);
  }
}

void RealCluster::tell(sim::NodeId node, std::vector<std::string> words) {
  std::erase_if(clients_, [](ChildProcess& client) { return !client.is_running(); });
  auto client = ChildProcess::start(
      {.arguments = client_command(std::move(words)), .network = network_.host(node)});
  if (!client) return fail(client.error());
  clients_.push_back(std::move(*client));
}

void RealCluster::tell_to_join(sim::NodeId node, sim::NodeId contact) {
  tell(node, {"join", ip_of(contact)});
}

// --- time ----------------------------------------------------------------------------------------

void RealCluster::begin() {
  datagrams_before_ = count_datagrams();
  begun_ = steady_clock::now();
}

Duration RealCluster::elapsed() const {
  return begun_ ? Duration(steady_clock::now() - *begun_) : Duration(-1);
}

void RealCluster::after(Duration delay, std::function<void()> action) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, delay);
  timer->async_wait([timer, action = std::move(action)](const boost::system::error_code& error) {
    if (!error) action();
  });
}

bool RealCluster::run_for(Duration time) {
  return !run_until([] { return false; }, time, kSlice) && !failure_ && going_on_();
}

bool RealCluster::run_until(const std::function<bool()>& done, Duration limit, Duration step) {
  const auto end = steady_clock::now() + limit;
  for (;;) {
    if (failure_ || !going_on_()) return false;
    if (done()) return true;
    const auto now = steady_clock::now();
    if (now >= end) return false;
    io_.run_until(std::min(end, now + step));
  }
}

// --- what is known -------------------------------------------------------------------------------

std::uint64_t RealCluster::datagrams_sent() { return count_datagrams() - datagrams_before_; }

std::uint64_t RealCluster::count_datagrams() {
  const auto count = network_.datagrams_sent();
  if (count) return *count;
  fail(count.error());
  return datagrams_before_;
}

void RealCluster::count_time() {
  if (!begun_) return;
  const Duration now = elapsed();
  node_seconds_ += std::chrono::duration<double>(now - counted_until_).count() *
                   static_cast<double>(score_.processes());
  counted_until_ = now;
}

double RealCluster::node_seconds() {
  count_time();
  return node_seconds_;
}

void RealCluster::need(const std::expected<void, CommandError>& done) {
  if (!done) fail(done.error());
}

// The first failure is the reason of the others.
void RealCluster::fail(CommandError error) {
  if (!failure_) failure_ = std::move(error);
}

}  // namespace memberlist::cli
