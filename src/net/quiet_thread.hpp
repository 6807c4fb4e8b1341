#pragma once

#include <functional>
#include <thread>

namespace memberlist::net {

/// Starts a thread that takes no signals, so that the application's handlers run on its own
/// threads. Throws std::system_error if the system has no thread left.
[[nodiscard]] std::thread start_quiet_thread(std::function<void()> body);

}  // namespace memberlist::net
