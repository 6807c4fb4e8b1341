#include "event_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "memberlist/name_text.hpp"
#include "name_views.hpp"
#include "output.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kEventWidth = 8;
constexpr std::size_t kPayloadShownBytes = 200;

std::string text_of(const Json& json, const char* field) {
  const auto found = json.find(field);
  return found != json.end() && found->is_string() ? escape_controls(found->get<std::string>())
                                                   : std::string();
}

std::uint64_t number_of(const Json& json, const char* field) {
  const auto found = json.find(field);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Json object_of(const Json& json, const char* field) {
  const auto found = json.find(field);
  return found != json.end() && found->is_object() ? *found : Json::object();
}

std::string shown_name(const Json& json, const char* field) {
  return show_name(name_in(json, field));
}

// Why the state changed, in brackets; nothing for what gossip brings all the time.
std::string cause_text(const Json& cause) {
  const std::string kind = text_of(cause, "kind");
  const std::string accuser = shown_name(cause, "accuser");
  if (kind == "probe_failed") {
    return fmt::format(" (no answer to a probe, nor through {} others)",
                       number_of(cause, "indirect_probes"));
  }
  if (kind == "suspicion_expired") {
    return fmt::format(" (not refuted in time, confirmed by {})",
                       number_of(cause, "confirmations"));
  }
  return accuser.empty() ? std::string() : fmt::format(" (reported by {})", accuser);
}

std::string member_text(const Json& event, const std::string& kind) {
  const Json member = object_of(event, "member");
  std::string text =
      fmt::format("{} {} {} incarnation {}", shown_name(member, "name"), text_of(member, "address"),
                  text_of(member, "status"), number_of(member, "incarnation"));
  if (kind == "conflict") {
    return text + fmt::format(", its name is claimed by {} too", text_of(event, "other"));
  }
  return text + cause_text(object_of(event, "cause"));
}

std::string message_text(const Json& event) {
  const std::string from = shown_name(event, "from");
  std::string payload = text_of(event, "payload");
  if (event.find("payload") == event.end()) payload = "base64 " + text_of(event, "payload_base64");
  if (payload.size() > kPayloadShownBytes) {
    payload = escape_controls(payload.substr(0, kPayloadShownBytes)) + "...";
  }
  return fmt::format("from {}: {}", from.empty() ? text_of(event, "source") : from, payload);
}

std::string ready_text(const Json& event) {
  const std::string http = text_of(event, "http");
  return fmt::format("{} at {}, {}", shown_name(event, "name"), text_of(event, "address"),
                     http.empty() ? "no admin address" : "admin address " + http);
}

std::string details(const Json& event, const std::string& kind) {
  if (kind == "ready") return ready_text(event);
  if (kind == "message") return message_text(event);
  if (kind == "health") return fmt::format("score {}", number_of(event, "score"));
  if (kind == "merge") {
    return fmt::format("{} bytes of user state from {}", number_of(event, "state_bytes"),
                       text_of(event, "source"));
  }
  if (kind == "joined") {
    const std::uint64_t contacted = number_of(event, "contacted");
    return contacted == 0 ? "no address answered" : fmt::format("through {}", contacted);
  }
  if (kind == "retrying") {
    return fmt::format("the join in {} ms: {}", number_of(event, "pause_ms"),
                       text_of(event, "text"));
  }
  if (kind == "error") return text_of(event, "text");
  if (kind == "lost") {
    return fmt::format("{} events that were not read in time", number_of(event, "count"));
  }
  return event.find("member") != event.end() ? member_text(event, kind) : std::string();
}

Colour event_colour(const std::string& kind) {
  if (kind == "join" || kind == "alive") return Colour::green;
  if (kind == "suspect" || kind == "conflict" || kind == "retrying" || kind == "lost") {
    return Colour::yellow;
  }
  if (kind == "dead" || kind == "leave" || kind == "error") return Colour::red;
  return Colour::bold;
}

}  // namespace

std::string event_text(const Json& event, bool colour) {
  const std::string kind = text_of(event, "event");
  const std::string rest = details(event, kind);
  const std::string name = rest.empty() ? kind : pad_right(kind, kEventWidth) + " ";
  return text_of(event, "time") + " " + paint(name, event_colour(kind), colour) + rest;
}

}  // namespace memberlist::cli
