#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "agent_metrics.hpp"
#include "event_hub.hpp"
#include "json_views.hpp"
#include "memberlist/memberlist.hpp"

namespace memberlist::cli {

/// How long an agent tries to announce its departure. Together with the last lines of log and
/// events (LineWriter) it stays below the 7 s of docs/cli.md.
inline constexpr std::chrono::seconds kLeaveTimeout{4};

/// The response to a request.
struct ApiReply {
  int status = 200;
  std::string body;  ///< one line of JSON
};

/// `{"error":{"code","message"}}`.
[[nodiscard]] ApiReply error_reply(int status, std::string_view code, std::string_view message);
/// The same for an error of the library, with the status that fits its code.
[[nodiscard]] ApiReply error_reply(const Error& error);

/// The operations of the admin API on the running member (docs/http-api.md). Thread-safe;
/// operations that change something block on the network like the member's own calls.
class AdminApi {
 public:
  /// Member, hub and metrics must outlive the API. `on_left` is called once the member has left.
  AdminApi(Memberlist& list, EventHub& hub, const AgentMetrics& metrics, std::string http_address,
           std::function<void()> on_left);

  /// `statuses`: comma-separated, all if empty.
  [[nodiscard]] ApiReply members(const std::string& statuses) const;
  [[nodiscard]] ApiReply member(const std::string& shown_name) const;
  [[nodiscard]] ApiReply info() const;
  [[nodiscard]] ApiReply join(const std::string& body);
  [[nodiscard]] ApiReply leave();
  [[nodiscard]] ApiReply meta(const std::string& body);
  [[nodiscard]] ApiReply ping(const std::string& body);
  [[nodiscard]] ApiReply send(const std::string& body);
  [[nodiscard]] ApiReply broadcast(const std::string& body);
  /// Not JSON: `AgentMetrics::kContentType`.
  [[nodiscard]] std::string metrics() const { return metrics_.page(list_); }
  // The caller must `wipe` the bodies of requests that contain a key.
  [[nodiscard]] ApiReply keys() const;
  [[nodiscard]] ApiReply add_key(const std::string& body);
  [[nodiscard]] ApiReply use_key(const std::string& body);
  [[nodiscard]] ApiReply remove_key(const std::string& body);
  [[nodiscard]] ApiReply verify(const std::string& body);

 private:
  template <class Change>
  [[nodiscard]] ApiReply change_key(const std::string& body, bool by_fingerprint, Change change);

  Memberlist& list_;
  EventHub& hub_;
  const AgentMetrics& metrics_;
  std::string http_address_;
  std::function<void()> on_left_;
};

}  // namespace memberlist::cli
