#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "admin_api.hpp"
#include "event_hub.hpp"
#include "memberlist/address.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// The admin API over HTTP/1.1 (docs/http-api.md), on threads of its own.
class AdminServer {
 public:
  /// Binds; connections wait until `serve`.
  [[nodiscard]] static std::expected<AdminServer, CommandError> bind(
      const Address& address, std::optional<std::string> token);

  AdminServer(AdminServer&&) noexcept;
  AdminServer& operator=(AdminServer&&) noexcept;
  /// As `stop`.
  ~AdminServer();

  /// Where it listens, with the port that the kernel chose if 0 was asked for.
  [[nodiscard]] Address address() const;

  /// Serves from now on. Both must outlive the server's last request.
  void serve(AdminApi& api, EventHub& hub);

  /// Instead of `serve`, for connections that somebody else makes (the fuzzer): what `answer` does.
  void prepare(AdminApi& api, EventHub& hub);
  /// Answers the request of one connected socket on the calling thread, and closes the socket.
  void answer(int socket);

  /// Takes no more connections, and waits until the calls under way are done. No client can hold
  /// it up: what cannot be written at once is dropped. End the hub and the member first.
  void stop();

 private:
  class Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memberlist::cli
