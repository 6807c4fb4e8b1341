#include "json_views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "memberlist/counter_table.hpp"
#include "memberlist/version.hpp"
#include "name_views.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

Json version_range_json(const VersionRange& range) {
  return {{"min", range.min}, {"max", range.max}, {"current", range.current}};
}

// Bytes go as base64, and once more as text where they are text.
void put_bytes(Json& json, const std::string& name, BytesView bytes) {
  json[name + "_base64"] = base64_encode(bytes);
  if (is_utf8(as_text(bytes))) json[name] = as_text(bytes);
}

Json cause_json(const Cause& cause) {
  Json json{{"kind", to_string(cause.kind)}};
  if (!cause.accuser.empty()) put_name(json, "accuser", cause.accuser);
  if (cause.source) json["source"] = cause.source->to_string();
  if (cause.kind == Cause::Kind::suspicion_expired) {
    json["confirmations"] = cause.confirmations;
    json["accusers"] = cause.accusers;
  }
  if (cause.kind == Cause::Kind::probe_failed) {
    json["indirect_probes"] = cause.indirect_probes;
    json["nacks"] = cause.nacks;
  }
  return json;
}

Json counters_json(const EngineCounters& counters) {
  Json json = Json::object();
  for (const CounterInfo& info : kEngineCounters) {
    json[std::string(info.name)] = counters.*info.value;
  }
  return json;
}

// Bytes that are no UTF-8 as `\xNN`, in all texts.
Json with_utf8_only(const Json& json) {
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    return is_utf8(text) ? json : Json(escape_controls(text));
  }
  Json copy = json;
  if (copy.is_structured()) {
    for (auto& [key, value] : copy.items()) value = with_utf8_only(value);
  }
  return copy;
}

Json by_status_json(const MemberSnapshot& members) {
  Json json = Json::object();
  for (const MemberStatus status :
       {MemberStatus::alive, MemberStatus::suspect, MemberStatus::dead, MemberStatus::left}) {
    json[std::string(to_string(status))] =
        std::ranges::count(members, status, [](const Member& member) { return member.status; });
  }
  return json;
}

}  // namespace

Viewer viewer_of(const Memberlist& list) {
  return {list.local_member().name(),
          [&list](TimePoint moment) { return list.wall_clock(moment); }};
}

std::string to_line(const Json& json) {
  try {
    return escape_json(json.dump());
  } catch (const Json::type_error&) {
    return escape_json(with_utf8_only(json).dump());
  }
}

Json member_json(const Member& member, const Viewer& viewer) {
  Json json;
  put_name(json, "name", member.name());
  json["address"] = member.address().to_string();
  json["status"] = to_string(member.status);
  json["incarnation"] = member.incarnation;
  put_bytes(json, "meta", member.meta());
  json["protocol"] = version_range_json(member.record->protocol);
  json["delegate_protocol"] = version_range_json(member.record->delegate_protocol);
  json["since"] = rfc3339(viewer.wall_clock(member.since));
  json["self"] = member.name() == viewer.self;
  return json;
}

std::string members_line(const MemberSnapshot& members, const std::vector<MemberStatus>& statuses,
                         const Viewer& viewer) {
  std::string line = "[";
  for (const Member& member : members) {
    if (statuses.empty() || std::ranges::find(statuses, member.status) != statuses.end()) {
      line += line.size() > 1 ? "," : "";
      line += to_line(member_json(member, viewer));
    }
  }
  return line + "]";
}

Json info_json(const Memberlist& list) {
  const Member self = list.local_member();
  const EngineCounters counters = list.counters();
  const Config& config = list.config();
  Json json;
  put_name(json, "name", self.name());
  json.update({
      {"address", self.address().to_string()},
      {"listen_address", list.local_address().to_string()},
      {"version", version()},
      {"protocol", version_range_json(self.record->protocol)},
      {"delegate_protocol", version_range_json(self.record->delegate_protocol)},
      {"incarnation", self.incarnation},
      {"label", config.label},
      {"encrypted", !list.keys().empty()},
      {"health_score", list.health_score()},
      {"members", by_status_json(list.members())},
      {"queue", counters.broadcasts_queued},
      {"max_packet_payload_bytes", list.max_packet_payload()},
      {"view_digest", fmt::format("{:016x}", list.view_digest())},
      {"counters", counters_json(counters)},
  });
  return json;
}

Json keys_json(const Memberlist& list) {
  Json keys = Json::array();
  for (const KeyInfo& key : list.keys()) {
    keys.push_back({{"fingerprint", key.fingerprint},
                    {"bytes", key.key_bytes},
                    {"primary", key.primary},
                    {"encrypted", key.encrypted},
                    {"decrypted", key.decrypted}});
  }
  const GossipVerify verify = list.gossip_verify();
  return {{"keys", keys},
          {"gossip_verify_incoming", verify.incoming},
          {"gossip_verify_outgoing", verify.outgoing}};
}

Json plain_event_json(std::string_view event, std::chrono::system_clock::time_point now) {
  return {{"event", event}, {"time", rfc3339(now)}};
}

Json event_json(const Event& event, const Viewer& viewer,
                std::chrono::system_clock::time_point now) {
  const auto begin = [&](std::string_view name) { return plain_event_json(name, now); };
  return std::visit(Overloaded{
                        [&](const MemberEvent& e) {
                          Json json = begin(to_string(e.kind));
                          json["member"] = member_json(e.member, viewer);
                          if (e.other) json["other"] = e.other->to_string();
                          json["cause"] = cause_json(e.cause);
                          return json;
                        },
                        [&](const UserMessage& e) {
                          Json json = begin("message");
                          if (!e.from.empty()) put_name(json, "from", e.from);
                          json["source"] = e.source.to_string();
                          json["reliable"] = e.reliable;
                          put_bytes(json, "payload", e.payload);
                          return json;
                        },
                        [&](const StateMerged& e) {
                          Json json = begin("merge");
                          if (!e.from.empty()) put_name(json, "from", e.from);
                          json["state_bytes"] = e.state.size();
                          json["source"] = e.source.to_string();
                          json["join"] = e.join;
                          return json;
                        },
                        [&](const HealthChanged& e) {
                          Json json = begin("health");
                          json["score"] = e.score;
                          return json;
                        },
                        [&](const JoinFinished& e) {
                          Json json = begin("joined");
                          json["contacted"] = e.contacted;
                          json["failures"] = join_failures_json(e.failures);
                          return json;
                        },
                        [&](const LeaveFinished&) { return begin("left"); },
                        [&](const Failure& e) {
                          Json json = begin("error");
                          json["text"] = e.error.message;
                          return json;
                        },
                        [&](const JoinRetrying& e) {
                          Json json = begin("retrying");
                          json["attempt"] = e.attempt;
                          json["pause_ms"] = e.pause / std::chrono::milliseconds(1);
                          json["code"] = to_string(e.error.code);
                          json["text"] = e.error.message;
                          return json;
                        },
                    },
                    event);
}

Json join_failures_json(const std::vector<Error>& failures) {
  Json json = Json::array();
  for (const Error& error : failures) {
    json.push_back({{"address", show_join_address(error.subject)},
                    {"code", to_string(error.code)},
                    {"message", error.message}});
  }
  return json;
}

}  // namespace memberlist::cli
