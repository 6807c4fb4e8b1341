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
  // Of the servers given here; the system's have their times in its configuration.
  /// How long one server may take for one try; each further round waits twice as long.
  Duration try_timeout = std::chrono::seconds(2);
  int tries = 3;  ///< of each server, each way
};

/// Host names to addresses (protocol 9), without blocking the loop. All calls from the loop's
/// thread, or while nobody runs the loop.
///
/// Without servers of our own: whatever the system's resolver finds (`SystemLookup`), with the
/// configuration that the machine has at that moment.
///
/// With servers of our own: the hosts file first, then DNS, for A and AAAA. A name with a dot is
/// asked for by TCP, which carries any list; where that gives nothing, or has given nothing in half
/// of the time, the ordinary way is gone as well: by UDP, and by TCP where an answer does not fit.
/// The system's search list is read anew whenever no name is being looked up.
class Resolver {
 public:
  /// All addresses found, each once, in the order of preference (RFC 6724); 1,024 at most
  /// (`limits::kAddressesOfName`). Errors: `unresolved`, `timed_out`, `cancelled`; the host is
  /// their subject, and the text says what to try.
  using Answer = std::function<void(Result<std::vector<IpAddress>>)>;

  /// The loop must outlive the resolver. Error: `system`.
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> create(
      Loop& loop, const ResolverOptions& options = {});
  /// Answers what is open with `cancelled`.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Calls `answer` once: from the loop, at the latest after `timeout`; or from within this call,
  /// for what needs no name server (IP addresses; with servers of our own, names of the hosts
  /// file).
  void resolve(const std::string& host, Duration timeout, Answer answer);
  /// Answers what is open with `cancelled`, before it returns.
  void cancel_all();

 private:
  class Impl;
  explicit Resolver(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist::net
