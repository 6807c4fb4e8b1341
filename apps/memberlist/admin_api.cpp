#include "admin_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <utility>

#include "key_text.hpp"
#include "memberlist/name_text.hpp"
#include "name_views.hpp"
#include "secret_text.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

constexpr std::size_t kMaxJoinAddresses = 256;
// Values in a body: above what any request has. Each costs much more memory than its bytes.
constexpr std::size_t kMaxJsonValues = 4096;

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::name_required:
      return 400;
    case ErrorCode::unknown_member:
      return 404;
    case ErrorCode::member_not_alive:
    case ErrorCode::incompatible:
    case ErrorCode::vetoed:
    case ErrorCode::own_address:
    case ErrorCode::name_taken:
      return 409;
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::unresolved:
    case ErrorCode::unreachable:
    case ErrorCode::refused_by_peer:
    case ErrorCode::protocol:
    case ErrorCode::crypto:  // of a join; what is wrong with a key in a request is found before
      return 502;
    case ErrorCode::shut_down:
    case ErrorCode::cancelled:
      return 503;
    case ErrorCode::timed_out:
      return 504;
    case ErrorCode::address_in_use:
    case ErrorCode::no_address:
    case ErrorCode::system:
      return 500;
  }
  return 500;
}

ApiReply ok(const Json& json) { return {200, to_line(json)}; }

ApiReply bad_request(std::string_view message) { return error_reply(400, "bad_request", message); }

// Whether the JSON text has few enough values to be parsed; they are counted by the characters that
// precede each value but the first, outside strings.
bool has_few_values(std::string_view text) {
  std::size_t values = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == ',' || c == '[' || c == '{') && ++values > kMaxJsonValues) {
      return false;
    }
  }
  return true;
}

// A request's JSON object; remembers which fields were read, so that a misspelt field is an error.
class Body {
 public:
  explicit Body(const std::string& text) {
    if (!has_few_values(text)) {
      fail(fmt::format("the body has more than {} values", kMaxJsonValues));
      return;
    }
    json_ = Json::parse(text, nullptr, false);
    if (!json_.is_object()) fail("the body must be a JSON object");
  }

  std::optional<std::string> text(const char* field) {
    const Json* value = find(field);
    if (value != nullptr && !value->is_string()) {
      fail(fmt::format("`{}` must be a string", field));
      return std::nullopt;
    }
    return value != nullptr ? std::optional(value->get<std::string>()) : std::nullopt;
  }

  bool flag(const char* field) { return optional_flag(field).value_or(false); }

  std::optional<bool> optional_flag(const char* field) {
    const Json* value = find(field);
    if (value != nullptr && !value->is_boolean()) {
      fail(fmt::format("`{}` must be true or false", field));
      return std::nullopt;
    }
    return value != nullptr ? std::optional(value->get<bool>()) : std::nullopt;
  }

  // The key that `key_base64` holds, and no copy of its text.
  std::optional<Bytes> key() {
    const Json* value = find("key_base64");
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) {
      fail("`key_base64` must be a string");
      return std::nullopt;
    }
    auto& text = json_["key_base64"].get_ref<std::string&>();
    auto key = parse_key(text, "`key_base64`");
    wipe_text(text);
    if (!key) {
      fail(key.error().text);
      return std::nullopt;
    }
    return std::move(*key);
  }

  std::optional<std::string> fingerprint() {
    auto given = text("fingerprint");
    if (given && !is_fingerprint(*given)) {
      fail("`fingerprint` must have 16 hexadecimal digits");
      return std::nullopt;
    }
    return given;
  }

  // The member's name: `name` as it is shown, or `name_base64` as it is: one of the two.
  std::string required_name() {
    const auto shown = text("name");
    const auto encoded = text("name_base64");
    if (shown && encoded) fail("give either `name` or `name_base64`");
    const auto bytes = base64_decode(encoded.value_or(""));
    if (!bytes) fail("`name_base64` is not base64");
    const bool exact = encoded && bytes;
    std::string name = exact ? std::string(as_text(*bytes)) : read_name(shown.value_or(""));
    if (name.empty()) fail("`name` is missing");
    return name;
  }

  // `field` as text, or `field`_base64 as any bytes: one of the two.
  Bytes required_bytes(const std::string& field) {
    const auto plain = text(field.c_str());
    const auto encoded = text((field + "_base64").c_str());
    if (plain.has_value() == encoded.has_value()) {
      fail(fmt::format("give either `{0}` or `{0}_base64`", field));
      return {};
    }
    if (plain) return to_bytes(*plain);
    auto bytes = base64_decode(*encoded);
    if (!bytes) fail(fmt::format("`{}_base64` is not base64", field));
    return bytes.value_or(Bytes{});
  }

  std::vector<std::string> required_texts(const char* field) {
    const Json* value = find(field);
    std::vector<std::string> texts;
    if (value == nullptr || !value->is_array() || value->empty() ||
        value->size() > kMaxJoinAddresses) {
      fail(fmt::format("`{}` must be a list of 1 to {} strings", field, kMaxJoinAddresses));
      return texts;
    }
    for (const Json& item : *value) {
      if (!item.is_string()) {
        fail(fmt::format("`{}` must contain strings", field));
        return texts;
      }
      texts.push_back(item.get<std::string>());
    }
    return texts;
  }

  void fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  // What is wrong with the body, once all fields were asked for.
  std::optional<ApiReply> refusal() {
    if (problem_.empty()) {
      for (const auto& [key, value] : json_.items()) {
        if (std::ranges::find(known_, key) == known_.end()) {
          fail(fmt::format("`{}` is not a field of this request", key));
        }
      }
    }
    return problem_.empty() ? std::nullopt : std::optional(bad_request(problem_));
  }

 private:
  const Json* find(const char* field) {
    known_.emplace_back(field);
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(field);
    return found != json_.end() ? &*found : nullptr;
  }

  Json json_;
  std::vector<std::string> known_;
  std::string problem_;
};

std::optional<MemberStatus> parse_status(std::string_view text) {
  for (const MemberStatus status :
       {MemberStatus::alive, MemberStatus::suspect, MemberStatus::dead, MemberStatus::left}) {
    if (to_string(status) == text) return status;
  }
  return std::nullopt;
}

}  // namespace

ApiReply error_reply(int status, std::string_view code, std::string_view message) {
  return {status, to_line({{"error", {{"code", code}, {"message", message}}}})};
}

ApiReply error_reply(const Error& error) {
  return error_reply(http_status(error.code), to_string(error.code), error.message);
}

AdminApi::AdminApi(Memberlist& list, EventHub& hub, const AgentMetrics& metrics,
                   std::string http_address, std::function<void()> on_left)
    : list_(list),
      hub_(hub),
      metrics_(metrics),
      http_address_(std::move(http_address)),
      on_left_(std::move(on_left)) {}

ApiReply AdminApi::members(const std::string& statuses) const {
  std::vector<MemberStatus> wanted;
  if (!statuses.empty()) {
    for (const std::string& text : split(statuses, ',')) {
      const auto status = parse_status(trim(text));
      if (!status) {
        return bad_request(
            fmt::format("there is no status `{}`: give alive, suspect, dead or left", text));
      }
      wanted.push_back(*status);
    }
  }
  return {200, members_line(list_.members(), wanted, viewer_of(list_))};
}

ApiReply AdminApi::member(const std::string& shown_name) const {
  const std::string name = read_name(shown_name);
  const auto member = list_.member(name);
  if (!member) {
    return error_reply(
        {ErrorCode::unknown_member, fmt::format("no member is named {}", show_name(name)), name});
  }
  return ok(member_json(*member, viewer_of(list_)));
}

ApiReply AdminApi::info() const {
  Json json = info_json(list_);
  json["http"] = http_address_;
  json["event_subscribers"] = hub_.subscriber_count();
  const LostLines lost = metrics_.lost();
  json["lost_lines"] = {{"events", lost.events}, {"log", lost.log}};
  return ok(json);
}

ApiReply AdminApi::join(const std::string& body) {
  Body request(body);
  auto addresses = request.required_texts("addresses");
  if (const auto refusal = request.refusal()) return *refusal;
  std::ranges::transform(addresses, addresses.begin(), read_join_address);
  const auto result = list_.join(addresses);
  if (!result) return error_reply(result.error());
  return ok({{"contacted", result->contacted}, {"failures", join_failures_json(result->failures)}});
}

ApiReply AdminApi::leave() {
  const auto result = list_.leave({.timeout = kLeaveTimeout});
  if (!result && result.error().code != ErrorCode::timed_out) return error_reply(result.error());
  on_left_();
  return ok({{"left", true}, {"told", result.has_value()}});
}

ApiReply AdminApi::meta(const std::string& body) {
  Body request(body);
  const Bytes meta = request.required_bytes("meta");
  if (const auto refusal = request.refusal()) return *refusal;
  const auto result = list_.update_meta(meta);
  if (!result && result.error().code != ErrorCode::timed_out) return error_reply(result.error());
  return ok({{"updated", true}, {"told", result.has_value()}});
}

ApiReply AdminApi::ping(const std::string& body) {
  Body request(body);
  const std::string name = request.required_name();
  if (const auto refusal = request.refusal()) return *refusal;
  const auto result = list_.ping(name);
  if (!result) return error_reply(result.error());
  Json json;
  put_name(json, "name", name);
  json["round_trip_ns"] = result->round_trip.count();
  json["payload_base64"] = base64_encode(result->payload);
  return ok(json);
}

ApiReply AdminApi::send(const std::string& body) {
  Body request(body);
  const std::string name = request.required_name();
  const Bytes payload = request.required_bytes("payload");
  const bool reliable = request.flag("reliable");
  if (const auto refusal = request.refusal()) return *refusal;
  const auto result =
      list_.send(name, payload, reliable ? Delivery::reliable : Delivery::best_effort);
  if (!result) return error_reply(result.error());
  return ok({{"sent", true}, {"payload_bytes", payload.size()}});
}

ApiReply AdminApi::broadcast(const std::string& body) {
  Body request(body);
  const Bytes payload = request.required_bytes("payload");
  const std::string name = request.text("name").value_or("");
  if (const auto refusal = request.refusal()) return *refusal;
  const auto result = list_.broadcast(payload, name);
  if (!result) return error_reply(result.error());
  return ok({{"queued", true}, {"payload_bytes", payload.size()}});
}

// --- keys ----------------------------------------------------------------------------------------

ApiReply AdminApi::keys() const { return ok(keys_json(list_)); }

// Calls `change` with the key, or with the fingerprint, that the body names.
template <class Change>
ApiReply AdminApi::change_key(const std::string& body, bool by_fingerprint, Change change) {
  Body request(body);
  auto key = request.key();
  const auto fingerprint = by_fingerprint ? request.fingerprint() : std::nullopt;
  if (key.has_value() == fingerprint.has_value()) {
    request.fail(by_fingerprint ? "give either `key_base64` or `fingerprint`"
                                : "`key_base64` is missing");
  }
  Result<void> changed;
  const auto refusal = request.refusal();
  if (!refusal) {
    changed = key ? change(BytesView(*key)) : change(std::string_view(fingerprint.value_or("")));
  }
  if (key) wipe(*key);
  if (refusal) return *refusal;
  return changed ? keys() : error_reply(changed.error());
}

ApiReply AdminApi::add_key(const std::string& body) {
  return change_key(body, false, [this](auto which) -> Result<void> {
    if constexpr (std::is_same_v<decltype(which), BytesView>) {
      return list_.add_key(which);
    } else {
      return fail(ErrorCode::invalid_argument, "a key cannot be added by its fingerprint");
    }
  });
}

ApiReply AdminApi::use_key(const std::string& body) {
  return change_key(body, true, [this](auto which) { return list_.use_key(which); });
}

ApiReply AdminApi::remove_key(const std::string& body) {
  return change_key(body, true, [this](auto which) { return list_.remove_key(which); });
}

ApiReply AdminApi::verify(const std::string& body) {
  Body request(body);
  const auto incoming = request.optional_flag("incoming");
  const auto outgoing = request.optional_flag("outgoing");
  if (!incoming && !outgoing) request.fail("give `incoming`, `outgoing` or both");
  if (const auto refusal = request.refusal()) return *refusal;
  const auto changed = list_.set_gossip_verify(incoming, outgoing);
  return changed ? keys() : error_reply(changed.error());
}

}  // namespace memberlist::cli
