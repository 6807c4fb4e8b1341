#include "alertmanager_peer.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../support/own_loopback.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

/// The address in the log line that says where the web server listens; empty if it is not there
/// yet.
std::string logged_address(const std::string& log) {
  const std::size_t line = log.find("msg=\"Listening on\"");
  if (line == std::string::npos || log.find('\n', line) == std::string::npos) return {};
  constexpr std::string_view kField = "address=";
  const std::size_t from = log.find(kField, line) + kField.size();
  return log.substr(from, log.find_first_of(" \n", from) - from);
}

nlohmann::json cluster_of(const std::string& web_address) {
  return nlohmann::json::parse(http_get(web_address, "/api/v2/status")).at("cluster");
}

}  // namespace

bool AlertmanagerPeer::available() { return !find_program("prometheus-alertmanager").empty(); }

AlertmanagerPeer::AlertmanagerPeer(const std::string& join) {
  const std::filesystem::path config = folder_.path() / "alertmanager.yml";
  std::ofstream(config) << "route:\n  receiver: none\nreceivers:\n  - name: none\n";
  std::vector<std::string> argv{find_program("prometheus-alertmanager"),
                                "--config.file=" + config.string(),
                                "--storage.path=" + (folder_.path() / "data").string(),
                                "--web.listen-address=127.0.0.1:0",
                                "--cluster.listen-address=" + testing::own_loopback_text() + ":0",
                                "--cluster.settle-timeout=0s",
                                "--cluster.probe-interval=200ms",
                                "--cluster.probe-timeout=100ms",
                                "--cluster.gossip-interval=50ms",
                                "--cluster.reconnect-interval=1s",
                                "--log.level=debug"};
  if (!join.empty()) argv.push_back("--cluster.peer=" + join);
  process_.emplace(testing::ProcessOptions{std::move(argv), {}, {}});
  eventually(kReadyTimeout, [&] {
    web_address_ = logged_address(log());
    return !web_address_.empty() || !process_->running();
  });
  if (web_address_.empty()) throw std::runtime_error("Alertmanager did not start: " + log());
  name_ = cluster_of(web_address_).at("name").get<std::string>();
  // It lists itself a moment after its web server has begun to answer.
  if (!wait_for_peer(name_, true, kReadyTimeout)) {
    throw std::runtime_error("Alertmanager does not list itself: " + log());
  }
  address_ = peers().at(name_);
}

std::map<std::string, std::string> AlertmanagerPeer::peers() const {
  std::map<std::string, std::string> result;
  const nlohmann::json cluster = cluster_of(web_address_);
  for (const nlohmann::json& peer : cluster.at("peers")) {
    result.emplace(peer.at("name").get<std::string>(), peer.at("address").get<std::string>());
  }
  return result;
}

bool AlertmanagerPeer::wait_for_peer(const std::string& name, bool there, Timeout timeout) const {
  return eventually(timeout, [&] { return peers().contains(name) == there; });
}

}  // namespace memberlist::interop
