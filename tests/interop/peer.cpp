#include "peer.hpp"

namespace memberlist::interop {

bool Peer::wait_for_event(const std::string& kind, const std::string& member, Timeout timeout) {
  const auto wanted = [&](const nlohmann::json& event) {
    return event.at("event") == kind && event.at("member").at("name") == member;
  };
  return wait_for(wanted, timeout).has_value();
}

bool Peer::wait_for_message(const std::string& payload, Timeout timeout) {
  const auto wanted = [&](const nlohmann::json& event) {
    return message_payload(event) == payload;
  };
  return wait_for(wanted, timeout).has_value();
}

std::optional<std::string> message_payload(const nlohmann::json& event) {
  if (event.at("event") != "message") return std::nullopt;
  return from_base64(event.at("payload_base64").get<std::string>());
}

}  // namespace memberlist::interop
