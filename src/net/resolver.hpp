#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "memberlist/time.hpp"
#include "net/loop.hpp"

namespace memberlist::net {

struct ResolverOptions {
  /// Name servers, the first one first; port 0 means 53. Empty: the system's own resolver.
  std::vector<Address> servers;
  // For the servers given here; the system's configuration has the times of its own.
  /// How long one server may take for one try; each further round waits twice as long.
  Duration try_timeout = std::chrono::seconds(2);
  int tries = 3;  ///< of each server, each way
};

/// Resolves host names to addresses (protocol 9), without blocking the loop. All calls from the
/// loop's thread, or while the loop is not running.
///
/// Without configured servers: the result of the system's resolver (`SystemLookup`), with the
/// configuration that the machine has at that moment.
///
/// With configured servers: the hosts file first, then DNS, for A and AAAA. A name with a dot is
/// queried by TCP, which can carry any list; if that has no result, or none within half of the
/// time, the usual way is tried as well: by UDP, and by TCP if an answer does not fit. The system's
/// search list is read again whenever no name is being resolved.
class Resolver {
 public:
  /// All addresses found, each once, in the order of preference (RFC 6724); 1,024 at most
  /// (`limits::kAddressesOfName`). Errors: `unresolved`, `timed_out`, `cancelled`; the host is
  /// their subject, and the text says what to try.
  using Answer = std::function<void(Result<std::vector<IpAddress>>)>;

  /// The loop must outlive the resolver. Error: `system`.
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> create(
      Loop& loop, const ResolverOptions& options = {});
  /// Completes pending queries with `cancelled`.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Calls `answer` once: from the loop, at the latest after `timeout`; or from within this call,
  /// if no name server is needed (IP addresses; with configured servers, names in the hosts file).
  void resolve(const std::string& host, Duration timeout, Answer answer);
  /// Completes pending queries with `cancelled`, before it returns.
  void cancel_all();

 private:
  class Impl;
  explicit Resolver(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist::net
