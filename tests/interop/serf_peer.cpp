#include "serf_peer.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "../support/reserved_port.hpp"
#include "programs.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

constexpr int kAttempts = 5;

}  // namespace

bool SerfPeer::available() { return !find_program("serf").empty(); }

SerfPeer::SerfPeer(const std::string& name, const std::string& key) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    testing::ReservedPort gossip;
    testing::ReservedPort rpc;
    address_ = gossip.address();
    rpc_address_ = rpc.address();
    std::vector<std::string> argv{find_program("serf"),       "agent",          "-node=" + name,
                                  "-bind=" + address_,        "-profile=local", "-log-level=debug",
                                  "-rpc-addr=" + rpc_address_};
    if (!key.empty()) argv.push_back("-encrypt=" + key);
    gossip.release();
    rpc.release();
    process_.emplace(testing::ProcessOptions{std::move(argv), {}, {}});
    eventually(kReadyTimeout, [&] { return !process_->running() || is_up(); });
    if (process_->running()) return;
  }
  throw std::runtime_error("Serf did not start: " + log());
}

bool SerfPeer::is_up() {
  // Only when it is complete does its own log say so; the RPC port alone may be another's.
  return process_->output().find("Serf agent running!") != std::string::npos &&
         client({"members", "-format", "json"}).status.success();
}

testing::Completed SerfPeer::client(std::vector<std::string> arguments) {
  std::vector<std::string> argv{find_program("serf"), arguments.front(),
                                "-rpc-addr=" + rpc_address_};
  argv.insert(argv.end(), arguments.begin() + 1, arguments.end());
  return testing::run({std::move(argv), {}, {}}, kClientTimeout);
}

std::map<std::string, SerfMember> SerfPeer::members() {
  const testing::Completed completed = client({"members", "-format", "json"});
  if (!completed.status.success()) throw std::runtime_error(completed.error_output);
  std::map<std::string, SerfMember> result;
  const nlohmann::json answer = nlohmann::json::parse(completed.output);
  for (const nlohmann::json& value : answer.at("members")) {
    SerfMember member{
        value.at("status").get<std::string>(), value.at("addr").get<std::string>(), {}};
    for (const auto& [tag, text] : value.at("tags").items()) {
      member.tags[tag] = text.get<std::string>();
    }
    result.emplace(value.at("name").get<std::string>(), std::move(member));
  }
  return result;
}

std::string SerfPeer::status_of(const std::string& name) {
  const auto table = members();
  const auto found = table.find(name);
  return found == table.end() ? "unknown" : found->second.status;
}

bool SerfPeer::wait_for_status(const std::string& name, const std::string& status,
                               Timeout timeout) {
  return eventually(timeout, [&] { return status_of(name) == status; });
}

testing::Completed SerfPeer::join(const std::string& address) { return client({"join", address}); }

testing::Completed SerfPeer::event(const std::string& name, const std::string& payload) {
  return client({"event", "-coalesce=false", name, payload});
}

testing::Completed SerfPeer::leave() { return client({"leave"}); }

}  // namespace memberlist::interop
