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
  /// Name servers as `host:port,host:port`; empty: those of the system's configuration.
  std::string servers;
  /// How long one server may take for one try.
  Duration try_timeout = std::chrono::seconds(2);
  int tries = 2;
};

/// Host names to addresses, without blocking the loop: the hosts file first, then DNS (A and AAAA;
/// by UDP, and by TCP where an answer is too long for UDP, so that no address of a long list is
/// missed). All calls from the loop's thread, or while nobody runs the loop.
class Resolver {
 public:
  /// All addresses found, each once, in the order of preference (RFC 6724). Errors: `unresolved`,
  /// `timed_out`, `cancelled`; the host is their subject, and the text says what to try.
  using Answer = std::function<void(Result<std::vector<IpAddress>>)>;

  /// The loop must outlive the resolver. Error: `system`.
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> create(
      Loop& loop, const ResolverOptions& options = {});
  /// Answers what is open with `cancelled`.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Calls `answer` once: from the loop, at the latest after `timeout`; or from within this call,
  /// for what needs no name server (IP addresses, names of the hosts file).
  void resolve(const std::string& host, Duration timeout, Answer answer);
  /// Answers what is open with `cancelled`, before it returns.
  void cancel_all();

 private:
  class Impl;
  explicit Resolver(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist::net
