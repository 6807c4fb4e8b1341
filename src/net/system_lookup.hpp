#pragma once

// Private to this room: names as the system resolves them.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "net/loop.hpp"

namespace memberlist::net {

/// Resolves names with `getaddrinfo`, and so with everything that this machine is configured to use
/// at that moment: hosts file, name servers, search list, and further sources of nsswitch.conf.
///
/// The system's call blocks and cannot be cancelled. It runs on separate threads, started on
/// demand, at most `limits::kLookupThreads`; further names wait for one of them. A thread that is
/// still inside the call when the object ends is left alone: it does not touch the object or the
/// loop again, drops its result, and ends when the system's resolver gives up.
///
/// All calls from the loop's thread, or while the loop is not running.
class SystemLookup {
 public:
  /// At most `limits::kAddressesOfName`, each once, in the order of preference (RFC 6724).
  using Answer = std::function<void(Result<std::vector<IpAddress>>)>;
  /// The blocking call: from any thread, several at once.
  using Blocking = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;

  /// The loop must outlive the object. Tests give another `blocking` call.
  explicit SystemLookup(Loop& loop);
  SystemLookup(Loop& loop, Blocking blocking);
  /// Answers are not called any more.
  ~SystemLookup();
  SystemLookup(const SystemLookup&) = delete;
  SystemLookup& operator=(const SystemLookup&) = delete;

  /// Calls `answer` once, from the loop. Errors: `unresolved`, `system` (no thread available).
  /// What it returns is for `forget`.
  std::uint64_t look_up(const std::string& host, Answer answer);
  /// The answer is not called any more. If the name is being resolved, that keeps its thread for
  /// now; if it still waits for a thread, it is dropped.
  void forget(std::uint64_t query);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace memberlist::net
