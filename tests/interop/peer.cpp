#include "peer.hpp"

namespace memberlist::interop {

bool is_about(const nlohmann::json& event, const std::string& kind, const std::string& member) {
  return event.at("event") == kind && event.at("member").at("name") == member;
}

bool is_message(const nlohmann::json& event, const std::string& payload) {
  return event.at("event") == "message" &&
         from_base64(event.at("payload_base64").get<std::string>()) == payload;
}

}  // namespace memberlist::interop
