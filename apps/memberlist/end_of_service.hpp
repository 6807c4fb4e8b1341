#pragma once

#include <chrono>
#include <optional>

#include "event_hub.hpp"
#include "http_server.hpp"
#include "memberlist/memberlist.hpp"

namespace memberlist::cli {

/// Stops the member and its services, in the required order, even if an exception ends the service
/// early. Must be destroyed before the API that is served.
class EndOfService {
 public:
  /// How long readers of the events have for the last ones.
  static constexpr std::chrono::milliseconds kLastEventsTimeout{500};

  EndOfService(Memberlist& list, EventHub& hub, std::optional<AdminServer>& server)
      : list_(list), hub_(hub), server_(server) {}
  EndOfService(const EndOfService&) = delete;
  EndOfService& operator=(const EndOfService&) = delete;
  ~EndOfService() {
    hub_.close(kLastEventsTimeout);
    list_.shutdown();
    if (server_) server_->stop();
  }

 private:
  Memberlist& list_;
  EventHub& hub_;
  std::optional<AdminServer>& server_;
};

}  // namespace memberlist::cli
