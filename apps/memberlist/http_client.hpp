#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "json_views.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// The address and token of an agent's admin API, from `--http` and `--http-token-file`.
struct AgentTarget {
  std::string address = "127.0.0.1:7947";
  std::optional<std::string> token_file;
};

/// A client of an agent's admin API. Errors are ready to be shown. One thread at a time.
class AdminClient {
 public:
  [[nodiscard]] static std::expected<AdminClient, CommandError> open(const AgentTarget& target);

  AdminClient(AdminClient&&) noexcept;
  AdminClient& operator=(AdminClient&&) noexcept;
  ~AdminClient();

  [[nodiscard]] std::expected<Json, CommandError> get(const std::string& path);
  [[nodiscard]] std::expected<Json, CommandError> post(const std::string& path, const Json& body);
  [[nodiscard]] std::expected<Json, CommandError> put(const std::string& path, const Json& body);

  /// Reads the agent's events; each line (except blank ones) is passed to `on_line`, until that
  /// returns false (no error). If the agent ends, this returns an error.
  [[nodiscard]] std::expected<void, CommandError> events(
      const std::function<bool(const Json& event, bool more_at_hand)>& on_event);

 private:
  class Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memberlist::cli
