#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admin_api.hpp"
#include "event_hub.hpp"
#include "http_limits.hpp"
#include "memberlist/address.hpp"
#include "memberlist/event.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// The admin API over HTTP/1.1 (docs/http-api.md). One thread serves all connections; calls that
/// wait for the network run on separate threads.
class AdminServer {
 public:
  using LogFunction = std::function<void(LogLevel, std::string_view)>;

  /// Binds; connections wait until `serve`.
  [[nodiscard]] static std::expected<AdminServer, CommandError> bind(
      const Address& address, std::optional<std::string> token, const HttpLimits& limits = {});

  AdminServer(AdminServer&&) noexcept;
  AdminServer& operator=(AdminServer&&) noexcept;
  /// As `stop`.
  ~AdminServer();

  /// The listening address, with the port that the kernel chose if 0 was requested.
  [[nodiscard]] Address address() const;

  /// Serves until `stop`, despite errors of requests or of the system. All arguments must outlive
  /// the call of `stop`, which is required even if this throws `std::system_error`: no thread was
  /// available.
  void serve(AdminApi& api, EventHub& hub, LogFunction log);

  /// Instead of `serve`, for connections made elsewhere (the fuzzer): does what `answer` does.
  void prepare(AdminApi& api, EventHub& hub);
  /// Answers the requests of one connected stream socket on the calling thread, until it is closed.
  void answer(int socket);

  /// Accepts no more connections, and waits until the running calls are done. No client can delay
  /// it: unread output is dropped after half a second. End the hub and the member first.
  void stop() noexcept;

 private:
  class Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memberlist::cli
