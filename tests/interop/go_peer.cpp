#include "go_peer.hpp"

#include <stdexcept>
#include <utility>

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

// Longer than what any command of the Go program waits by itself.
constexpr Timeout kCommandTimeout = 20s;

std::string program(GoVersion version) {
  const std::string name = std::string(MEMBERLIST_GOPEERS) + "/gopeer";
  switch (version) {
    case GoVersion::v0_2:
      return name + "-v02";
    case GoVersion::v0_5:
      return name + "-v05";
    case GoVersion::v0_7:
      return name;
  }
  throw std::logic_error("no such version");
}

testing::ProcessOptions gopeer_command(const PeerOptions& options, int count, GoVersion version) {
  std::vector<std::string> argv{program(version)};
  const auto add = [&](const std::string& option, const std::string& value) {
    argv.push_back("--" + option);
    argv.push_back(value);
  };
  if (count > 1) {
    argv.emplace_back("many");
    add("count", std::to_string(count));
  }
  add("name", options.name);
  add("bind", options.bind);
  add("profile", options.profile);
  if (!options.label.empty()) add("label", options.label);
  if (!options.meta.empty()) add("meta", options.meta);
  for (const std::string& key : options.keys) add("key", key);
  for (const auto& [knob, value] : options.knobs) add("set", knob + "=" + value);
  return {std::move(argv), {}, {}};
}

}  // namespace

GoProcess::GoProcess(const PeerOptions& options, int count, GoVersion version)
    : process_(gopeer_command(options, count, version)), lines_(process_) {}

std::expected<nlohmann::json, std::string> GoProcess::command(nlohmann::json request) {
  const int id = next_id_++;
  request["id"] = id;
  if (!process_.write(request.dump() + "\n")) return std::unexpected("the Go peer has ended");
  const std::optional<nlohmann::json> answer = lines_.answer(id, kCommandTimeout);
  if (!answer.has_value()) return std::unexpected("the Go peer did not answer");
  if (!answer->at("ok").get<bool>()) {
    return std::unexpected(answer->at("error").get<std::string>());
  }
  return answer->value("result", nlohmann::json());
}

bool GoPeer::available() { return !std::string_view(MEMBERLIST_GOPEERS).empty(); }

std::unique_ptr<GoPeer> GoPeer::start(const PeerOptions& options, GoVersion version) {
  return std::make_unique<GoPeer>(std::make_shared<GoProcess>(options, 1, version), 0);
}

std::vector<std::unique_ptr<GoPeer>> GoPeer::start_many(const PeerOptions& options, int count) {
  const auto process = std::make_shared<GoProcess>(options, count, GoVersion::v0_7);
  std::vector<std::unique_ptr<GoPeer>> peers;
  for (int node = 0; node < count; ++node) {
    peers.push_back(std::make_unique<GoPeer>(process, node));
  }
  return peers;
}

GoPeer::GoPeer(std::shared_ptr<GoProcess> process, int node)
    : process_(std::move(process)), node_(node) {
  const auto ready = process_->lines().wait_for(
      [this](const nlohmann::json& event) {
        return event.at("event") == "ready" && is_mine(event);
      },
      kReadyTimeout);
  if (!ready.has_value()) throw std::runtime_error("the Go peer did not start: " + log());
  name_ = ready->at("name").get<std::string>();
  address_ = ready->at("address").get<std::string>();
}

bool GoPeer::is_mine(const nlohmann::json& event) const { return event.at("node") == node_; }

std::expected<nlohmann::json, std::string> GoPeer::command(nlohmann::json request) {
  request["node"] = node_;
  return process_->command(std::move(request));
}

Outcome GoPeer::done(nlohmann::json request) {
  const auto result = command(std::move(request));
  if (!result.has_value()) return std::unexpected(result.error());
  return {};
}

MemberTable GoPeer::members() { return members_of(address_); }

MemberTable GoPeer::members_of(const std::string& address) {
  const auto result = command({{"command", "state"}, {"to", address}});
  if (!result.has_value()) throw std::runtime_error(address + ": " + result.error());
  return parse_members(result->at("members"));
}

Outcome GoPeer::join(const std::string& address) {
  return done({{"command", "join"}, {"addresses", {address}}});
}

Outcome GoPeer::leave() { return done({{"command", "leave"}}); }

Outcome GoPeer::shut_down() { return done({{"command", "shutdown"}}); }

Outcome GoPeer::set_meta(const std::string& meta) {
  return done({{"command", "meta"}, {"payload", to_base64(meta)}});
}

Outcome GoPeer::send(const std::string& to, const std::string& payload, bool reliable) {
  return done(
      {{"command", "send"}, {"to", to}, {"payload", to_base64(payload)}, {"reliable", reliable}});
}

Outcome GoPeer::broadcast(const std::string& payload) {
  return done({{"command", "broadcast"}, {"payload", to_base64(payload)}});
}

Outcome GoPeer::ping(const std::string& name) { return done({{"command", "ping"}, {"to", name}}); }

Outcome GoPeer::add_key(const std::string& key) {
  return done({{"command", "key_add"}, {"payload", key}});
}

Outcome GoPeer::use_key(const std::string& key) {
  return done({{"command", "key_use"}, {"payload", key}});
}

Outcome GoPeer::remove_key(const std::string& key) {
  return done({{"command", "key_remove"}, {"payload", key}});
}

Outcome GoPeer::verify(std::optional<bool> incoming, std::optional<bool> outgoing) {
  nlohmann::json request{{"command", "verify"}};
  if (incoming) request["incoming"] = *incoming;
  if (outgoing) request["outgoing"] = *outgoing;
  return done(std::move(request));
}

Outcome GoPeer::start_flow(Timeout interval) {
  return done({{"command", "flow"}, {"timeout_ms", interval.count()}});
}

std::map<std::string, int> GoPeer::stop_flow() {
  const auto sent = command({{"command", "flow_stop"}});
  if (!sent.has_value()) throw std::runtime_error(sent.error());
  return sent->get<std::map<std::string, int>>();
}

void GoPeer::signal(int number) { process_->process().signal(number); }

std::string GoPeer::log() { return process_->process().error_output(); }

void GoPeer::stop() { process_->process().close_input(); }

void GoPeer::watch() { watched_from_ = process_->lines().events().size(); }

std::optional<nlohmann::json> GoPeer::wait_for(const JsonLines::Predicate& wanted,
                                               Timeout timeout) {
  return process_->lines().wait_for(
      [&](const nlohmann::json& event) { return is_mine(event) && wanted(event); }, timeout,
      watched_from_);
}

bool GoPeer::wait_for_status(const std::string& member, const std::string& status,
                             Timeout timeout) {
  // The library has no event for a suspicion: its table is asked instead.
  return eventually(timeout, [&] { return status_of(members(), member) == status; });
}

}  // namespace memberlist::interop
